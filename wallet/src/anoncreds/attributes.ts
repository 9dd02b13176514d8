// Names and values of attributes (AnonCreds 1.0, Encoding Attribute Data).

import { sha256 } from '@noble/hashes/sha2.js'
import { toNumber } from '../bytes.js'

/** What the key of a credential definition names the link secret. */
export const LINK_SECRET_NAME = 'master_secret'

const WHOLE_NUMBER = /^([+-]?)0*([0-9]{1,10})$/
const LEAST = -(2n ** 31n)
const MOST = 2n ** 31n - 1n

/** The name as keys and proofs have it: without spaces, in lower case. */
export function keyName(name: string): string {
  return name.replaceAll(' ', '').toLowerCase()
}

/** The number that an issuer signs for a text: a whole number of 32 bits as itself, anything else as its SHA-256. */
export function encoded(raw: string): bigint {
  const [, sign, digits] = WHOLE_NUMBER.exec(raw) ?? []
  if (digits !== undefined) {
    const value = sign === '-' ? -BigInt(digits) : BigInt(digits)
    if (value >= LEAST && value <= MOST) return value
  }
  return toNumber(sha256(new TextEncoder().encode(raw)))
}

/** The number of a predicate's attribute, or undefined if it is not a whole number of 32 bits. */
export function comparable(value: bigint): number | undefined {
  return value >= LEAST && value <= MOST ? Number(value) : undefined
}
