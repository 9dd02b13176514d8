// The keys of a did:webvh document that may assert (DID Core 1.0, section 5.3.2), by the rules of `plugins/webvh/document.py`.
//
// A key counts only if (1) its id stands in `assertionMethod`, or it is embedded there; (2) the id and the controller are of this
// DID, by any of its names; (3) it is an Ed25519 key in a form that we know. It goes by its fragment under each name.

import { fromBase64url } from '../base64.js'
import { fromMultikey } from '../didcomm/keys.js'
import { WalletError } from '../errors.js'
import type { Received } from '../received.js'
import type { VerifiedLog } from './log.js'

const MULTIBASE_TYPES = ['Multikey', 'Ed25519VerificationKey2020']
const JWK_TYPES = ['JsonWebKey', 'JsonWebKey2020']
const MOST_LISTED = 1024

/** Raw 32-byte Ed25519 keys that may assert now, by their DID URL. */
export function assertionKeys({ names, document }: VerifiedLog): Map<string, Uint8Array> {
  const methods = new Map<string, Received>()
  for (const method of listed(document, 'verificationMethod')) {
    const id = keyId(names, textOf(method, 'id'))
    if (id !== undefined) methods.set(id, method)
  }
  const keys = new Map<string, Uint8Array>()
  for (const reference of listed(document, 'assertionMethod')) {
    const isEmbedded = typeof reference.value() !== 'string'
    const id = keyId(names, isEmbedded ? textOf(reference, 'id') : (reference.value() as string)) // 1
    const method = isEmbedded ? reference : id === undefined ? undefined : methods.get(id)
    if (id === undefined || method === undefined || !names.includes(textOf(method, 'controller') ?? '')) continue // 2
    const key = keyOf(method) // 3
    if (key === undefined) continue
    keys.set(id, key)
  }
  for (const [id, key] of [...keys]) for (const name of names) if (!keys.has(name + fragmentOf(id))) keys.set(name + fragmentOf(id), key)
  return keys
}

function keyId(names: readonly string[], text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const id = text.startsWith('#') ? `${names[0]}${text}` : text
  const [did = '', fragment, more] = id.split('#')
  return names.includes(did) && fragment && more === undefined ? id : undefined
}

function keyOf(method: Received): Uint8Array | undefined {
  const type = textOf(method, 'type') ?? ''
  try {
    if (MULTIBASE_TYPES.includes(type)) return fromMultikey(textOf(method, 'publicKeyMultibase') ?? '', method.path)
    const jwk = method.optional('publicKeyJwk')
    if (!jwk || !JWK_TYPES.includes(type) || textOf(jwk, 'kty') !== 'OKP' || textOf(jwk, 'crv') !== 'Ed25519') return undefined
    const key = fromBase64url(textOf(jwk, 'x') ?? '', jwk.path)
    return key.length === 32 ? key : undefined
  } catch (error) {
    if (error instanceof WalletError) return undefined
    throw error
  }
}

function fragmentOf(id: string): string {
  return id.slice(id.indexOf('#'))
}

function textOf(received: Received, name: string): string | undefined {
  const object = received.value()
  const value = typeof object === 'object' && object !== null && !Array.isArray(object) ? received.optional(name)?.value() : undefined
  return typeof value === 'string' ? value : undefined
}

function listed(document: Received, name: string): Received[] {
  const list = document.optional(name)
  return list && Array.isArray(list.value()) ? list.items(MOST_LISTED) : []
}
