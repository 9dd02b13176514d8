// The copy of the book in the vault: what waits on the shelf goes there as the next revision; now and then a base, of all rows.
//
// 1. A revision that is sent is on the shelf first, word for word. Cut short, the same one goes out again: what we wrote ourselves is
//    never taken for somebody else's.
// 2. Who finds that somebody else has written (`OvertakenError` with a higher number) ends: the book is open elsewhere now.
// 3. A host that knows less than this phone (it was restored from an older copy, or lost the vault) gets a base upon what it has. If
//    it knows again what this phone wrote last, word for word, that is no other phone either: it gets a base upon that. Unless a file
//    was opened there meanwhile (`course.ts`): that is another phone, whatever its number is.
// 4. What came from others is in the vault before it is acknowledged, and before anything goes out that comes of it, wherever the host
//    can be reached: a phone that has been overtaken and does not know it yet takes nothing that is for the other one, and says nothing.
//    What is dealt with at once goes as what came of it, in one revision (`settle`): half of them, and none has the message itself.
// 5. What else is written within a moment goes in one revision: a step writes several times, and each revision costs half a kilobyte of
//    headers and a round trip. Until then it lies on the shelf, as what waits for a network does. What is sent to others ('outbox') goes
//    to the vault at once, beside it: a phone that is lost then has seldom sent what the next one does not know.
// 6. Of a row that this visit has written to the vault before, a further revision has only the members that changed (`changed_rows.ts`).
// 7. A book that is locked sends what waits before its key goes, for five seconds at most: a phone that is taken away then is no loss.

import { CheckFailedError, StateError, WalletError } from '../errors.js'
import type { Change, JsonObject, Store } from '../store.js'
import { merged, nameOf, rowsIn } from './book_rows.js'
import { shortened } from './changed_rows.js'
import { courseIn, wentOn } from './course.js'
import { openWaiting, type SealedStore, type Written } from './sealed_store.js'
import type { Shelf, ShelfChange } from './shelf.js'
import { knownIn, NOTHING, withoutSending, type Standing } from './standing.js'
import { digestOf, OvertakenError, VaultDeletedError, VaultFullError, type Sealed, type Vault } from './vault.js'
import type { VaultKey } from './vault_key.js'

const MOST_REVISIONS = 48
const LEAST_BYTES = 64 * 1024
const TOGETHER_MS = 1_000
const SELDOM_MS = 10_000
const FIRST_WAIT_MS = 10_000
const LONGEST_WAIT_MS = 10 * 60_000
const LEAVING_MS = 5_000

/** How the copy stands: 'kept' means that the vault has everything. */
export type BackupState = 'kept' | 'waiting' | 'full' | 'elsewhere' | 'deleted'

export class Backup {
  readonly #shelf: Shelf
  readonly #key: VaultKey
  readonly #store: SealedStore
  readonly #vault: Vault
  #standing: Standing
  #running: Promise<void> | undefined
  /** The same, while something is done alone. */
  #alone: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Whether what waits is about to be sent (5). */
  #isSoon = false
  #due = 0
  #wait = FIRST_WAIT_MS
  #isStopped = false
  /** What came from others and is on its way to the vault (4). */
  readonly #settling = new Set<Promise<void>>()
  /** What the vault has, as far as this visit wrote it (6); and what is being sent. */
  readonly #inVault = new Map<string, JsonObject>()
  #sending: { readonly digest: string; readonly rows: readonly Written[] } | undefined
  state: BackupState = 'waiting'
  /** Told whenever the state changes. */
  onState: (state: BackupState) => void = () => {}

  private constructor(shelf: Shelf, key: VaultKey, store: SealedStore, vault: Vault, standing: Standing) {
    this.#shelf = shelf
    this.#key = key
    this.#store = store
    this.#vault = vault
    this.#standing = standing
    store.onWaiting = (written) => {
      if (written.every(([kind, , value]) => kind === 'inbox' && value !== null)) return // 4: what comes of it goes, or it itself
      // That a message went out is told along with the next thing: on another phone it may go out again, word for word. So is what was
      // seen of files, which only another phone asks the vault for.
      this.#soon(written.every(([kind, , value]) => kind === 'seen' || (kind === 'outbox' && value === null)) ? SELDOM_MS : TOGETHER_MS)
    }
  }

  static async open(shelf: Shelf, key: VaultKey, store: SealedStore, vault: Vault): Promise<Backup> {
    return new Backup(shelf, key, store, vault, ((await shelf.note('vault')) as Standing | undefined) ?? NOTHING)
  }

  /** Of the revision that the vault had last. */
  get number(): number {
    return this.#standing.number
  }

  /** Whether the vault has ever had this book. */
  get hasVault(): boolean {
    return this.#standing.number > 0
  }

  /**
   * Look whether the book is still here, before anything is done with it.
   *
   * @throws OvertakenError it was opened elsewhere (2)
   * @throws VaultDeletedError it was deleted
   * @throws UnreachableError nobody knows now
   */
  async check(): Promise<void> {
    await this.#guarded(async () => {
      const { number: written, digest, sending } = this.#standing
      const [known, newestKnown] = knownIn(this.#standing)
      const content = await this.#vault.read(known, newestKnown)
      const number = content?.number ?? 0
      const newest = content?.revisions.at(-1)
      const ours = number === written ? digest : sending && digestOf(sending.sealed)
      if (number < written) await this.#knowsLess(number)
      else if (number > known || (newest && ours !== undefined && digestOf(newest) !== ours)) await this.#knowsMore(number)
    })
  }

  /**
   * Send what waits. Resolves when the vault has it.
   *
   * @throws UnreachableError it will be tried again
   */
  async flush(): Promise<void> {
    if (this.#isSoon) this.#later(this.#wait) // it is sent now; should that fail, it is tried again then
    const before = this.#running
    if (before) await before.catch(() => undefined) // what was written meanwhile is not in it
    while (this.#running && this.#running === this.#alone) await this.#running.catch(() => undefined) // that sends nothing
    this.#running ??= this.#guarded(() => this.#send()).finally(() => (this.#running = undefined))
    return this.#running
  }

  /** Send what an earlier visit left, and a base of a new book; with what is written within a moment (5). Nobody waits for it. */
  begin(): void {
    this.#soon(TOGETHER_MS)
  }

  /** Do something while nothing is on its way to the vault; what is to be sent waits for it. */
  async alone(step: () => Promise<void>): Promise<void> {
    while (this.#running) await this.#running.catch(() => undefined)
    const turn = step().finally(() => (this.#running = this.#alone = undefined))
    this.#running = this.#alone = turn
    return turn
  }

  /** A store that keeps (4) and (2): what it writes is copied. */
  guarded(): Store {
    const store = this.#store
    return {
      get: (kind, id) => store.get(kind, id),
      list: (kind) => store.list(kind),
      write: async (changes: readonly Change[], durable?: () => void) => {
        this.#isHere()
        const isOfOthers = changes.some(({ kind, value }) => kind === 'inbox' && value === undefined)
        const step = async (): Promise<void> => {
          await store.write(changes)
          durable?.()
          if (isOfOthers) await this.#settle()
        }
        await (isOfOthers ? this.#noted(step()) : step())
        if (!isOfOthers && changes.some(({ kind, value }) => kind === 'outbox' && value !== undefined)) this.#flushBeside()
      },
      settle: () => this.#settle(),
      settled: async () => {
        while (this.#settling.size) await Promise.all(this.#settling)
        this.#isHere()
        this.#goesOn()
      },
    }
  }

  #isHere(): void {
    if (this.state === 'elsewhere') throw new OvertakenError(this.#standing.number)
    if (this.state === 'deleted') throw new VaultDeletedError()
  }

  // 4: whoever is shown it before the vault has it may say yes at once, and that waits.
  #noted(step: Promise<void>): Promise<void> {
    const settling = step.catch(() => undefined).finally(() => this.#settling.delete(settling))
    this.#settling.add(settling)
    return step
  }

  // 4
  async #settle(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      if (!(error instanceof WalletError) || error instanceof OvertakenError || error instanceof VaultDeletedError) throw error
    }
  }

  /** Nothing is written any more, here or there: another tab may have the book from now on. */
  stop(): void {
    this.#isStopped = true
    this.#store.close()
    clearTimeout(this.#timer)
  }

  /** Nothing is written here any more; what waits is sent, if the vault takes it in time (7). Then it is over, as with `stop`. */
  async leave(): Promise<void> {
    this.#store.close()
    this.onState = () => {}
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LEAVING_MS)))
    try {
      if (!['elsewhere', 'deleted'].includes(this.state)) await Promise.race([this.flush(), late])
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
    } finally {
      clearTimeout(timer)
      this.stop()
    }
  }

  // What fails is tried again by the timer.
  #flushBeside(): void {
    this.flush().catch((error: unknown) => {
      if (!(error instanceof WalletError)) throw error
    })
  }

  async #send(): Promise<void> {
    for (let round = 0; round < 8; round++) {
      this.#goesOn()
      const sending = this.#standing.sending ?? (await this.#next())
      if (!sending) return
      try {
        await this.#vault.write(sending)
        await this.#sent(sending)
      } catch (error) {
        if (error instanceof OvertakenError) {
          if (error.number < sending.after) await this.#knowsLess(error.number)
          else await this.#knowsMore(error.number)
        }
        else if (error instanceof VaultFullError && !sending.isBase) await this.#rewrite()
        else {
          if (error instanceof VaultFullError) await this.#note({ ...withoutSending(this.#standing), further: MOST_REVISIONS })
          throw error
        }
      }
    }
  }

  // The next revision, on the shelf before it is sent (1); undefined: nothing waits.
  async #next(): Promise<(Sealed & { upTo: number }) | undefined> {
    const waiting = await this.#shelf.waiting()
    const standing = this.#standing
    if (waiting.length === 0 && standing.number > 0 && standing.further < MOST_REVISIONS) return undefined
    const isBase = standing.digest === undefined || standing.further >= MOST_REVISIONS || standing.bytes > Math.max(LEAST_BYTES, 2 * standing.baseBytes)
    const rows = isBase ? this.#store.whole() : merged(waiting.flatMap(({ sealed }) => openWaiting(this.#key, sealed)))
    const told = isBase ? rows : rows.map((row) => shortened(row, this.#inVault.get(nameOf(row))))
    const form = told.some((row) => row.length > 3) ? 3 : 2
    const sealed = await this.#vault.seal(JSON.stringify(told), standing.number, isBase ? undefined : standing.digest, standing.digest, form)
    const sending = { ...sealed, upTo: waiting.at(-1)?.number ?? 0 }
    this.#sending = { digest: digestOf(sealed.sealed), rows }
    await this.#note({ ...standing, sending })
    return sending
  }

  async #sent({ after, isBase, sealed, upTo }: Sealed & { upTo: number }): Promise<void> {
    const { further, bytes, baseBytes, lost = [] } = this.#standing
    const [number, digest] = [after + 1, digestOf(sealed)]
    const standing = isBase
      ? { number, digest, further: 0, bytes: 0, baseBytes: sealed.length }
      : { number, digest, further: further + 1, bytes: bytes + sealed.length, baseBytes }
    this.#hasNow(digest, isBase)
    const isLost = lost.some((each) => each.number > number) // once the numbers have gone by, nobody can come back with them
    await this.#note(isLost ? { ...standing, lost } : standing, { sent: upTo })
  }

  // 6: what an earlier visit began to send is not known here.
  #hasNow(digest: string, isBase: boolean): void {
    const sent = this.#sending?.digest === digest ? this.#sending.rows : undefined
    if (isBase || !sent) this.#inVault.clear()
    for (const row of sent ?? []) {
      if (row[2] === null) this.#inVault.delete(nameOf(row))
      else this.#inVault.set(nameOf(row), row[2])
    }
  }

  // 3
  async #knowsLess(number: number): Promise<void> {
    if (number > 0 && (await this.#isOnOtherCourse())) throw new OvertakenError(number)
    const { sending, lost: before = [], digest, ...standing } = this.#standing
    const written = digest === undefined ? [] : [{ number: standing.number, digest }]
    const sent = sending ? [{ number: sending.after + 1, digest: digestOf(sending.sealed) }] : []
    const most = Math.max(0, ...before.map((each) => each.number))
    const lost = standing.number >= most ? [...written, ...sent] : before
    await this.#note({ ...standing, number, further: MOST_REVISIONS, ...(lost.length && { lost }) })
  }

  // What cannot be read is nobody's: it gets a base.
  async #isOnOtherCourse(): Promise<boolean> {
    const content = await this.#vault.read()
    if (!content) return false
    try {
      return wentOn(courseIn(await rowsIn(this.#vault, content)), courseIn(this.#store.whole()))
    } catch (error) {
      if (error instanceof CheckFailedError) return false
      throw error
    }
  }

  // 2 or 3: the revision itself says whose it is.
  async #knowsMore(number: number): Promise<void> {
    const { lost = [] } = this.#standing
    if (!lost.some((each) => each.number === number)) throw new OvertakenError(number)
    const content = await this.#vault.read()
    const newest = content?.revisions.at(-1)
    const digest = newest && digestOf(newest)
    if (!content || !lost.some((each) => each.number === content.number && each.digest === digest)) throw new OvertakenError(content?.number ?? number)
    const { sending: _, digest: __, ...standing } = this.#standing
    await this.#note({ ...standing, number: content.number, further: MOST_REVISIONS })
  }

  async #rewrite(): Promise<void> {
    await this.#note({ ...withoutSending(this.#standing), further: MOST_REVISIONS })
  }

  async #note(standing: Standing, change: ShelfChange = {}): Promise<void> {
    this.#goesOn()
    await this.#shelf.write({ ...change, notes: { vault: { ...standing, vault: this.#key.id } } })
    this.#standing = standing
  }

  #goesOn(): void {
    if (this.#isStopped) throw new StateError('the book is closed')
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step()
      this.#wait = FIRST_WAIT_MS
      this.#become((await this.#shelf.waiting()).length || this.#standing.number === 0 ? 'waiting' : 'kept')
    } catch (error) {
      if (error instanceof OvertakenError) this.#become('elsewhere')
      else if (error instanceof VaultDeletedError) this.#become('deleted')
      else if (error instanceof VaultFullError) this.#become('full')
      else if (error instanceof WalletError) this.#become('waiting')
      throw error
    }
  }

  #become(state: BackupState): void {
    if (this.#isStopped || this.state === state) return
    this.state = state
    this.onState(state)
  }

  // 5: counted from the first change, so that many do not put it off for ever.
  #soon(wait: number): void {
    const due = Date.now() + wait
    if (this.#isSoon && this.#due <= due) return
    this.#later(wait)
    this.#isSoon = true
    this.#due = due
  }

  #later(wait: number): void {
    clearTimeout(this.#timer)
    this.#isSoon = false
    if (this.#isStopped || this.state === 'elsewhere' || this.state === 'deleted') return
    this.#timer = setTimeout(() => {
      this.#isSoon = false
      this.flush().catch((error: unknown) => {
        if (!(error instanceof WalletError)) throw error
        if (error instanceof OvertakenError || error instanceof VaultDeletedError) return
        this.#later(this.#wait)
        this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS)
      })
    }, wait)
  }
}
