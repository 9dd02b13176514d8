// Where somebody can be reached, and which keys speak for them: read from a DID document that they wrote, by the rules of
// `plugins/exchange/connecting/did_documents.py` of our agents.
//
// 1. A DIDComm service is one of the type did-communication (Aries RFC 0067) or IndyAgent (RFC 0023) with keys that receive there.
//    Of several, the one of the highest priority with an https address counts, else the first.
// 2. A key is a DID URL into the document, whose keys stand in verificationMethod, publicKey or inline; or a did:key; or base58.
// 3. Only Ed25519 keys count.

import { base58 } from '../base58.js'
import { fromBase64url } from '../base64.js'
import { anyKey, fromMultikey, verkey, type Verkey } from '../didcomm/keys.js'
import { MalformedError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'

export interface Contact {
  /** Keys that speak for them; the first one is written to. */
  readonly keys: readonly Verkey[]
  readonly endpoint: string
  /** Keys of mediators, the nearest to them first. */
  readonly routing: readonly Verkey[]
}

const TYPES = ['did-communication', 'IndyAgent']
const RELATIONSHIPS = ['authentication', 'keyAgreement', 'assertionMethod']
const MOST_LISTED = 64
const MOST_KEYS = 8
const MOST_ROUTING = 4
const LONGEST_ENDPOINT = 2048
const LONGEST_REFERENCE = 16 * 1024

/** What a DID document says about reaching its DID. */
export function readContact(document: Received): Contact {
  const methods = keysOf(document)
  const services = listed(document, 'service')
    .map((service, index) => readService(service, index, methods))
    .filter((service) => service !== undefined)
    .sort((a, b) => a.priority - b.priority)
  const best = services.find(({ endpoint }) => endpoint.startsWith('https://')) ?? services[0]
  if (!best) throw new MalformedError(`${document.path}.service`, 'a service of the type did-communication with an Ed25519 key')
  return { keys: [...new Set([...best.keys, ...services.flatMap(({ keys }) => keys)])], endpoint: best.endpoint, routing: best.routing }
}

/** A service that stands in an invitation itself (RFC 0434), or in `~service` (RFC 0056). */
export function readInlineService(service: Received): Contact {
  const keys = service.member('recipientKeys').items(MOST_ROUTING).map((key) => anyKey(key.text(160), key.path))
  const routing = (service.optional('routingKeys')?.items(MOST_ROUTING) ?? []).map((key) => anyKey(key.text(160), key.path))
  if (keys.length === 0) throw new MalformedError(`${service.path}.recipientKeys`, 'a key')
  return { keys: [...new Set(keys)], endpoint: service.member('serviceEndpoint').text(LONGEST_ENDPOINT), routing }
}

export function sealContact({ keys, endpoint, routing }: Contact): JsonObject {
  return { keys, endpoint, routing }
}

export function unsealContact(received: Received): Contact {
  const texts = (name: string): Verkey[] => received.member(name).items(MOST_LISTED).map((key) => verkey(key.text(64), key.path))
  return { keys: texts('keys'), endpoint: received.member('endpoint').text(LONGEST_ENDPOINT), routing: texts('routing') }
}

function readService(service: Received, index: number, methods: ReadonlyMap<string, Verkey>) {
  const type = textOf(service, 'type')
  const address = service.optional('serviceEndpoint')
  const endpoint = textOf(service, 'serviceEndpoint') ?? (address && textOf(address, 'uri')) // the latter as DIDComm v2 has it
  if (type === undefined || !TYPES.includes(type) || endpoint === undefined || endpoint.length > LONGEST_ENDPOINT) return undefined
  const keys = listed(service, 'recipientKeys').map((key) => referred(key, methods)).filter((key) => key !== undefined)
  if (keys.length === 0) return undefined
  const routing = listed(service, 'routingKeys').map((key) => referred(key, methods))
  if (routing.length > MOST_ROUTING || routing.includes(undefined))
    throw new MalformedError(`${service.path}.routingKeys`, `at most ${MOST_ROUTING} Ed25519 keys`)
  const priority = service.optional('priority')?.value()
  return {
    priority: typeof priority === 'number' ? priority : index,
    keys: keys.slice(0, MOST_KEYS),
    endpoint,
    routing: routing as Verkey[],
  }
}

// Ed25519 keys by the end of their ids: "key-0".
function keysOf(document: Received): Map<string, Verkey> {
  const keys = new Map<string, Verkey>()
  for (const name of ['verificationMethod', 'publicKey', ...RELATIONSHIPS])
    for (const method of listed(document, name)) {
      if (typeof method.value() === 'string') continue
      const id = textOf(method, 'id')
      const key = id === undefined ? undefined : keyIn(method)
      if (id === undefined || key === undefined) continue
      const end = endOf(id)
      if ((keys.get(end) ?? key) !== key) throw new MalformedError(document.path, 'an id of its own for each key')
      keys.set(end, key)
    }
  return keys
}

function keyIn(method: Received): Verkey | undefined {
  const type = textOf(method, 'type') ?? ''
  const bare = textOf(method, 'publicKeyBase58')
  const multibase = textOf(method, 'publicKeyMultibase')
  const jwk = method.optional('publicKeyJwk')
  return ifAny(() => {
    if (bare !== undefined) return type.startsWith('X25519') ? undefined : verkey(bare, method.path)
    if (multibase !== undefined) return base58(fromMultikey(multibase, method.path)) as Verkey
    if (jwk && textOf(jwk, 'kty') === 'OKP' && textOf(jwk, 'crv') === 'Ed25519')
      return verkey(base58(fromBase64url(jwk.member('x').text(64), jwk.path)), jwk.path)
    return undefined
  })
}

function referred(reference: Received, methods: ReadonlyMap<string, Verkey>): Verkey | undefined {
  const text = reference.value()
  if (typeof text !== 'string' || text.length > LONGEST_REFERENCE) return undefined
  if (text.startsWith('did:key:')) return ifAny(() => anyKey(text, reference.path))
  return methods.get(endOf(text)) ?? ifAny(() => verkey(text, reference.path))
}

function ifAny<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof WalletError) return undefined
    throw error
  }
}

function endOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('#') + 1)
}

function textOf(received: Received, name: string): string | undefined {
  const object = received.value()
  const value = typeof object === 'object' && object !== null && !Array.isArray(object) ? received.optional(name)?.value() : undefined
  return typeof value === 'string' ? value : undefined
}

function listed(received: Received, name: string): Received[] {
  const list = received.optional(name)
  return Array.isArray(list?.value()) ? list.items(MOST_LISTED) : []
}
