// What is done with a book while it is open; opening, locking and moving it are `session.ts`'s.

import { dropConnection } from '../agent/did_exchange.js'
import { prepareProof } from '../anoncreds/presentation.js'
import { StateError, UnreachableError, WalletError } from '../errors.js'
import { newestOffer } from '../exchange/awaited_offer.js'
import type { Entry } from '../exchange/credentials.js'
import { mayForesee } from '../exchange/foreseeing.js'
import type { Answers } from '../exchange/questions.js'
import type { Backup } from '../keeping/backup.js'
import type { SealedStore } from '../keeping/sealed_store.js'
import type { VaultKey } from '../keeping/vault_key.js'
import type { Wallet } from '../wallet.js'
import type { Online } from './online.js'
import { WRONG, type BookView, type HistoryView, type OfferView, type QuestionView, type ReadyView, type Wrong } from './protocol.js'
import type { Views } from './views.js'

const PREPARE_MS = 60
/** As an issuer is told it. */
const IN_ENGLISH: Readonly<Record<Wrong, string>> = {
  name: 'the name',
  birth: 'the date of birth',
  level: 'the occupation or the level',
  date: 'another date',
  mine: 'it is not for this holder',
  other: 'something else',
}

/** A book that is open: all that goes with it when it is closed. */
export interface Open {
  readonly key: VaultKey
  readonly store: SealedStore
  readonly backup: Backup
  readonly wallet: Wallet
  readonly online: Online
  readonly views: Views
  /** Whether the PIN opened the history. */
  isHistoryOpen: boolean
  /** A proof that is about to be prepared. */
  preparing: ReturnType<typeof setTimeout> | undefined
}

export class BookCalls {
  readonly #open: () => Open | undefined

  /** @param open the book, while one is open */
  constructor(open: () => Open | undefined) {
    this.#open = open
  }

  async follow({ address }: { address: string }): Promise<{ kind: 'question' | 'connection'; id: string } | null> {
    const opened = await this.#opened().online.follow(address)
    return opened ? { kind: opened.kind, id: opened.id } : null
  }

  async dropLink({ id }: { id: string }): Promise<void> {
    const { links, offers, agent } = this.#opened().wallet
    if (await agent.store.get('link', id)) await links.drop(id)
    else if (await agent.store.get('offer', id)) await offers.drop(id)
    else await dropConnection(agent, id)
  }

  /** Resolves with the newest offer of a connection that waits for an answer. */
  offerOf({ connection }: { connection: string }): Promise<string> {
    return newestOffer(this.#opened().wallet.agent, connection)
  }

  async book(): Promise<BookView> {
    const view = await this.#seen((views) => views.book())
    this.#open()?.online.shown()
    return view
  }

  offer({ id }: { id: string }): Promise<OfferView> {
    return this.#seen((views) => views.offer(id))
  }

  async question({ id, entry }: { id: string; entry?: string | undefined }): Promise<QuestionView> {
    const view = await this.#seen((views) => views.question(id, entry))
    const { answer } = view
    if (view.state === 'asked' && answer) void this.#prepareProof(answer.id, id) // while it is read
    return view
  }

  // First what is to be looked up is asked for; what is computed would keep the page waiting for what it asks next.
  async #prepareProof(id: string, question: string): Promise<void> {
    const open = this.#open()
    const entry = await open?.wallet.credentials.one(id).catch(() => undefined) // who says yes is told
    const asked = await open?.wallet.agent.store.get('question', question)
    if (!open || !entry) return
    const looked = asked && mayForesee(asked, entry) ? open.wallet.credentials.foresee(entry) : undefined
    if (this.#open() !== open) return // closed meanwhile
    clearTimeout(open.preparing)
    open.preparing = setTimeout(() => void this.#prepared(open, entry, question, looked), PREPARE_MS)
  }

  // Whatever comes meanwhile is not kept waiting.
  async #prepared(open: Open, entry: Entry, question: string, looked: Promise<void> | undefined): Promise<void> {
    const { preparing } = open
    const goesOn = async (): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve))
      return this.#open() === open && open.preparing === preparing // not closed meanwhile, and nothing else is to be prepared
    }
    try {
      for (const _ of prepareProof(entry)) if (!(await goesOn())) return
      await looked
      if (await goesOn()) await open.wallet.questions.commitAhead(question, await this.#answersOf(question, entry.id), goesOn)
    } catch (error) {
      if (!(error instanceof WalletError)) throw error // who says yes is told
    }
  }

  // One credential for all that is asked.
  async #answersOf(question: string, entry: string): Promise<Answers> {
    const { restrictions } = await this.#opened().wallet.questions.read(question)
    return Object.fromEntries([...restrictions.keys()].map((referent) => [referent, entry]))
  }

  // 2 of `session.ts`
  async accept({ id, seen }: { id: string; seen: number }): Promise<void> {
    const { wallet, backup } = this.#opened()
    if (!backup.hasVault) await backup.flush()
    await this.#whatCan(() => wallet.offers.accept(id, seen))
  }

  async declineOffer({ id, wrong }: { id: string; wrong: readonly Wrong[] }): Promise<void> {
    const said = new Map(WRONG.filter((each) => wrong.includes(each)).map((each) => [each, IN_ENGLISH[each]]))
    await this.#opened().wallet.offers.decline(id, said)
  }

  async answer({ id, entry, seen, isLess }: { id: string; entry: string; seen: number; isLess: boolean }): Promise<'sent' | 'shown'> {
    const { wallet } = this.#opened()
    const answers = await this.#answersOf(id, entry)
    await this.#whatCan(() => wallet.questions.answer(id, answers, seen, isLess))
    return (await wallet.questions.shown(id)) === undefined ? 'sent' : 'shown'
  }

  async openShown({ message }: { message: Uint8Array }): Promise<{ id: string }> {
    return { id: await this.#opened().wallet.questions.openShown(message) }
  }

  async shown({ id }: { id: string }): Promise<Uint8Array | null> {
    const text = await this.#seen((views) => views.shown(id))
    return text === undefined ? null : new TextEncoder().encode(text)
  }

  ready(): Promise<ReadyView> {
    return this.#seen((views) => views.ready())
  }

  async prepare(): Promise<void> {
    const { wallet } = this.#opened()
    await wallet.credentials.makeReady()
  }

  async decline({ id, isTold }: { id: string; isTold: boolean }): Promise<void> {
    await this.#opened().wallet.questions.decline(id, isTold)
  }

  async history(): Promise<HistoryView> {
    this.#inHistory()
    const history = await this.#seen((views) => views.history())
    this.#inHistory()
    return history
  }

  async erase({ id }: { id: string }): Promise<void> {
    const { wallet } = this.#inHistory()
    await this.#whatCan(() => wallet.erasures.ask(id))
  }

  // What was looked up while the book was closed goes to nobody.
  async #seen<View>(look: (views: Views) => Promise<View>): Promise<View> {
    const open = this.#opened()
    const view = await look(open.views)
    if (this.#open() !== open) throw new StateError('the book was closed meanwhile')
    return view
  }

  #inHistory(): Open {
    const open = this.#opened()
    if (!open.isHistoryOpen) throw new StateError('the history is not open')
    return open
  }

  // What was decided is kept: without a network it goes on later by itself.
  async #whatCan(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
    }
  }

  #opened(): Open {
    const open = this.#open()
    if (!open) throw new StateError('the book is not open')
    return open
  }
}
