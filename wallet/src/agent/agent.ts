// The agent of a wallet: keys, messages that come and go, connections. What messages are about is in `exchange/`.

import { forgetKeys, keepKeys } from '../didcomm/box.js'
import type { Network } from '../network.js'
import { UnreachableError, unexpected, WalletError } from '../errors.js'
import type { Change, Kind, Store } from '../store.js'
import { PublicFiles } from '../public_files.js'
import { HistoryMemory } from '../webvh/history.js'
import { WebvhResolver } from '../webvh/resolver.js'
import { advanceConnection, registerDidExchange } from './did_exchange.js'
import { EgressNetwork, type AskMediator } from './egress.js'
import { Inbox } from './inbox.js'
import { KeyRing } from './key_ring.js'
import { Locks } from './locks.js'
import { Mediator } from './mediator.js'
import { Outbox } from './outbox.js'
import type { Step } from './step.js'

const FIRST_WAIT_MS = 30_000
const LONGEST_WAIT_MS = 15 * 60_000

export interface AgentOptions {
  /** Where the mediator has its invitation. */
  readonly mediator: string
  /** Whether the mediator has requests to others sent (`egress.ts`), so that they do not see where the wallet is. */
  readonly egress?: boolean
  /** What the wallet calls itself to others; nothing personal. */
  readonly label: string
}

export class Agent {
  readonly store: Store
  readonly network: Network
  readonly files: PublicFiles
  readonly ring: KeyRing
  readonly locks = new Locks()
  readonly resolver: WebvhResolver
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly mediator: Mediator
  readonly label: string
  /** What goes on with each kind of thing that another visit, or the lack of a network, left undone. */
  readonly #advancers: (() => Promise<void>)[] = []
  #retry: ReturnType<typeof setTimeout> | undefined
  #wait = FIRST_WAIT_MS
  #isStopped = false
  #isLeft = false
  readonly #listeners = new Set<(changes: readonly Change[]) => void>()

  private constructor(store: Store, direct: Network, ring: KeyRing, options: AgentOptions) {
    const asked = (...told: Parameters<Mediator['request']>): ReturnType<Mediator['request']> => this.mediator.request(...told)
    const ask: AskMediator = Object.assign(asked, { takesTails: () => this.mediator.takesTails })
    const network = options.egress ? new EgressNetwork(direct, options.mediator, ask) : direct
    this.store = store
    this.network = network
    this.ring = ring
    this.label = options.label
    this.files = new PublicFiles(network, store)
    this.resolver = new WebvhResolver(this.files, new HistoryMemory(store))
    this.outbox = new Outbox(store, ring, network)
    this.inbox = new Inbox(store, ring, this.locks, (step) => this.commit(step))
    this.outbox.takes = (envelope) => this.inbox.take(envelope)
    this.mediator = new Mediator(store, direct, this.inbox, options.mediator, options.label)
    registerDidExchange(this)
    this.goesOn('connection', (id) => advanceConnection(this, id))
  }

  static async open(store: Store, network: Network, options: AgentOptions): Promise<Agent> {
    return new Agent(store, network, await KeyRing.load(store), options)
  }

  /**
   * Write what a step comes to, all of it or nothing; then send what it sends. Resolves when it is written. Who listens is told as soon as
   * it is on this phone; nothing goes out before the store says so.
   */
  async commit({ changes, send = [] }: Step): Promise<void> {
    const rows = [...changes, ...send.map((outgoing) => Outbox.row(outgoing))]
    if (rows.length === 0) return
    let isTold = false
    const tell = (): void => {
      if (isTold) return
      isTold = true
      for (const listener of this.#listeners) listener(changes)
    }
    await this.store.write(rows, tell)
    tell()
    if (send.length) this.#goesOn(this.#sendOut())
  }

  /** Be told of all rows that changed, until the function that is returned is called; and of none, once, when the agent stops. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Connect to the mediator, and go on with what another visit began. */
  async start(): Promise<void> {
    if (!this.#isStopped) keepKeys()
    this.mediator.onOpen = () => this.#goesOn(this.goOn())
    await this.mediator.start()
  }

  /** Have every row of a kind gone on with when the network is there again. */
  goesOn(kind: Kind, advance: (id: string) => Promise<void>): void {
    this.#advancers.push(async () => {
      for (const [id] of await this.store.list(kind)) await this.ifReachable(() => advance(id))
    })
  }

  /** Send what could not be sent, and deal with what could not be dealt with; what is left then is tried again later. */
  async goOn(): Promise<void> {
    if (this.#isStopped) return
    this.#isLeft = false
    await Promise.all([this.outbox.flush(), this.inbox.work(), ...this.#advancers.map((advance) => advance())]).finally(() => this.#later())
  }

  async #sendOut(): Promise<void> {
    await this.outbox.flush()
    await this.#later()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retry)
    this.mediator.stop()
    forgetKeys()
    for (const listener of this.#listeners) listener([]) // who waits for something waits no longer
    this.#listeners.clear()
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  async #later(): Promise<void> {
    clearTimeout(this.#retry)
    const left = (await this.store.list('outbox')).length + (await this.store.list('inbox')).length
    const isDone = left === 0 && !this.#isLeft
    if (isDone) this.#wait = FIRST_WAIT_MS
    if (isDone || this.#isStopped) return
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#goesOn(this.goOn()), this.#wait)
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS)
  }

  // Nobody waits for it: a store that takes nothing any more has said so where it was closed.
  #goesOn(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof WalletError)) throw error
    })
  }

  /** Do something that may be impossible now; then a later visit, or the next socket, does it. What fails otherwise stops nothing else. */
  async ifReachable(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof WalletError)) return unexpected(error)
      if (error instanceof UnreachableError) this.#isLeft = true
    }
  }
}
