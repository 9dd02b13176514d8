// DIDs and attested resources over the network, verified, with what was seen of them before (`history.ts`).

import { CheckFailedError } from '../errors.js'
import type { Network } from '../network.js'
import { parseResourceId, parseWebvh, type WebvhDid } from './did.js'
import type { HistoryMemory } from './history.js'
import { MOST_LOG_BYTES, namesWitnesses, verifyLog, type VerifiedLog } from './log.js'
import { MOST_RESOURCE_BYTES, verifyResource, type Resource, type ResourceType } from './resource.js'
import { MOST_WITNESS_BYTES } from './witnesses.js'

const LIFETIME_MS = 30_000
const MOST_AT_HAND = 200

export class WebvhResolver {
  readonly #network: Network
  readonly #memory: HistoryMemory
  readonly #logs = new Map<string, { readonly until: number; readonly log: Promise<VerifiedLog> }>()

  constructor(network: Network, memory: HistoryMemory) {
    this.#network = network
    this.#memory = memory
  }

  /**
   * The newest log of a DID; one that was verified at most 30 seconds ago is taken again.
   *
   * @throws UnreachableError it could not be fetched
   * @throws MalformedError, CheckFailedError it breaks a rule, has ended, or is not the one seen before
   */
  resolve(did: string): Promise<VerifiedLog> {
    const known = this.#logs.get(did)
    if (known && known.until > Date.now()) return known.log
    const log = this.#resolve(parseWebvh(did))
    log.catch(() => this.#logs.delete(did))
    if (this.#logs.size >= MOST_AT_HAND) this.#logs.clear()
    this.#logs.set(did, { until: Date.now() + LIFETIME_MS, log })
    return log
  }

  /** A resource, verified by the newest log of its DID. */
  async resource(id: string, type: ResourceType): Promise<Resource> {
    const parsed = parseResourceId(id)
    const [log, bytes] = await Promise.all([this.resolve(parsed.did.did), this.#network.get(parsed.url, MOST_RESOURCE_BYTES)])
    const resource = verifyResource(bytes, parsed, type, log, Date.now())
    if (resource.links.length) await this.#memory.accept(id, new Map(resource.links.map((link) => [link.timestamp, link.id.id])))
    return resource
  }

  async #resolve(did: WebvhDid): Promise<VerifiedLog> {
    const bytes = await this.#network.get(did.logUrl, MOST_LOG_BYTES)
    const witness = namesWitnesses(bytes) ? await this.#network.get(did.witnessUrl, MOST_WITNESS_BYTES) : undefined
    const log = verifyLog(did, bytes, witness, Date.now())
    await this.#memory.accept(did.scid, new Map(log.versionIds.map((versionId, index) => [index + 1, versionId])))
    if (log.isDeactivated) throw new CheckFailedError('the DID has ended')
    return log
  }
}
