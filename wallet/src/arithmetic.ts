// Whole numbers modulo n. BigInt is not constant-time: adr/0068 says what that means.

import { randomBelow } from './random.js'

/** The remainder from 0 to n - 1, of negative numbers too. */
export function mod(value: bigint, n: bigint): bigint {
  const rest = value % n
  return rest < 0n ? rest + n : rest
}

/** The inverse modulo n, or undefined if there is none (extended Euclid). */
export function inverse(value: bigint, n: bigint): bigint | undefined {
  let [rest, next, factor, nextFactor] = [mod(value, n), n, 1n, 0n]
  while (next !== 0n) {
    const quotient = rest / next
    ;[rest, next] = [next, rest - quotient * next]
    ;[factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  return rest === 1n ? mod(factor, n) : undefined
}

/** The number of bits that a number above zero has. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16)
  return 4 * (hex.length - 1) + (32 - Math.clz32(parseInt(hex[0] ?? '0', 16)))
}

/**
 * The product of base^exponent modulo n, all at once: one chain of squarings, up to five bits of an exponent at a time, of which the lowest
 * is one (sliding windows).
 *
 * A negative exponent is one of the inverse; a base without an inverse is a RangeError there.
 */
export function productOfPowers(powers: readonly (readonly [bigint, bigint])[], n: bigint): bigint {
  const factors: bigint[][] = [] // by place: what the result is multiplied by there
  for (const [base, exponent] of powers) {
    if (exponent === 0n) continue
    const turned = exponent < 0n ? inverse(base, n) : mod(base, n)
    if (turned === undefined) throw new RangeError('a base without an inverse')
    const bits = (exponent < 0n ? -exponent : exponent).toString(2)
    const window = bits.length > 200 ? 5 : bits.length > 60 ? 4 : bits.length > 8 ? 3 : 1
    const odd = [turned] // base^1, base^3, …
    for (let end = bits.length; end > 0; ) {
      if (bits[end - 1] === '0') {
        end--
        continue
      }
      const digit = parseInt(bits.slice(Math.max(0, end - window), end), 2)
      if (odd.length === 1 && digit > 1) {
        const square = (turned * turned) % n
        for (let index = 1; index < 1 << (window - 1); index++) odd.push(((odd[index - 1] as bigint) * square) % n)
      }
      ;(factors[bits.length - end] ??= []).push(odd[(digit - 1) / 2] as bigint)
      end -= window
    }
  }
  let result = 1n
  for (let place = factors.length - 1; place >= 0; place--) {
    if (result !== 1n) result = (result * result) % n
    for (const factor of factors[place] ?? []) result = (result * factor) % n
  }
  return result
}

const DIGIT_BITS = 6

/**
 * A base that is raised to many powers modulo one n: its powers base^(64^i) are computed once, as far as they are needed
 * (Brickell, Gordon, McCurley and Wilson 1992). A power is then a product of some of them, without squarings.
 */
export class FixedBase {
  readonly #n: bigint
  readonly #powers: bigint[]

  constructor(base: bigint, n: bigint) {
    this.#n = n
    this.#powers = [mod(base, n)]
  }

  /** base^exponent modulo n, for an exponent that is not negative. */
  power(exponent: bigint): bigint {
    return productOfFixedPowers([[this, exponent]])
  }

  get n(): bigint {
    return this.#n
  }

  /** base^(64^place). */
  powerAt(place: number): bigint {
    while (this.#powers.length <= place) {
      let power = this.#powers[this.#powers.length - 1] as bigint
      for (let bit = 0; bit < DIGIT_BITS; bit++) power = (power * power) % this.#n
      this.#powers.push(power)
    }
    return this.#powers[place] as bigint
  }
}

/** The product of powers of fixed bases of one n, at the price of little more than the longest of them. No exponent is negative. */
export function productOfFixedPowers(terms: readonly (readonly [FixedBase, bigint])[]): bigint {
  const n = terms[0]?.[0].n ?? 1n
  const factors: bigint[][] = Array.from({ length: 1 << DIGIT_BITS }, () => []) // by digit
  for (const [base, exponent] of terms) {
    const bits = exponent.toString(2)
    for (let end = bits.length, place = 0; end > 0; end -= DIGIT_BITS, place++) {
      const digit = parseInt(bits.slice(Math.max(0, end - DIGIT_BITS), end), 2)
      if (digit) factors[digit]?.push(base.powerAt(place))
    }
  }
  // The product of p_d^d over all digits d is that of p_63, p_63 p_62, p_63 p_62 p_61, …
  let product = 1n
  let running = 1n
  for (let digit = factors.length - 1; digit > 0; digit--) {
    for (const factor of factors[digit] as bigint[]) running = (running * factor) % n
    if (running !== 1n) product = (product * running) % n
  }
  return product
}

const SMALL_PRIMES = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n]
const ROUNDS = 40

/**
 * Whether a number is prime, by Miller and Rabin with 40 random bases (FIPS 186-5, B.3.1): a composite number passes
 * with a probability below 2^-80, whoever chose it.
 */
export function isProbablePrime(value: bigint): boolean {
  if (value < 2n || value % 2n === 0n) return value === 2n
  for (const prime of SMALL_PRIMES) if (value % prime === 0n) return value === prime
  let odd = value - 1n
  let twos = 0
  for (; odd % 2n === 0n; odd /= 2n) twos++
  for (let round = 0; round < ROUNDS; round++) {
    let power = productOfPowers([[randomBelow(value - 1n), odd]], value)
    let step = 1
    for (; power !== 1n && power !== value - 1n && step < twos; step++) power = (power * power) % value
    if (power !== value - 1n && !(power === 1n && step === 1)) return false
  }
  return true
}
