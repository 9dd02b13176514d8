// NaCl's crypto_box and libsodium's sealed box, which carry content keys in envelopes (Aries RFC 0019).
//
// What two keys share is computed once and kept with the secret one (`SecretKey.with`): to the mediator go, and from it come, dozens of
// envelopes a visit, and a slow phone takes a hundredth of a second for it. It is NaCl's crypto_box_beforenm. Whose keys were met is
// remembered while a book is open (`keepKeys`), and nothing of it after that.

import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { concat } from '../bytes.js'
import { publicKey, type Verkey } from './keys.js'

const KEY_BYTES = 32
const NONCE_BYTES = 24
const MOST_AT_HAND = 32
const SIGMA = new TextEncoder().encode('expand 32-byte k')

let atHand: Map<Verkey, Uint8Array> | undefined

/** Remember what was computed of public keys, until `forgetKeys`. */
export function keepKeys(): void {
  atHand ??= new Map()
}

/** Remember nothing of whose keys were met; what is still under way leaves nothing either. */
export function forgetKeys(): void {
  atHand = undefined
}

/** Somebody's public key as X25519. Throws if it is no point of the curve. */
export function agreementKey(key: Verkey): Uint8Array {
  const known = atHand?.get(key)
  if (known) return known
  const made = ed25519.utils.toMontgomery(publicKey(key))
  if (atHand && atHand.size >= MOST_AT_HAND) atHand.clear()
  atHand?.set(key, made)
  return made
}

/** crypto_box, for and by whom `shared` is of. */
export function box(message: Uint8Array, nonce: Uint8Array, shared: Uint8Array): Uint8Array {
  return xsalsa20poly1305(shared, nonce).encrypt(message)
}

/** crypto_box_open. Throws if it was not boxed so. */
export function openBox(boxed: Uint8Array, nonce: Uint8Array, shared: Uint8Array): Uint8Array {
  return xsalsa20poly1305(shared, nonce).decrypt(boxed)
}

/** crypto_box_seal: by nobody in particular. */
export function seal(message: Uint8Array, theirs: Uint8Array): Uint8Array {
  const once = x25519.utils.randomSecretKey()
  const ephemeral = x25519.getPublicKey(once)
  return concat(ephemeral, box(message, sealNonce(ephemeral, theirs), sharedKey(once, theirs)))
}

/** crypto_box_seal_open. Throws if it was not sealed for this key. */
export function openSeal(sealed: Uint8Array, own: Uint8Array, ownPublic: Uint8Array): Uint8Array {
  const ephemeral = sealed.subarray(0, KEY_BYTES)
  return openBox(sealed.subarray(KEY_BYTES), sealNonce(ephemeral, ownPublic), sharedKey(own, ephemeral))
}

/** A fresh nonce for `box`. */
export function boxNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
}

function sealNonce(ephemeral: Uint8Array, theirs: Uint8Array): Uint8Array {
  return blake2b(concat(ephemeral, theirs), { dkLen: NONCE_BYTES })
}

/** HSalsa20 of the X25519 secret. It refuses points of low order, whose secret anybody knows. Both keys are X25519. */
export function sharedKey(own: Uint8Array, theirs: Uint8Array): Uint8Array {
  const words = new Uint32Array(KEY_BYTES / 4)
  hsalsa(littleEndian(SIGMA), littleEndian(x25519.getSharedSecret(own, theirs)), new Uint32Array(4), words)
  const key = new Uint8Array(KEY_BYTES)
  const view = new DataView(key.buffer)
  words.forEach((word, index) => view.setUint32(4 * index, word, true))
  return key
}

function littleEndian(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true))
}
