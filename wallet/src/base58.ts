// Base58 with the alphabet of Bitcoin (base58btc), as DIDs, keys and hashes of tails files are written.

import { toNumber } from './bytes.js'
import { MalformedError } from './errors.js'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

export function base58(bytes: Uint8Array): string {
  let text = ''
  for (let rest = toNumber(bytes); rest > 0n; rest /= 58n) text = (ALPHABET[Number(rest % 58n)] as string) + text
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text
}

/** The bytes of a text of at most `longest` characters: the work grows with the square of the length. */
export function fromBase58(text: string, longest: number): Uint8Array {
  if (text.length > longest || !/^[1-9A-HJ-NP-Za-km-z]*$/.test(text)) throw new MalformedError('base58', `base58 of at most ${longest} characters`)
  let value = 0n
  for (const letter of text) value = value * 58n + BigInt(ALPHABET.indexOf(letter))
  const hex = value === 0n ? '' : value.toString(16)
  const digits = hex.length % 2 ? `0${hex}` : hex
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  const bytes = new Uint8Array(zeros + digits.length / 2)
  for (let at = 0; at < digits.length; at += 2) bytes[zeros + at / 2] = parseInt(digits.slice(at, at + 2), 16)
  return bytes
}
