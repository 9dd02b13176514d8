// An open book and its mediator: connected to, tried again, and asked as soon as it can be (ADR 124).

import { WalletError } from '../errors.js'
import { mayForesee } from '../exchange/foreseeing.js'
import type { Shelf } from '../keeping/shelf.js'
import type { Opened, Wallet } from '../wallet.js'

const FIRST_WAIT_MS = 5_000
const LONGEST_WAIT_MS = 5 * 60_000
/** Who came by a link is not kept waiting for what looks at every certificate. */
const LISTS_MS = 2_000
/** So long after a question came, its asker does not learn by a list of theirs that somebody is there. */
const LATELY_MS = 3_600_000
/** Who came by no link sees the book first; if nobody asks for it, it is connected all the same. */
const SHOWN_MS = 50
const UNSHOWN_MS = 1_000

type Timer = ReturnType<typeof setTimeout>

export class Online {
  readonly #shelf: Shelf
  readonly #wallet: Wallet
  readonly #tell: () => void
  #started: Promise<void> = Promise.resolve()
  /** Until it was connected to first; and when that is. */
  #connectFirst: (() => void) | undefined
  #shown: Timer | undefined
  #isShown = false
  #retry: Timer | undefined
  #lists: Timer | undefined
  #isStopped = false
  /** A link that is followed before the page asks for it: the page waits for what comes of it. */
  #following: { readonly address: string; readonly opened: Promise<Opened> } | undefined
  /** Ends when the link led somewhere, or nowhere. */
  #came: Promise<void> = Promise.resolve()
  isOnline = false
  /** Ends when somebody can be asked, or nobody could be reached; never, if the book is closed before. */
  readonly askable: Promise<void>
  #endWait = (): void => {}

  /** @param tell told when `isOnline` may be another */
  constructor(shelf: Shelf, wallet: Wallet, tell: () => void) {
    this.#shelf = shelf
    this.#wallet = wallet
    this.#tell = tell
    this.askable = new Promise((resolve) => (this.#endWait = resolve))
  }

  /**
   * Connect, and whenever that fails: at once where there is a link, else when the book was shown.
   *
   * @param link what the worker came by
   * @param foresee what is to be looked up as soon as anybody can be asked
   */
  begin(link: string | undefined, foresee: () => void): void {
    let address = link
    this.#wallet.agent.mediator.onAskable = () => {
      if (this.#isStopped) return
      if (address !== undefined) this.#followEarly(address)
      address = undefined
      foresee()
      this.#endWait()
    }
    this.#connectFirst = () => {
      this.#connectFirst = undefined
      clearTimeout(this.#shown)
      this.#started = this.#connect(FIRST_WAIT_MS)
    }
    if (link === undefined) this.#shown = setTimeout(this.#connectFirst, UNSHOWN_MS)
    else this.#connectFirst()
  }

  /** The book was given to who shows it; however often, it is connected soon after the first time. */
  shown(): void {
    if (!this.#connectFirst || this.#isShown) return
    this.#isShown = true
    clearTimeout(this.#shown)
    this.#shown = setTimeout(this.#connectFirst, SHOWN_MS)
  }

  /**
   * Follow a link, or keep it for later.
   *
   * @returns undefined: it is kept (`Links`)
   */
  async follow(address: string): Promise<Opened | undefined> {
    const early = this.#following?.address === address ? this.#following.opened : undefined
    this.#following = undefined
    const { agent, links } = this.#wallet
    this.#connectFirst?.()
    const mayAsk = agent.mediator.mayAsk && !isOffline()
    if (!early && !mayAsk && !isOffline()) await this.#started
    return links.open(address, mayAsk || this.isOnline, early)
  }

  stop(): void {
    this.#isStopped = true
    this.#connectFirst = undefined
    clearTimeout(this.#shown)
    clearTimeout(this.#retry)
    clearTimeout(this.#lists)
  }

  #followEarly(address: string): void {
    const opened = this.#wallet.follow(address)
    opened.catch(() => undefined)
    this.#following = { address, opened }
    this.#came = opened.then(() => undefined, () => undefined)
  }

  async #connect(wait: number): Promise<void> {
    try {
      await this.#wallet.start()
      if (this.#isStopped) return
      this.isOnline = true
      this.#lists = setTimeout(() => void this.#lookAtLists(), LISTS_MS)
      this.#noteLine().catch(() => undefined) // the next visit does without it
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
      if (this.#isStopped) return
      this.isOnline = false
      this.#retry = setTimeout(() => (this.#started = this.#connect(Math.min(2 * wait, LONGEST_WAIT_MS))), wait)
    }
    this.#endWait()
    this.#tell()
  }

  // Where the next visit finds the mediator's socket, before the PIN is typed.
  async #noteLine(): Promise<void> {
    const line = this.#wallet.agent.mediator.socketAddress
    if (line !== undefined && line !== (await this.#shelf.note('line')) && !this.#isStopped) await this.#shelf.write({ notes: { line } })
  }

  // Notices of a revocation may be lost: each visit looks at the lists themselves; not at those of who asked just now (`foreseeing.ts`).
  async #lookAtLists(): Promise<void> {
    const { credentials, agent } = this.#wallet
    await this.#came
    // Whatever became of the question: who said no without a word is not to be told from who did not look.
    const asked = (await agent.store.list('question')).filter(([, row]) => Math.abs(Date.now() - Number(row['at'])) < LATELY_MS)
    const entries = (await credentials.all()).filter((entry) => !entry.isKnownRevoked && asked.every(([, row]) => mayForesee(row, entry)))
    await Promise.all(entries.map((entry) => agent.ifReachable(async () => void (await credentials.isRevoked(entry)))))
  }
}

/** Whether the device says that it has no network; a line that ended without a word counts as open for a while yet. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false
}
