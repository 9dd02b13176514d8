// The key of a vault, and what follows from it. It is made from the recovery code alone, so that code opens the vault anywhere; the
// phone keeps it sealed (`phone.ts`). Nothing of it ever leaves the page.
//
// 1. scrypt (RFC 7914) of the code: 99 bits are out of reach anyhow, and a code that somebody saw in part stays dear to guess.
// 2. HKDF-SHA256 (RFC 5869), one key a purpose: to write to the vault (Ed25519), to seal its revisions, to seal and name rows.
// 3. XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): its nonces are long enough to be drawn at random. What is sealed names its place,
//    so that nobody puts it in another.

import { ed25519 } from '@noble/curves/ed25519.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base64url, fromBase64url } from '../base64.js'
import { concat } from '../bytes.js'
import { CheckFailedError } from '../errors.js'
import { codeSecret, type RecoveryCode } from './recovery_code.js'

const KEY_BYTES = 32
const NONCE_BYTES = 24
const COST = { N: 2 ** 15, r: 8, p: 1, dkLen: KEY_BYTES }
const SALT = 'wanderbuch recovery code 1'
const MASK = '[vault key]'
const encoder = new TextEncoder()
let isPrepared = false

export class VaultKey {
  readonly #secret: Uint8Array
  readonly #writing: Uint8Array
  readonly #rows: Uint8Array
  readonly #names: Uint8Array
  readonly #revisions: Uint8Array
  /** By which a host knows the vault: a public key, in base64url. */
  readonly id: string

  private constructor(secret: Uint8Array) {
    const derived = (purpose: string): Uint8Array => hkdf(sha256, secret, undefined, encoder.encode(`wanderbuch vault 1 ${purpose}`), KEY_BYTES)
    this.#secret = secret
    this.#writing = derived('writing')
    this.#rows = derived('rows')
    this.#names = derived('names')
    this.#revisions = derived('revisions')
    this.id = base64url(ed25519.getPublicKey(this.#writing))
  }

  /** The key that a code stands for (1); takes some tenths of a second, on a slow phone some seconds. */
  static async ofCode(code: RecoveryCode): Promise<VaultKey> {
    return new VaultKey(await scryptAsync(codeSecret(code), SALT, COST))
  }

  /** Compute what every key needs, as long as something else is waited for: what is done for the first time takes many times as long. */
  static prepare(): void {
    if (isPrepared) return
    isPrepared = true
    const key = new VaultKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
    key.isSigned('', key.sign(''))
    key.openRow(key.sealRow('', ''), '')
  }

  /** The key whose bytes `reveal` gave. */
  static of(secret: Uint8Array): VaultKey {
    if (secret.length !== KEY_BYTES) throw new CheckFailedError('this is not the key of a vault')
    return new VaultKey(secret)
  }

  /** Its bytes, to be sealed and kept. */
  reveal(): Uint8Array {
    return this.#secret.slice()
  }

  /** A signature of a call to the vault's host, in base64url. */
  sign(text: string): string {
    return base64url(ed25519.sign(encoder.encode(text), this.#writing))
  }

  /** Whether a text was signed by `sign`, with this key. */
  isSigned(text: string, signature: string): boolean {
    try {
      return ed25519.verify(fromBase64url(signature, 'signature'), encoder.encode(text), ed25519.getPublicKey(this.#writing))
    } catch {
      return false
    }
  }

  /** By what a row is found, without telling what it is. */
  nameOf(kind: string, id: string): string {
    return base64url(hmac(sha256, this.#names, encoder.encode(`${kind}\n${id}`)))
  }

  sealRow(text: string, place: string): Uint8Array {
    return seal(this.#rows, encoder.encode(text), place)
  }

  /** @throws CheckFailedError somebody changed it, or it stands in another place */
  openRow(sealed: Uint8Array, place: string): string {
    return new TextDecoder().decode(open(this.#rows, sealed, place))
  }

  sealRevision(content: Uint8Array, place: string): Uint8Array {
    return seal(this.#revisions, content, place)
  }

  /** @throws CheckFailedError somebody changed it, or it stands in another place */
  openRevision(sealed: Uint8Array, place: string): Uint8Array {
    return open(this.#revisions, sealed, place)
  }

  toString(): string {
    return MASK
  }

  toJSON(): never {
    throw new TypeError('the key of a vault is sealed, not written as JSON')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }
}

export function seal(key: Uint8Array, content: Uint8Array, place: string): Uint8Array {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  return concat(nonce, xchacha20poly1305(key, nonce, encoder.encode(place)).encrypt(content))
}

/** @throws CheckFailedError it was not sealed so */
export function open(key: Uint8Array, sealed: Uint8Array, place: string): Uint8Array {
  try {
    return xchacha20poly1305(key, sealed.subarray(0, NONCE_BYTES), encoder.encode(place)).decrypt(sealed.subarray(NONCE_BYTES))
  } catch {
    throw new CheckFailedError('what was kept was changed, or is for another key')
  }
}
