// Random numbers, all of them from the platform's cryptographic source.

import { toNumber } from './bytes.js'

/** A number of `bits` random bits: from 0 to 2^bits - 1, each as likely. */
export function randomBits(bits: number): bigint {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8)))
  return toNumber(bytes) >> BigInt(8 * bytes.length - bits)
}

/** A number from 1 to `below` - 1, each as likely. */
export function randomBelow(below: bigint): bigint {
  const bits = below.toString(2).length
  for (;;) {
    const value = randomBits(bits)
    if (value > 0n && value < below) return value
  }
}
