// Links that could not be followed yet: kept as the worker opened them, and followed when the network is there (ADR 127).
//
// 1. A link says whom the worker deals with, and whoever has it may take what it offers. It is a row of the book like any other: sealed,
//    and gone once it led somewhere. Before the book is open there is no key for it, so nothing is kept then.
// 2. Followed twice, a link leads to the same question or connection.
// 3. What leads nowhere stays, without its address, until the worker puts it away. What nobody reached for 30 days leads nowhere; nor does
//    what could not be reached six times while there was a network: whoever made a link for one worker would learn from each further look
//    when the wallet is used.

import { sha256 } from '@noble/hashes/sha2.js'
import type { Agent } from '../agent/agent.js'
import { linkAddress } from '../agent/invitation.js'
import { base58 } from '../base58.js'
import { UnreachableError, WalletError } from '../errors.js'
import type { Change, JsonObject } from '../store.js'

const MOST = 16
/** Of the links that wait, together: a link can have an invitation in itself. */
const MOST_CHARACTERS = 128 * 1024
const GIVE_UP_MS = 30 * 24 * 3600 * 1000
const MOST_TRIES = 6
/** There may be room later. */
const LATER = ['unanswered', 'carried']

export class Links<Followed> {
  readonly #agent: Agent
  readonly #follow: (address: string) => Promise<Followed>

  constructor(agent: Agent, follow: (address: string) => Promise<Followed>) {
    this.#agent = agent
    this.#follow = follow
    agent.goesOn('link', (id) => this.advance(id))
  }

  /**
   * Follow a link, or keep it for later.
   *
   * @param isOnline whether there is anything to try now
   * @param following what comes of it, if it is followed already
   * @returns undefined: it is kept
   * @throws UnreachableError it cannot be kept either: as many as there may be wait already
   */
  async open(address: string, isOnline: boolean, following?: Promise<Followed>): Promise<Followed | undefined> {
    try {
      if (!isOnline && !following) throw new UnreachableError('the mediator cannot be reached')
      return await (following ?? this.#follow(address))
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      await this.#keep(linkAddress(address).href, error)
      return undefined
    }
  }

  /** Put it away, whether it waits or leads nowhere. */
  drop(id: string): Promise<void> {
    return this.#agent.commit({ changes: [at(id, undefined)] })
  }

  async advance(id: string): Promise<void> {
    await this.#agent.locks.run(id, async () => {
      const row = await this.#agent.store.get('link', id)
      if (row?.['state'] !== 'waiting') return
      let after: JsonObject | undefined
      try {
        await this.#follow(String(row['address']))
      } catch (error) {
        const mayBeLater = error instanceof UnreachableError || (error instanceof WalletError && LATER.includes(error.code))
        const tries = Number(row['tries'] ?? 0) + (this.#agent.mediator.isConnected ? 1 : 0)
        if (!(error instanceof WalletError)) throw error
        if (mayBeLater && tries < MOST_TRIES && Date.now() - Number(row['at']) < GIVE_UP_MS) {
          await this.#write(id, { ...row, tries })
          throw error
        }
        after = { state: 'failed', at: Number(row['at']) } // 3
      }
      await this.#write(id, after)
    })
  }

  async #write(id: string, value: JsonObject | undefined): Promise<void> {
    if (await this.#agent.store.get('link', id)) await this.#agent.commit({ changes: [at(id, value)] }) // else it was put away meanwhile
  }

  async #keep(address: string, why: UnreachableError): Promise<void> {
    const id = base58(sha256(new TextEncoder().encode(address)))
    const others = (await this.#agent.store.list('link')).filter(([each]) => each !== id)
    const length = others.reduce((sum, [, row]) => sum + String(row['address'] ?? '').length, address.length)
    if (others.length >= MOST || length > MOST_CHARACTERS) throw why
    await this.#agent.commit({ changes: [at(id, { state: 'waiting', address, at: Date.now() })] })
  }
}

function at(id: string, value: JsonObject | undefined): Change {
  return { kind: 'link', id, value }
}
