// A PIN, stretched: PBKDF2 with HMAC-SHA-512 (RFC 8018), by the browser itself (adr/0122); and what was stretched while a PIN is typed.
//
// 1. It needs nothing of the book's code, so that it begins while that is still being loaded.
// 2. While a PIN is typed it is stretched already, each time that it is long enough to be one: that tries nothing, counts nothing and is
//    forgotten within a minute, and once the phone is asked to open, or the book is closed (`forgetTyped`). Who types on has the last one
//    stretched, one at a time. What failed is forgotten at once.

import { withAsciiDigits } from './digits.js'
import type { Shelf } from './shelf.js'

const ITERATIONS = 210_000
const KEY_BITS = 256
const FORESEEN_MS = 60_000
export const LEAST = 6
export const LONGEST = 64

/** What of a shelf's note says how its PIN is stretched. */
export interface Salted {
  readonly salt: Uint8Array
  /** Missing: by scrypt (`phone.ts`). */
  readonly stretching?: 'pbkdf2'
}

interface Foreseen {
  readonly pin: string
  readonly salt: Uint8Array
  readonly stretched: Promise<Uint8Array>
}

let foreseen: Foreseen | undefined
let typing: string | undefined
let isForeseeing = false
let forgetting: ReturnType<typeof setTimeout> | undefined
let meanwhile = (): void => {}
let underWay = 0

/** What to compute whenever the browser begins to stretch, which it does in another thread; at once, if it has begun. */
export function whileStretching(step: () => void): void {
  meanwhile = step
  if (underWay) step()
}

/** Stretch what was typed by now, if it may be a PIN (2). */
export async function foresee(shelf: Shelf, typed: string): Promise<void> {
  const plain = plainPin(typed)
  typing = isLongEnough(plain) ? plain : undefined
  clearTimeout(forgetting)
  forgetting = setTimeout(forgetTyped, FORESEEN_MS)
  if (isForeseeing) return
  isForeseeing = true
  try {
    while (typing !== undefined && typing !== foreseen?.pin) {
      const pin = typing
      const salted = (await shelf.note('phone')) as Salted | undefined
      if (!salted?.stretching) return forgetTyped()
      if (typing === undefined) return // forgotten meanwhile
      const begun = { pin, salt: salted.salt, stretched: stretched(pin, salted.salt) }
      foreseen = begun
      await begun.stretched.catch((error: unknown) => {
        if (foreseen === begun) foreseen = undefined
        throw error
      })
    }
  } finally {
    isForeseeing = false
  }
}

/** A plain PIN, stretched by this salt; what was foreseen is used once. */
export async function stretchedNow(pin: string, salt: Uint8Array): Promise<Uint8Array> {
  const known = foreseen?.pin === pin && foreseen.salt.join() === salt.join() ? foreseen.stretched : undefined
  forgetTyped()
  try {
    if (known) return await known
  } catch {
    // It is tried again.
  }
  return stretched(pin, salt)
}

/** Nothing of what was typed is at hand any more (2). */
export function forgetTyped(): void {
  clearTimeout(forgetting)
  foreseen = undefined
  typing = undefined
}

export function isLongEnough(plain: string): boolean {
  return [...plain].length >= LEAST && plain.length <= LONGEST
}

/** Whoever changes the keyboard types other digits. */
export function plainPin(pin: string): string {
  return withAsciiDigits(pin.normalize('NFKC').trim())
}

export async function stretched(pin: string, salt: Uint8Array): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(pin), 'PBKDF2', false, ['deriveBits'])
  const bits = crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: salt as Uint8Array<ArrayBuffer>, iterations: ITERATIONS }, key, KEY_BITS)
  underWay += 1
  try {
    meanwhile()
    return new Uint8Array(await bits)
  } finally {
    underWay -= 1
  }
}
