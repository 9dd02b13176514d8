// The hash of AnonCreds' proofs: SHA-256 of all parts, one after the other, as a number.

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, toNumber } from '../bytes.js'

export function challenge(...parts: Uint8Array[]): bigint {
  return toNumber(sha256(concat(...parts)))
}
