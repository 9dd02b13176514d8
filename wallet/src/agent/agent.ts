// The agent of a wallet: keys, messages that come and go, connections. What messages are about is in `exchange/`.

import type { Network } from '../network.js'
import type { Change, Store } from '../store.js'
import { HistoryMemory } from '../webvh/history.js'
import { WebvhResolver } from '../webvh/resolver.js'
import { advanceConnection, registerDidExchange } from './did_exchange.js'
import { Inbox } from './inbox.js'
import { KeyRing } from './key_ring.js'
import { Locks } from './locks.js'
import { Mediator } from './mediator.js'
import { Outbox } from './outbox.js'
import type { Step } from './step.js'

export interface AgentOptions {
  /** Where the mediator has its invitation. */
  readonly mediator: string
  /** What the wallet calls itself to others; nothing personal. */
  readonly label: string
}

export class Agent {
  readonly store: Store
  readonly network: Network
  readonly ring: KeyRing
  readonly locks = new Locks()
  readonly resolver: WebvhResolver
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly mediator: Mediator
  readonly label: string
  readonly #listeners = new Set<(changes: readonly Change[]) => void>()

  private constructor(store: Store, network: Network, ring: KeyRing, options: AgentOptions) {
    this.store = store
    this.network = network
    this.ring = ring
    this.label = options.label
    this.resolver = new WebvhResolver(network, new HistoryMemory(store))
    this.outbox = new Outbox(store, ring, network)
    this.inbox = new Inbox(store, ring, this.locks, (step) => this.commit(step))
    this.mediator = new Mediator(store, network, this.inbox, options.mediator, options.label)
    registerDidExchange(this)
  }

  static async open(store: Store, network: Network, options: AgentOptions): Promise<Agent> {
    return new Agent(store, network, await KeyRing.load(store), options)
  }

  /** Write what a step comes to, all of it or nothing; then send what it sends. Resolves when it is written. */
  async commit({ changes, send = [] }: Step): Promise<void> {
    await this.store.write([...changes, ...send.map((outgoing) => Outbox.row(outgoing))])
    for (const listener of this.#listeners) listener(changes)
    if (send.length) void this.outbox.flush()
  }

  /** Be told of all rows that changed, until the function that is returned is called. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Connect to the mediator, and go on with what another visit began. */
  async start(): Promise<void> {
    this.mediator.onOpen = () => void this.goOn()
    await this.mediator.start()
  }

  /** Send what could not be sent, and deal with what could not be dealt with. */
  async goOn(): Promise<void> {
    await Promise.all([this.outbox.flush(), this.inbox.work(), this.#advance()])
  }

  stop(): void {
    this.mediator.stop()
  }

  async #advance(): Promise<void> {
    for (const [id] of await this.store.list('connection')) await this.ifReachable(() => advanceConnection(this, id))
  }

  /** Do something that may be impossible now; then a later visit, or the next socket, does it. */
  async ifReachable(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
    }
  }
}
