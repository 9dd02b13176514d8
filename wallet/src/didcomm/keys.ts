// Ed25519 keys of connections: as base58 in envelopes, as Multikey in DID documents, as did:key in services and lists of keys
// (Controlled Identifiers 1.0 §2.2.2; did:key 0.7; Aries RFC 0360).

import { ed25519 } from '@noble/curves/ed25519.js'
import { base58, fromBase58 } from '../base58.js'
import { base64url, fromBase64url } from '../base64.js'
import { concat } from '../bytes.js'
import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'

const ED25519 = Uint8Array.of(0xed, 0x01)
const KEY_BYTES = 32
const DID_KEY = 'did:key:'
const LONGEST_KEY = 64
const LONGEST_REFERENCE = 160
const MOST_OTHERS = 8
const MASK = '[secret key]'

// Of some dozen multiples of the base point a visit, half of the table that the library would make is worth its price.
ed25519.Point.BASE.precompute(4)

/** A public Ed25519 key in base58, of 32 bytes. Only `verkey` and its kind make one. */
export type Verkey = string & { readonly __brand: 'Verkey' }

/** What a secret key and somebody else's key come to (`box.ts`, `envelope.ts`). */
export interface WithOther {
  shared?: Uint8Array
  sender?: string
}

/** A secret key of ours. It shows itself in no log, error or JSON: only `seal` gives it away, to whoever encrypts it. */
export class SecretKey {
  readonly #seed: Uint8Array
  readonly #with = new Map<Verkey, WithOther>()
  readonly #senders = new Map<string, Verkey>()
  readonly verkey: Verkey

  private constructor(seed: Uint8Array) {
    this.#seed = seed
    this.verkey = base58(ed25519.getPublicKey(seed)) as Verkey
  }

  static random(): SecretKey {
    return new SecretKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
  }

  /** The key that `seal` gave. */
  static unseal(received: Received): SecretKey {
    const seed = fromBase64url(received.text(LONGEST_KEY), received.path)
    if (seed.length !== KEY_BYTES) throw new MalformedError(received.path, `${KEY_BYTES} bytes`)
    return new SecretKey(seed)
  }

  /** The seed as base64url, to be encrypted and kept. */
  seal(): string {
    return base64url(this.#seed)
  }

  sign(message: Uint8Array): Uint8Array {
    return ed25519.sign(message, this.#seed)
  }

  /** As X25519 (RFC 8032 §5.1.5; RFC 7748), for a computation. */
  agreement(): Uint8Array {
    return ed25519.utils.toMontgomerySecret(this.#seed)
  }

  /** What was computed with a key of somebody else, as long as this object lives. */
  with(theirs: Verkey): WithOther {
    const known = this.#with.get(theirs)
    if (known) return known
    const made = {}
    if (this.#with.size >= MOST_OTHERS) this.#with.clear() // whoever writes under many names gains nothing
    this.#with.set(theirs, made)
    return made
  }

  /** Who a sealed sender is, read once: whoever writes in the same words each time (`envelope.ts`) is known by them. */
  sender(sealed: string, read: () => Verkey): Verkey {
    const known = this.#senders.get(sealed)
    if (known) return known
    const made = read()
    if (this.#senders.size >= MOST_OTHERS) this.#senders.clear()
    this.#senders.set(sealed, made)
    return made
  }

  toString(): string {
    return MASK
  }

  toJSON(): never {
    throw new TypeError('a secret key is sealed, not written as JSON')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }
}

/** A public key as it stands in an envelope or in `~service`: base58 of 32 bytes. */
export function verkey(text: string, path: string): Verkey {
  if (text.length > LONGEST_KEY || fromBase58(text, LONGEST_KEY).length !== KEY_BYTES)
    throw new MalformedError(path, 'an Ed25519 key in base58')
  return text as Verkey
}

/** The raw 32 bytes of a key. */
export function publicKey(key: Verkey): Uint8Array {
  return fromBase58(key, LONGEST_KEY)
}

/** The Multikey (`z6Mk…`) of a key. */
export function multikey(key: Verkey): string {
  return `z${base58(concat(ED25519, publicKey(key)))}`
}

/** The raw 32 bytes of an Ed25519 Multikey. */
export function fromMultikey(text: string, path: string): Uint8Array {
  const bytes = text.startsWith('z') && text.length <= LONGEST_KEY ? fromBase58(text.slice(1), LONGEST_KEY) : ED25519
  if (bytes.length !== ED25519.length + KEY_BYTES || bytes[0] !== ED25519[0] || bytes[1] !== ED25519[1])
    throw new MalformedError(path, 'an Ed25519 Multikey (z6Mk…)')
  return bytes.subarray(ED25519.length)
}

/** A key as did:key. */
export function didKey(key: Verkey): string {
  return DID_KEY + multikey(key)
}

/** The key of `did:key:z6Mk…`, with the same key as its fragment or without one. */
export function fromDidKey(text: string, path: string): Verkey {
  const [did = '', fragment, more] = text.length > LONGEST_REFERENCE ? [] : text.split('#')
  const key = did.slice(DID_KEY.length)
  if (!did.startsWith(DID_KEY) || more !== undefined || (fragment !== undefined && fragment !== key))
    throw new MalformedError(path, 'did:key:z6Mk…')
  return base58(fromMultikey(key, path)) as Verkey
}

/** A key as services of invitations and lists of mediators write it: did:key, or base58 as older software does. */
export function anyKey(text: string, path: string): Verkey {
  return text.startsWith('did:') ? fromDidKey(text, path) : verkey(text, path)
}

/** As `isSigned`, by the browser itself where it can: what is large, or comes often, keeps a slow phone busy. */
export async function isSignedBy(key: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (!browserVerifies) return isSigned(key, message, signature)
  if (signature.length !== 64 || !isStrict(key)) return false
  try {
    const imported = await crypto.subtle.importKey('raw', key as Uint8Array<ArrayBuffer>, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', imported, signature as Uint8Array<ArrayBuffer>, message as Uint8Array<ArrayBuffer>)
  } catch {
    browserVerifies = false // an older one, and it stays so
    return isSigned(key, message, signature)
  }
}

let browserVerifies = true

// Browsers take keys of small order, and keys that are written otherwise than RFC 8032 says.
function isStrict(key: Uint8Array): boolean {
  try {
    return key.length === KEY_BYTES && !ed25519.Point.fromBytes(key, false).isSmallOrder()
  } catch {
    return false
  }
}

/** Whether a signature (RFC 8032) over a message is by a raw 32-byte key. */
export function isSigned(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== KEY_BYTES || signature.length !== 64) return false
  try {
    return ed25519.verify(signature, message, key, { zip215: false })
  } catch {
    return false
  }
}
