// "This phone remembers": the key of the vault, sealed so that this browser with this PIN opens it, and nobody without both.
//
// 1. A key of WebCrypto that cannot be exported makes, of the stretched PIN (PBKDF2 with HMAC-SHA-512, RFC 8018, by the browser itself:
//    `stretching.ts`), the key under which it is sealed. So a copy of the rows alone opens nothing, and trying PINs needs this browser.
// 2. A try is counted before it is made (what the PIN stretches to is known by then, and not tried), one at a time. After ten wrong ones
//    the phone forgets: the recovery code opens the book then.
// 3. What it is worth: browsers keep such a key on the phone's storage. Who has the phone's storage unlocked can try all PINs of six
//    digits, in a day or two of a processor. A PIN protects from whoever picks the phone up.
// 4. A passkey may stand beside the PIN: the phone's own secret (WebAuthn PRF) takes the place of the stretched PIN in (1). It is never
//    alone: PIN and recovery code open the book as before, and what forgets the PIN forgets it.
// 5. While a PIN is typed it is stretched already (`foresee`): that tries nothing and counts nothing.
// 6. What was sealed before that was stretched by scrypt (RFC 7914). Once its PIN opens it, it is sealed anew as (1) says.

import { scryptAsync } from '@noble/hashes/scrypt.js'
import { concat } from '../bytes.js'
import { StateError, WalletError } from '../errors.js'
import type { Shelf } from './shelf.js'
import { forgetTyped, isLongEnough, LEAST, LONGEST, plainPin, stretched, stretchedNow, whileStretching, type Salted } from './stretching.js'
import { open, seal, VaultKey } from './vault_key.js'

export { foresee, forgetTyped } from './stretching.js'

whileStretching(() => VaultKey.prepare())

const SCRYPT_COST = { N: 2 ** 15, r: 8, p: 1, dkLen: 32 }
const SALT_BYTES = 16
const TRIES = 10
const PLACE = 'this phone'
const PASSKEY_PLACE = 'this phone, by a passkey'
const SECRET_BYTES = 32

interface Remembered extends SealedByPin {
  readonly device: CryptoKey
  readonly tries: number
  readonly passkey?: { readonly id: Uint8Array; readonly salt: Uint8Array; readonly sealed: Uint8Array }
}

/** Without `stretching`: by scrypt (6). */
interface SealedByPin extends Salted {
  readonly sealed: Uint8Array
}

/** No passkey is kept, or its secret is another one. */
export class PasskeyError extends WalletError {
  constructor() {
    super('passkey', 'the passkey does not open the book')
  }
}

/** The PIN is not the one; `left`: so many tries are left, 0: the phone has forgotten. */
export class PinError extends WalletError {
  readonly left: number

  constructor(left: number) {
    super('pin', left ? 'the PIN is wrong' : 'the PIN was wrong too often')
    this.left = left
  }

  override get detail(): number {
    return this.left
  }
}

/** A PIN that is too short, or too long. */
export class PinLengthError extends WalletError {
  constructor() {
    super('pin_length', `a PIN has ${LEAST} to ${LONGEST} characters`)
  }
}

export async function isRemembered(shelf: Shelf): Promise<boolean> {
  return (await shelf.note('phone')) !== undefined
}

/** What goes on the shelf so that this phone remembers a key. */
export async function remembering(key: VaultKey, pin: string): Promise<Remembered> {
  const plain = plainPin(pin)
  if (!isLongEnough(plain)) throw new PinLengthError()
  const device = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])
  return { device, ...(await sealedByPin(device, plain, key.reveal())), tries: 0 }
}

let last: Promise<unknown> = Promise.resolve()

/** @throws PinError it is not the one (2) */
export function recall(shelf: Shelf, pin: string): Promise<VaultKey> {
  const turn = last.then(() => recalled(shelf, pin)).finally(forgetTyped)
  last = turn.then(({ noted }) => noted).catch(() => undefined)
  return turn.then(({ key }) => key)
}

/**
 * Have a passkey open the book beside the PIN (4), or no longer.
 *
 * @param told where it is, and its secret, which is not kept
 */
export function rememberPasskey(shelf: Shelf, key: VaultKey, told: { readonly id: Uint8Array; readonly salt: Uint8Array; readonly secret: Uint8Array } | null): Promise<void> {
  return inTurn(async () => {
    const remembered = (await shelf.note('phone')) as Remembered | undefined
    if (!remembered) throw new StateError('this phone remembers nothing')
    const { passkey: _, ...phone } = remembered
    if (!told) return shelf.write({ notes: { phone } })
    const { id, salt, secret } = told
    const sealed = seal(await passkeyKey(phone.device, secret), key.reveal(), PASSKEY_PLACE)
    return shelf.write({ notes: { phone: { ...phone, passkey: { id, salt, sealed } } } })
  })
}

/** @throws PasskeyError it is not the one */
export function recallByPasskey(shelf: Shelf, secret: Uint8Array): Promise<VaultKey> {
  return inTurn(async () => {
    forgetTyped()
    const remembered = (await shelf.note('phone')) as Remembered | undefined
    if (!remembered?.passkey) throw new PasskeyError()
    try {
      return VaultKey.of(open(await passkeyKey(remembered.device, secret), remembered.passkey.sealed, PASSKEY_PLACE))
    } catch (error) {
      throw error instanceof WalletError ? new PasskeyError() : error
    }
  })
}

// One at a time: each writes what it read.
function inTurn<T>(step: () => Promise<T>): Promise<T> {
  const turn = last.then(step)
  last = turn.then(nothing, nothing) // what came of it, such as a key, is nobody else's
  return turn
}

function nothing(): void {}

async function passkeyKey(device: CryptoKey, secret: Uint8Array): Promise<Uint8Array> {
  if (secret.length !== SECRET_BYTES) throw new PasskeyError()
  const told = concat(new TextEncoder().encode(PASSKEY_PLACE), secret)
  return new Uint8Array(await crypto.subtle.sign('HMAC', device, told as Uint8Array<ArrayBuffer>))
}

// `noted`: the tries are none again. Nobody waits for that: should the page end before, one try more is counted.
async function recalled(shelf: Shelf, pin: string): Promise<{ readonly key: VaultKey; readonly noted: Promise<void> }> {
  const remembered = (await shelf.note('phone')) as Remembered | undefined
  if (!remembered) throw new PinError(0)
  if (remembered.tries >= TRIES) {
    await shelf.write({ notes: { phone: undefined } }) // the page ended before it was forgotten
    throw new PinError(0)
  }
  const tries = remembered.tries + 1
  const counted = shelf.write({ notes: { phone: { ...remembered, tries } } })
  const { device, salt, sealed, stretching } = remembered
  const plain = plainPin(pin)
  const bits = stretching ? stretchedNow(plain, salt) : stretchedByScrypt(plain, salt)
  const [sealing] = await Promise.all([bits.then((each) => sealingKey(device, each)), counted])
  let secret: Uint8Array
  try {
    secret = open(sealing, sealed, PLACE)
  } catch (error) {
    if (!(error instanceof WalletError)) throw error
    if (tries >= TRIES) await shelf.write({ notes: { phone: undefined } })
    throw new PinError(Math.max(0, TRIES - tries))
  }
  const anew = stretching ? {} : await sealedByPin(device, plain, secret)
  const noted = shelf.write({ notes: { phone: { ...remembered, ...anew, tries: 0 } } })
  return { key: VaultKey.of(secret), noted }
}

async function sealedByPin(device: CryptoKey, pin: string, secret: Uint8Array): Promise<SealedByPin> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  return { salt, sealed: seal(await sealingKey(device, await stretched(pin, salt)), secret, PLACE), stretching: 'pbkdf2' }
}

// 1
async function sealingKey(device: CryptoKey, bits: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', device, bits as Uint8Array<ArrayBuffer>))
}

// 6
function stretchedByScrypt(pin: string, salt: Uint8Array): Promise<Uint8Array> {
  return scryptAsync(pin, salt, SCRYPT_COST)
}
