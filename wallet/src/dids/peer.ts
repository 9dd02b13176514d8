// did:peer:2 and did:peer:4 (Peer DID Method Specification): DIDs that carry their document.

import { sha256 } from '@noble/hashes/sha2.js'
import { base58, fromBase58 } from '../base58.js'
import { fromBase64url } from '../base64.js'
import { concat, isEqual } from '../bytes.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import { multikey, type Verkey } from '../didcomm/keys.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import { readStrictJson } from '../strict_json.js'

const LONGEST_DID = 16 * 1024
const LONGEST_KEY = 256
const MOST_ELEMENTS = 64
const BOUNDS = { mostBytes: LONGEST_DID, mostDepth: 16, fractions: true }
const JSON_CODEC = Uint8Array.of(0x80, 0x04)
const SHA2_256 = Uint8Array.of(0x12, 0x20)
const PEER_2 = /^did:peer:2((?:\.[AEVID]z[1-9A-HJ-NP-Za-km-z]+|\.S[A-Za-z0-9_-]+)+)$/
const PEER_4 = /^did:peer:4(zQm[1-9A-HJ-NP-Za-km-z]{44}):(z[1-9A-HJ-NP-Za-km-z]{6,})$/
const RELATIONSHIPS = new Map([['V', 'authentication'], ['E', 'keyAgreement'], ['A', 'assertionMethod'], ['I', 'capabilityInvocation'], ['D', 'capabilityDelegation']])
/** How did:peer:2 abbreviates a service. */
const ABBREVIATED = new Map([['t', 'type'], ['s', 'serviceEndpoint'], ['r', 'routingKeys'], ['a', 'accept']])
const ABBREVIATED_TYPES = new Map([['dm', 'DIDCommMessaging']])

/** Where a wallet is reached: its mediator, by whose keys messages for it are wrapped. */
export interface Address {
  readonly endpoint: string
  /** did:key URLs with a fragment. */
  readonly routingKeys: readonly string[]
}

/** How a wallet says that it has no address of its own (towards its mediator), as Credo and our mediator do. */
export const QUEUE: Address = { endpoint: 'didcomm:transport/queue', routingKeys: [] }

/** The did:peer:4 of a connection, in its long form. ACA-Py wants the service, and references to keys that it can follow. */
export function makePeerDid(key: Verkey, { endpoint, routingKeys }: Address): string {
  const document = {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    verificationMethod: [{ id: '#key-0', type: 'Multikey', publicKeyMultibase: multikey(key) }],
    authentication: ['#key-0'],
    service: [
      {
        id: '#didcomm-0',
        type: 'did-communication',
        priority: 0,
        recipientKeys: ['#key-0'],
        routingKeys,
        accept: ['didcomm/aip2;env=rfc19'],
        serviceEndpoint: endpoint,
      },
    ],
  }
  const encoded = `z${base58(concat(JSON_CODEC, utf8(JSON.stringify(document))))}`
  return `did:peer:4z${base58(hashOf(encoded))}:${encoded}`
}

/** The document of a did:peer:2, or of a did:peer:4 in its long form. */
export function peerDocument(did: string): Received {
  if (did.length > LONGEST_DID) throw new MalformedError('did:peer', `at most ${LONGEST_DID} characters`)
  const four = PEER_4.exec(did)
  if (four) return peer4Document(four[1] as string, four[2] as string)
  const two = PEER_2.exec(did)
  if (two) return new Received(peer2Document(did, (two[1] as string).slice(1).split('.')), 'did:peer:2')
  throw new MalformedError('did:peer', 'a did:peer:2, or a did:peer:4 with its document')
}

function peer4Document(digest: string, encoded: string): Received {
  if (!isEqual(fromBase58(digest.slice(1), 64), hashOf(encoded))) throw new CheckFailedError('the did:peer:4 carries another document than it was made of')
  const bytes = fromBase58(encoded.slice(1), LONGEST_DID)
  if (!isEqual(bytes.subarray(0, 2), JSON_CODEC)) throw new MalformedError('did:peer:4', 'JSON')
  return new Received(readStrictJson(bytes.subarray(2), 'did:peer:4', BOUNDS), 'did:peer:4')
}

function peer2Document(did: string, elements: string[]): JsonObject {
  if (elements.length > MOST_ELEMENTS) throw new MalformedError('did:peer:2', `at most ${MOST_ELEMENTS} keys and services`)
  const methods: JsonObject[] = []
  const services: JsonObject[] = []
  const relationships = new Map<string, string[]>([...RELATIONSHIPS.values()].map((name) => [name, []]))
  for (const element of elements) {
    if (element.startsWith('S')) {
      services.push(expanded(readStrictJson(fromBase64url(element.slice(1), 'did:peer:2'), 'did:peer:2', BOUNDS), services.length))
      continue
    }
    if (element.length > LONGEST_KEY) throw new MalformedError('did:peer:2', `keys of at most ${LONGEST_KEY} characters`)
    const id = `#key-${methods.length + 1}`
    methods.push({ id, type: 'Multikey', controller: did, publicKeyMultibase: element.slice(1) })
    relationships.get(RELATIONSHIPS.get(element[0] as string) as string)?.push(id)
  }
  return { id: did, verificationMethod: methods, service: services, ...Object.fromEntries(relationships) }
}

function expanded(service: unknown, number: number): JsonObject {
  const members = new Received(service, 'did:peer:2').entries(16, 64)
  const full = Object.fromEntries(members.map(([name, member]) => [ABBREVIATED.get(name) ?? name, member.value()])) as JsonObject
  const type = full['type']
  const id = number === 0 ? '#service' : `#service-${number}`
  return { id, ...full, ...(typeof type === 'string' && { type: ABBREVIATED_TYPES.get(type) ?? type }) }
}

function hashOf(encoded: string): Uint8Array {
  return concat(SHA2_256, sha256(utf8(encoded)))
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
