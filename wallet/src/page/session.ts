// One wallet in one worker: opened, locked, moved. What is done with it while it is open: `book_calls.ts`.
//
// 1. Before anything is done, the vault is asked whether the book is still here; and when the line to the mediator was lost, which one phone
//    has at a time. Nobody reachable: it is used all the same, and what it would write waits; another phone that took over is noticed at
//    the next step.
// 2. The vault has the book before the first offer is accepted.
// 3. A book is open in one tab at a time (Web Locks). The tab that lost it is told at once, whatever is under way there.
// 4. Phases change one step at a time. A step that was under way when the book was closed here ends without an effect.

import { StateError, UnreachableError, WalletError } from '../errors.js'
import { Governance } from '../governance/following.js'
import { Backup } from '../keeping/backup.js'
import { openBookFile, readBookFile, sealBookFile } from '../keeping/book_file.js'
import { courseIn } from '../keeping/course.js'
import { isNewerThanShelf, isOfShelf, takeFile } from '../keeping/moving.js'
import { foresee, forgetTyped, isRemembered, recall, recallByPasskey, rememberPasskey, remembering } from '../keeping/phone.js'
import { newRecoveryCode, readRecoveryCode, recoveryGroups, type RecoveryCode } from '../keeping/recovery_code.js'
import { SealedStore } from '../keeping/sealed_store.js'
import type { Shelf, ShelfRow } from '../keeping/shelf.js'
import { checkedEarly, unwritten } from '../keeping/standing.js'
import { takeOver } from '../keeping/taking_over.js'
import { OvertakenError, Vault, VaultDeletedError, type Fetch } from '../keeping/vault.js'
import { VaultKey } from '../keeping/vault_key.js'
import type { Network } from '../network.js'
import { Wallet } from '../wallet.js'
import { HistoryMemory } from '../webvh/history.js'
import { WebvhResolver } from '../webvh/resolver.js'
import { BookCalls, type Open } from './book_calls.js'
import { passkeyAt, phaseAt } from './door.js'
import { isOffline, Online } from './online.js'
import type { Calls, EventMessage, PasskeyPlace, PasskeySecret, Phase, Settings, Status } from './protocol.js'
import { rehearsal } from './rehearsal.js'
import { Views } from './views.js'

export { WebNetwork } from '../web_network.js'

const LABEL = 'Wallet'
/** So long what the vault says of the book may have been asked for before it is opened. */
const EARLY_MS = 10_000
/** What is asked for before the key is at hand. */
interface Early {
  readonly rows: Promise<ShelfRow[]>
  readonly ask: Promise<Fetch | undefined>
}

type Handlers = { readonly [Name in keyof Calls]: (...told: Parameters<Calls[Name]>) => ReturnType<Calls[Name]> | Promise<ReturnType<Calls[Name]>> }

export class Session extends BookCalls implements Handlers {
  readonly #shelf: Shelf
  readonly #network: Network
  readonly #settings: Settings
  readonly #tell: (event: EventMessage['event']) => void
  #phase: Phase
  #open: Open | undefined
  #code: RecoveryCode | undefined
  /** Of a book that is elsewhere, so that it can be used here again. */
  #key: VaultKey | undefined
  /** Ends when the last change of phase that was asked for is done (4). */
  #last: Promise<unknown> = Promise.resolve()
  /** Counts the closings: who waited meanwhile has nothing to open any more (4). */
  #closings = 0
  #isUnlocking = false
  /** The vault was asked while the PIN was typed. */
  #asked: { readonly at: number; readonly ask: Early['ask'] } | undefined
  #isRehearsed = false
  /** A link that is to be followed once the book is open. */
  #link: string | undefined
  /** Of a book that was locked, while it sends what waits. */
  #leaving: Backup | undefined

  private constructor(shelf: Shelf, network: Network, settings: Settings, phase: Phase, tell: (event: EventMessage['event']) => void) {
    super(() => this.#open)
    this.#shelf = shelf
    this.#network = network
    this.#settings = settings
    this.#phase = phase
    this.#tell = tell
  }

  static async begin(shelf: Shelf, network: Network, settings: Settings, tell: (event: EventMessage['event']) => void): Promise<Session> {
    return new Session(shelf, network, settings, await phaseAt(shelf, settings), tell)
  }

  status(): Status {
    return { phase: this.#phase, backup: this.#open?.backup.state ?? 'waiting', isOnline: this.#open?.online.isOnline ?? false }
  }

  /** The tab lost the book to another one (3). */
  leave(): void {
    this.#close('other-tab')
  }

  newCode(): string[] {
    this.#code = newRecoveryCode()
    return recoveryGroups(this.#code)
  }

  create({ pin }: { pin: string }): Promise<void> {
    return this.#inTurn(async (goesOn) => {
      if (!['none', 'forgotten', 'locked'].includes(this.#phase) || !this.#code) throw new StateError('there is a book, or no code')
      const key = await VaultKey.ofCode(this.#code)
      const phone = await remembering(key, pin)
      goesOn()
      await this.#shelf.replace({ notes: { ...unwritten(key), phone } })
      this.#code = undefined
      await this.#openBook(key, goesOn)
    })
  }

  unlock(told: ({ pin: string } | { secret: Uint8Array }) & { address?: string | undefined }): Promise<void> {
    this.#isUnlocking = true
    const asked = this.#asked
    return this.#inTurn(async (goesOn) => {
      if (this.#phase !== 'locked') throw new StateError('the book is not locked')
      this.#link = told.address
      const early = this.#beginEarly(asked && Date.now() - asked.at < EARLY_MS ? asked.ask : this.#askEarly())
      try {
        await this.#openBook(await ('pin' in told ? recall(this.#shelf, told.pin) : recallByPasskey(this.#shelf, told.secret)), goesOn, early)
      } finally {
        this.#isUnlocking = false
        this.#link = undefined // whoever opens the book otherwise came by no link
        if (this.#phase === 'locked' && !(await isRemembered(this.#shelf))) this.#become('forgotten')
      }
    })
  }

  /** A PIN is being typed. */
  async typed({ pin }: { pin: string }): Promise<void> {
    await foresee(this.#shelf, pin)
  }

  /** While a PIN is typed: the vault is asked, and what an open book does first is done once before, until somebody waits. */
  async rehearse(): Promise<void> {
    if (this.#phase !== 'locked' || this.#isUnlocking) return
    if (this.#leaving) return // the vault is still being told
    if (!this.#asked || Date.now() - this.#asked.at > EARLY_MS / 2) this.#asked = { at: Date.now(), ask: this.#askEarly() }
    if (this.#isRehearsed) return
    this.#isRehearsed = true
    for (const _ of rehearsal()) {
      await new Promise((resolve) => setTimeout(resolve))
      if (this.#phase !== 'locked' || this.#isUnlocking) return
    }
  }

  passkey(): Promise<PasskeyPlace | null> {
    return passkeyAt(this.#shelf)
  }

  keepPasskey(told: PasskeySecret | null): Promise<void> {
    return this.#inTurn(() => rememberPasskey(this.#shelf, this.#opened().key, told))
  }

  restore({ code, pin }: { code: string; pin: string }): Promise<void> {
    return this.#inTurn(async (goesOn) => {
      if (!['none', 'forgotten', 'locked'].includes(this.#phase)) throw new StateError('a book is open')
      const key = await VaultKey.ofCode(readRecoveryCode(code))
      const phone = await remembering(key, pin)
      const isOurs = await isOfShelf(key, this.#shelf)
      goesOn()
      if (isOurs) {
        await this.#shelf.write({ notes: { phone } })
        return this.#openBook(key, goesOn)
      }
      await this.#mayGo()
      if ((await takeOver(this.#shelf, key, this.#vault(key), { phone }, goesOn)) !== 'taken') throw new WalletError('no_book', 'there is no book for this code')
      return this.#openBook(key, goesOn)
    })
  }

  async saveFile(): Promise<Uint8Array> {
    const { key, store, backup } = this.#opened()
    const isAhead = (await this.#shelf.waiting()).length > 0
    const rows = store.whole()
    return sealBookFile(key, { course: courseIn(rows), number: backup.number, isAhead, rows, mediator: this.#settings.mediator as string })
  }

  openFile({ file, code, pin }: { file: Blob; code: string; pin: string }): Promise<'file' | 'vault'> {
    return this.#inTurn(async (goesOn) => {
      if (!['none', 'forgotten', 'locked'].includes(this.#phase)) throw new StateError('a book is open')
      const sealed = await readBookFile(file)
      const key = await VaultKey.ofCode(readRecoveryCode(code))
      const book = await openBookFile(key, sealed)
      const phone = await remembering(key, pin)
      const isOurs = await isOfShelf(key, this.#shelf)
      goesOn()
      if (isOurs && !(await isNewerThanShelf(book, this.#shelf, key))) {
        goesOn()
        await this.#shelf.write({ notes: { phone } })
        await this.#openBook(key, goesOn)
        return 'vault'
      }
      if (!isOurs) await this.#mayGo()
      const taken = await takeFile(this.#shelf, key, this.#vault(key), book, this.#settings.mediator as string, { phone }, goesOn)
      if (taken === 'vault') await takeOver(this.#shelf, key, this.#vault(key), { phone }, goesOn)
      await this.#openBook(key, goesOn)
      return taken
    })
  }

  useHere(): Promise<void> {
    return this.#inTurn(async (goesOn) => {
      const key = this.#key
      if (this.#phase !== 'elsewhere' || !key) throw new StateError('the book is not elsewhere')
      const phone = await this.#shelf.note('phone')
      // A host that has nothing, or less than this phone wrote, has nothing to take: it is given what is here.
      await takeOver(this.#shelf, key, this.#vault(key), { phone }, goesOn)
      await this.#openBook(key, goesOn)
    })
  }

  /**
   * Lock the book, if it is open: in another phase there is nothing to lock, and much to lose (3). What waits for the vault still goes
   * there; the screen does not wait for it, and who opens the book again does (4). The key of one that is elsewhere goes, too: whoever
   * wants it here again types the PIN.
   */
  lock(): Promise<void> {
    let sent: Promise<void> | undefined
    const locked = this.#inTurn(async () => {
      if (this.#phase === 'elsewhere') return this.#close((await isRemembered(this.#shelf)) ? 'locked' : 'forgotten')
      if (this.#phase !== 'open' || !this.#open) return
      const { backup } = this.#open
      this.#close('locked', backup)
      this.#leaving = backup
      sent = backup.leave().finally(() => (this.#leaving = undefined))
    })
    this.#last = this.#last.then(() => sent).catch(() => undefined)
    return locked
  }

  /** The device says that it has no network. */
  offline(): void {
    this.#open?.wallet.agent.mediator.lost()
  }

  /** Somebody looks at the page again, or the device says that it has a network. */
  async look(): Promise<void> {
    await this.#open?.wallet.agent.mediator.look()
  }

  deleteBook(): Promise<void> {
    return this.#inTurn(async () => {
      const { key, backup } = this.#opened()
      // Nothing that is on its way comes to the vault after its deletion.
      await backup.alone(async () => {
        await this.#vault(key).delete()
        backup.stop()
      })
      await this.#forget()
    })
  }

  openHistory({ pin }: { pin: string }): Promise<void> {
    return this.#inTurn(async (goesOn) => {
      const open = this.#opened()
      try {
        await recall(this.#shelf, pin)
      } catch (error) {
        goesOn()
        // Whoever tries has the open book in their hands: after the last try it is closed, too.
        if (!(await isRemembered(this.#shelf))) this.#close('forgotten')
        throw error
      }
      goesOn()
      open.isHistoryOpen = true
    })
  }

  closeHistory(): void {
    if (this.#open) this.#open.isHistoryOpen = false
  }

  // 4: `goesOn` throws once the book was closed here.
  #inTurn<T>(step: (goesOn: () => void) => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      const closings = this.#closings
      this.#asked = undefined // another book may come in the place of the one that was asked for
      return step(() => {
        if (this.#closings !== closings) throw new StateError('the book was closed meanwhile')
      })
    })
    const nothing = (): void => {}
    this.#last = turn.then(nothing, nothing)
    return turn
  }

  // What needs no key, while the PIN is stretched: the sealed rows are read, and the vault is asked (1). Rows are read no sooner: a tab that has
  // just lost the book may be writing its last ones.
  #beginEarly(ask: Early['ask']): Early {
    const rows = this.#shelf.rows()
    rows.catch(() => undefined)
    return { rows, ask }
  }

  #askEarly(): Early['ask'] {
    const ask = checkedEarly(this.#shelf, this.#settings.origin)
    ask.catch(() => undefined)
    return ask
  }

  async #openBook(key: VaultKey, goesOn: () => void, early: Partial<Early> = {}): Promise<void> {
    goesOn()
    const store = await SealedStore.open(this.#shelf, key, early.rows)
    const backup = await Backup.open(this.#shelf, key, store, new Vault(this.#settings.origin, key, await early.ask))
    try {
      await this.#begin(key, store, backup, goesOn)
    } catch (error) {
      backup.stop()
      goesOn()
      if (error instanceof OvertakenError) {
        this.#key = key
        return this.#become('elsewhere')
      }
      if (error instanceof VaultDeletedError) return this.#forget()
      throw error
    }
  }

  async #begin(key: VaultKey, store: SealedStore, backup: Backup, goesOn: () => void): Promise<void> {
    goesOn()
    await this.#look(backup)
    goesOn()
    const options = { mediator: this.#settings.mediator as string, egress: !this.#settings.direct, label: LABEL }
    const wallet = await Wallet.open(backup.guarded(), this.#network, options)
    goesOn()
    const { governance } = this.#settings
    const { agent } = wallet
    // By a resolver of its own, which reads kept files too: nobody but the authority is judged by them.
    const files = agent.files.readAlsoWhile(() => !agent.mediator.isConnected || isOffline())
    const followed = governance ? new Governance(governance, files, agent.store, new WebvhResolver(files, new HistoryMemory(agent.store))) : undefined
    const online = new Online(this.#shelf, wallet, () => this.#tell('status'))
    this.#open = { key, store, backup, wallet, online, views: new Views(wallet, followed, () => this.#tell('changed'), () => online.askable), isHistoryOpen: false, preparing: undefined }
    backup.onState = (state) => {
      if (state === 'elsewhere') this.#close('elsewhere')
      else if (state === 'deleted') void this.#forget()
      else this.#tell('status')
    }
    agent.onChange(() => this.#tell('changed'))
    // Another phone may have taken the book over, and the line with it (1).
    agent.mediator.onAgain = () =>
      backup.alone(() => backup.check()).catch((error: unknown) => {
        if (error instanceof OvertakenError || error instanceof VaultDeletedError) throw error
      })
    // Whatever is shown needs what the authority says.
    this.#key = undefined
    online.begin(this.#link, () => void followed?.snapshot([]).catch(() => undefined))
    this.#become('open')
    backup.begin()
  }

  // 1
  async #look(backup: Backup): Promise<void> {
    try {
      await backup.check()
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
    }
  }

  #opened(): Open {
    if (!this.#open) throw new StateError('the book is not open')
    return this.#open
  }

  // Another book is on this phone: it goes only if the vault has all of it.
  async #mayGo(): Promise<void> {
    if ((await this.#shelf.waiting()).length) throw new WalletError('other_book', 'another book is on this phone, and its copy is not up to date')
  }

  #vault(key: VaultKey): Vault {
    return new Vault(this.#settings.origin, key)
  }

  async #forget(): Promise<void> {
    this.#close('none')
    await this.#shelf.replace({})
  }

  /** @param leaving what is still to send something */
  #close(phase: Phase, leaving?: Backup): void {
    this.#closings += 1
    forgetTyped()
    clearTimeout(this.#open?.preparing)
    this.#key = phase === 'elsewhere' ? (this.#open?.key ?? this.#key) : undefined
    this.#code = undefined
    this.#open?.online.stop()
    this.#open?.wallet.stop()
    for (const backup of [this.#leaving, this.#open?.backup]) if (backup !== leaving) backup?.stop()
    this.#open = undefined
    this.#become(phase)
  }

  #become(phase: Phase): void {
    if (this.#phase === 'other-tab') return // until the page is loaded again (3)
    this.#phase = phase
    this.#tell('status')
  }
}
