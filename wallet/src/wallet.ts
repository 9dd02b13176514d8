// The wallet: what a page, or a program, lets the worker do. Nothing is accepted or shown without a call here.

import { Agent, type AgentOptions } from './agent/agent.js'
import { connect } from './agent/did_exchange.js'
import { fetchInvitation } from './agent/invitation.js'
import { Credentials } from './exchange/credentials.js'
import { Erasures } from './exchange/erasures.js'
import { Links } from './exchange/links.js'
import { Objects } from './exchange/objects.js'
import { Offers } from './exchange/offers.js'
import { Questions } from './exchange/questions.js'
import { Unanswered } from './exchange/unanswered.js'
import type { Network } from './network.js'
import type { Store } from './store.js'

/** What an address led to: a question that can be answered, or a connection over which an offer is to come. */
export interface Opened {
  readonly kind: 'question' | 'connection'
  readonly id: string
  /** Who invites, by a DID; undefined: nobody who says who they are. */
  readonly inviter: string | undefined
}

export class Wallet {
  readonly agent: Agent
  readonly offers: Offers
  readonly credentials: Credentials
  readonly questions: Questions
  readonly erasures: Erasures
  readonly links: Links<Opened>

  private constructor(agent: Agent) {
    this.agent = agent
    const objects = new Objects(agent.resolver, agent.files, agent.store)
    const unanswered = new Unanswered(agent.store)
    this.offers = new Offers(agent, objects, unanswered)
    this.credentials = new Credentials(agent, objects)
    this.questions = new Questions(agent, this.credentials, unanswered)
    this.erasures = new Erasures(agent)
    this.links = new Links(agent, (address) => this.follow(address))
  }

  static async open(store: Store, network: Network, options: AgentOptions): Promise<Wallet> {
    return new Wallet(await Agent.open(store, network, options))
  }

  /** Connect to the mediator, and go on with what an earlier visit began. */
  start(): Promise<void> {
    return this.agent.start()
  }

  stop(): void {
    this.agent.stop()
  }

  /** Open what was scanned or pasted. */
  async follow(address: string): Promise<Opened> {
    const invitation = await fetchInvitation(address, this.agent.network)
    const inviter = typeof invitation.service === 'string' ? invitation.service : undefined
    if (invitation.attached && invitation.handshake === undefined) return { kind: 'question', id: await this.questions.open(invitation), inviter }
    return { kind: 'connection', id: await connect(this.agent, invitation), inviter }
  }
}
