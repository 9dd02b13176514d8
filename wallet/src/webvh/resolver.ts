// DIDs and attested resources over the network, verified, with what was seen of them before (`history.ts`).

import { CheckFailedError, UnreachableError } from '../errors.js'
import type { PublicFiles } from '../public_files.js'
import { parseResourceId, parseWebvh, type WebvhDid } from './did.js'
import type { HistoryMemory } from './history.js'
import { MOST_LOG_BYTES, namesWitnesses, verifyLog, type VerifiedLog } from './log.js'
import { MOST_RESOURCE_BYTES, verifyResource, type Resource, type ResourceType } from './resource.js'
import { MOST_WITNESS_BYTES } from './witnesses.js'

const LIFETIME_MS = 30_000
const OLD_MS = 5_000
const MOST_AT_HAND = 200

interface Known {
  until: number
  /** Whether it rests on a file as it was kept. */
  isOld: boolean
  readonly log: Promise<VerifiedLog>
}

export class WebvhResolver {
  readonly #files: PublicFiles
  readonly #memory: HistoryMemory
  readonly #logs = new Map<string, Known>()

  constructor(files: PublicFiles, memory: HistoryMemory) {
    this.#files = files
    this.#memory = memory
  }

  /**
   * The newest log of a DID; one that was verified at most 30 seconds ago is taken again (without a network, 5 seconds ago).
   *
   * @throws UnreachableError it could not be fetched
   * @throws MalformedError, CheckFailedError it breaks a rule, has ended, or is not the one seen before
   */
  resolve(did: string): Promise<VerifiedLog> {
    const known = this.#logs.get(did)
    if (known && known.until > Date.now()) {
      if (known.isOld) this.#files.countOldRead()
      return known.log
    }
    const before = this.#files.oldReads
    const log = this.#resolve(parseWebvh(did))
    const entry: Known = { until: Date.now() + LIFETIME_MS, isOld: false, log }
    const settled = (): void => {
      if (this.#files.oldReads !== before) Object.assign(entry, { until: Date.now() + OLD_MS, isOld: true })
    }
    log.then(settled, () => this.#logs.delete(did))
    if (this.#logs.size >= MOST_AT_HAND) this.#logs.clear()
    this.#logs.set(did, entry)
    return log
  }

  /** A resource, verified by the newest log of its DID. A status list that is kept here is not fetched: its id names it by its digest. */
  async resource(id: string, type: ResourceType): Promise<Resource> {
    const parsed = parseResourceId(id)
    const log = this.resolve(parsed.did.did)
    const read = async (bytes: Uint8Array): Promise<Resource> => verifyResource(bytes, parsed, type, await log, Date.now())
    if (type === 'anonCredsStatusList') return (await Promise.all([this.#files.lasting(parsed.url, MOST_RESOURCE_BYTES, read), log]))[0]
    const mayChange = type === 'anonCredsRevocRegDef'
    const fetched = mayChange ? this.#files.fetch(parsed.url, MOST_RESOURCE_BYTES) : this.#files.once(parsed.url, MOST_RESOURCE_BYTES)
    const [bytes] = await Promise.all([fetched, log])
    const resource = await read(bytes)
    if (resource.links.length) await this.#memory.accept(id, new Map(resource.links.map((link) => [link.timestamp, link.id.id])))
    if (mayChange) await this.#files.keep(parsed.url, bytes)
    return resource
  }

  // Whether there are witnesses the log tells: where the one that is kept had some, their proofs are asked for together with it.
  async #resolve(did: WebvhDid): Promise<VerifiedLog> {
    const known = this.#files.kept(did.logUrl)
    const kept = await known
    const proofs = (): Promise<Uint8Array> => this.#files.fetch(did.witnessUrl, MOST_WITNESS_BYTES)
    const early = kept && namesWitnesses(kept) ? orNothing(proofs()) : undefined
    const bytes = await this.#files.fetch(did.logUrl, MOST_LOG_BYTES, known)
    const witness = namesWitnesses(bytes) ? (await early) ?? (await proofs()) : undefined
    const log = await verifyLog(did, bytes, witness, Date.now())
    await this.#memory.accept(did.scid, new Map(log.versionIds.map((versionId, index) => [index + 1, versionId])))
    if (log.isDeactivated) throw new CheckFailedError('the DID has ended')
    await this.#files.keep(did.logUrl, bytes)
    if (witness) await this.#files.keep(did.witnessUrl, witness)
    return log
  }
}

async function orNothing(fetched: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await fetched
  } catch (error) {
    if (error instanceof UnreachableError) return undefined
    throw error
  }
}
