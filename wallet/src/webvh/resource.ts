// Attested resources: AnonCreds objects with a proof by their publisher's DID (DID Attested Resources 0.1; did:webvh AnonCreds Method).
// The rules are those of `plugins/webvh/resources.py`.
//
// 1. It has the type and the context of one, and its id is the id that was asked for, by any name of the DID.
// 2. The id's digest, and `metadata.resourceId`, is the digest of its content.
// 3. Its type is the one that was asked for.
// 4. `content.issuerId` is the DID of the id.
// 5. The proof is one eddsa-jcs-2022 assertion, not expired.
// 6. The proof's key is of that same DID, by any of its names, and stands in its `assertionMethod` now.
// 7. The signature holds over the whole document.
// 8. Status lists in `links` are resources of the same DID, each with its own timestamp.

import { CheckFailedError, MalformedError } from '../errors.js'
import { canonical, canonicalBytes } from '../jcs.js'
import { Received } from '../received.js'
import { readStrictJson } from '../strict_json.js'
import { assertionKeys } from './document.js'
import { parseResourceId, type ResourceId } from './did.js'
import type { VerifiedLog } from './log.js'
import { checkProof, multihash } from './proof.js'

export type ResourceType = 'anonCredsSchema' | 'anonCredsCredDef' | 'anonCredsRevocRegDef' | 'anonCredsStatusList'

export interface StatusLink {
  readonly id: ResourceId
  /** Seconds since 1970. */
  readonly timestamp: number
}

/** A resource that keeps all rules. Only `verifyResource` makes one. */
export interface Resource {
  readonly id: ResourceId
  readonly content: Received
  /** Status lists of a revocation registry, the oldest first. */
  readonly links: readonly StatusLink[]
}

export const MOST_RESOURCE_BYTES = 4 << 20
const CONTEXT = 'https://identity.foundation/did-attested-resources/context/v0.1'
const LATEST = 2 ** 40
const MOST_LINKS = 100_000

/**
 * Check what a host served as a resource.
 *
 * @param log of the DID of `id`, newest
 * @param at the instant, in milliseconds since 1970
 */
export async function verifyResource(received: Uint8Array, id: ResourceId, type: ResourceType, log: VerifiedLog, at: number): Promise<Resource> {
  const path = 'attested resource'
  const outer = new Received(readStrictJson(received, path, { mostBytes: MOST_RESOURCE_BYTES, mostDepth: 32, fractions: true }), path)
  const holds = (name: string, wanted: string): boolean => {
    const value = outer.member(name).value()
    return Array.isArray(value) && value.includes(wanted)
  }
  const check = (is: boolean, expected: string): void => {
    if (!is) throw new CheckFailedError(`${path}: expected ${expected}`)
  }
  check(log.did.did === id.did.did, 'the log of its DID')
  check(holds('type', 'AttestedResource') && holds('@context', CONTEXT), 'the type and context of one') // 1
  const ids = [id.did.did, ...log.names].map((name) => `${name}/resources/${id.digest}`)
  check(ids.includes(outer.member('id').text(1024)), 'the id that was asked for')
  const content = outer.member('content')
  const metadata = outer.member('metadata')
  check(`z${multihash(canonical(content.value()))}` === id.digest, 'the content that it names') // 2
  check(metadata.member('resourceId').text(64) === id.digest, 'its own digest as metadata.resourceId')
  check(metadata.member('resourceType').text(64) === type, `the type ${type}`) // 3
  check(content.member('issuerId').text(1024) === id.did.did, 'the DID of its id as issuerId') // 4
  const { proof: _, ...unsigned } = outer.value() as Record<string, unknown>
  const keys = assertionKeys(log)
  await checkProof(outer.member('proof'), canonicalBytes(unsigned), (method) => keys.get(method), at) // 5, 6, 7
  return { id, content, links: type === 'anonCredsRevocRegDef' ? statusLinks(outer, id) : [] }
}

// 8
function statusLinks(outer: Received, id: ResourceId): StatusLink[] {
  const links = (outer.optional('links')?.items(MOST_LINKS) ?? [])
    .filter((link) => link.optional('type')?.value() === 'anonCredsStatusList')
    .map((link) => ({ id: parseResourceId(link.member('id').text(1024), link.path), timestamp: link.member('timestamp').integer(1, LATEST - 1) }))
  if (links.some((link) => link.id.did.did !== id.did.did)) throw new CheckFailedError('expected status lists of the same DID')
  if (new Set(links.map(({ timestamp }) => timestamp)).size !== links.length)
    throw new MalformedError(outer.path, 'one status list for each timestamp')
  return links.sort((a, b) => a.timestamp - b.timestamp)
}
