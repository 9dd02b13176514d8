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

const WINDOW_BITS = 4

/**
 * The product of base^exponent modulo n, all at once: one chain of squarings, four bits of every exponent at a time.
 *
 * A negative exponent is one of the inverse; a base without an inverse is a RangeError there.
 */
export function productOfPowers(powers: readonly (readonly [bigint, bigint])[], n: bigint): bigint {
  const tables = powers
    .filter(([, exponent]) => exponent !== 0n)
    .map(([base, exponent]) => {
      const turned = exponent < 0n ? inverse(base, n) : mod(base, n)
      if (turned === undefined) throw new RangeError('a base without an inverse')
      const table = [1n]
      for (let index = 1; index < 1 << WINDOW_BITS; index++) table.push(((table[index - 1] as bigint) * turned) % n)
      return { table, digits: (exponent < 0n ? -exponent : exponent).toString(16) }
    })
  let result = 1n
  for (let place = Math.max(0, ...tables.map(({ digits }) => digits.length)); place > 0; place--) {
    if (result !== 1n) for (let bit = 0; bit < WINDOW_BITS; bit++) result = (result * result) % n
    for (const { table, digits } of tables) {
      const digit = place <= digits.length ? parseInt(digits[digits.length - place] as string, 16) : 0
      if (digit) result = (result * (table[digit] as bigint)) % n
    }
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
    const places: number[][] = Array.from({ length: 1 << DIGIT_BITS }, () => [])
    const bits = exponent.toString(2)
    for (let end = bits.length, place = 0; end > 0; end -= DIGIT_BITS, place++)
      places[parseInt(bits.slice(Math.max(0, end - DIGIT_BITS), end), 2)]?.push(place)
    // The product of p_d^d over all digits d is that of p_63, p_63 p_62, p_63 p_62 p_61, …
    let product = 1n
    let running = 1n
    for (let digit = places.length - 1; digit > 0; digit--) {
      for (const place of places[digit] as number[]) running = (running * this.#powerAt(place)) % this.#n
      if (running !== 1n) product = (product * running) % this.#n
    }
    return product
  }

  #powerAt(place: number): bigint {
    while (this.#powers.length <= place) {
      let power = this.#powers[this.#powers.length - 1] as bigint
      for (let bit = 0; bit < DIGIT_BITS; bit++) power = (power * power) % this.#n
      this.#powers.push(power)
    }
    return this.#powers[place] as bigint
  }
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
