// "This phone remembers": the key of the vault, sealed so that this browser with this PIN opens it, and nobody without both.
//
// 1. A key of WebCrypto that cannot be exported makes, of the stretched PIN (scrypt, RFC 7914), the key under which it is sealed. So a
//    copy of the rows alone opens nothing, and trying PINs needs this browser.
// 2. A try is counted before it is made, one at a time. After ten wrong ones the phone forgets: the recovery code opens the book then.
// 3. What it is worth: browsers keep such a key on the phone's storage. Who has the phone's storage unlocked, and days, can try all PINs
//    of six digits there. A PIN protects from whoever picks the phone up.

import { scryptAsync } from '@noble/hashes/scrypt.js'
import { WalletError } from '../errors.js'
import type { Shelf } from './shelf.js'
import { open, seal, VaultKey } from './vault_key.js'

const COST = { N: 2 ** 15, r: 8, p: 1, dkLen: 32 }
const SALT_BYTES = 16
const TRIES = 10
const LEAST = 6
const LONGEST = 64
const PLACE = 'this phone'

interface Remembered {
  readonly device: CryptoKey
  readonly salt: Uint8Array
  readonly sealed: Uint8Array
  readonly tries: number
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
  const plain = pin.normalize('NFKC').trim()
  if ([...plain].length < LEAST || plain.length > LONGEST) throw new PinLengthError()
  const device = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign'])
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  return { device, salt, sealed: seal(await sealingKey(device, salt, plain), key.reveal(), PLACE), tries: 0 }
}

let last: Promise<unknown> = Promise.resolve()

/** @throws PinError it is not the one (2) */
export function recall(shelf: Shelf, pin: string): Promise<VaultKey> {
  const turn = last.then(() => recalled(shelf, pin))
  last = turn.catch(() => undefined)
  return turn
}

async function recalled(shelf: Shelf, pin: string): Promise<VaultKey> {
  const remembered = (await shelf.note('phone')) as Remembered | undefined
  if (!remembered) throw new PinError(0)
  if (remembered.tries >= TRIES) {
    await shelf.write({ notes: { phone: undefined } }) // the page ended before it was forgotten
    throw new PinError(0)
  }
  const tries = remembered.tries + 1
  await shelf.write({ notes: { phone: { ...remembered, tries } } })
  const { device, salt, sealed } = remembered
  let secret: Uint8Array
  try {
    secret = open(await sealingKey(device, salt, pin.normalize('NFKC').trim()), sealed, PLACE)
  } catch (error) {
    if (!(error instanceof WalletError)) throw error
    if (tries >= TRIES) await shelf.write({ notes: { phone: undefined } })
    throw new PinError(Math.max(0, TRIES - tries))
  }
  await shelf.write({ notes: { phone: { ...remembered, tries: 0 } } })
  return VaultKey.of(secret)
}

// 1
async function sealingKey(device: CryptoKey, salt: Uint8Array, pin: string): Promise<Uint8Array> {
  const stretched = await scryptAsync(pin, salt, COST)
  return new Uint8Array(await crypto.subtle.sign('HMAC', device, stretched as Uint8Array<ArrayBuffer>))
}
