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

/** A base whose first odd powers modulo n are kept, for `productOfPowers`. */
export class KeptBase {
  readonly n: bigint
  readonly odd: (bigint | undefined)[]

  constructor(base: bigint, n: bigint) {
    this.n = n
    this.odd = [mod(base, n)]
  }
}

/**
 * The product of base^exponent modulo n, all at once: one chain of squarings, up to five bits of an exponent at a time (of a kept base
 * six), of which the lowest is one (sliding windows).
 *
 * A negative exponent is one of the inverse; a base without an inverse is a RangeError there.
 */
export function productOfPowers(powers: readonly (readonly [bigint | KeptBase, bigint])[], n: bigint): bigint {
  const factors: bigint[][] = [] // by place: what the result is multiplied by there
  for (const [base, exponent] of powers) {
    if (exponent === 0n) continue
    const isKept = typeof base !== 'bigint'
    if (isKept && (base.n !== n || exponent < 0n)) throw new RangeError('a base that is kept for another n, or a negative exponent')
    const odd = isKept ? base.odd : [exponent < 0n ? inverse(base, n) : mod(base, n)] // base^1, base^3, …
    const turned = odd[0]
    if (turned === undefined) throw new RangeError('a base without an inverse')
    const bits = (exponent < 0n ? -exponent : exponent).toString(2)
    const window = bits.length > 200 ? (isKept ? 6 : 5) : bits.length > 60 ? 4 : bits.length > 8 ? 3 : 1
    for (let end = bits.length; end > 0; ) {
      if (bits[end - 1] === '0') {
        end--
        continue
      }
      const digit = parseInt(bits.slice(Math.max(0, end - window), end), 2)
      const most = 1 << (window - 1)
      if (odd.length < most && digit > 1) {
        const square = (turned * turned) % n
        for (let index = odd.length; index < most; index++) odd.push(((odd[index - 1] as bigint) * square) % n)
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
/** A block of an exponent, and how many blocks a table is for. */
const BLOCK_DIGITS = 9
const BLOCK_BITS = BLOCK_DIGITS * DIGIT_BITS
const ROWS = 8
/** Tables are worth their price once a base is used so often. */
const FEW_USES = 2

/**
 * A base that is raised to many powers modulo one n.
 *
 * 1. Its powers base^(64^i) are computed once, as far as they are needed (Brickell, Gordon, McCurley and Wilson 1992). A power is then a
 *    product of some of them, without squarings.
 * 2. Of a base that is used again and again also the products of its powers base^(2^(54 i)), eight at a time. An exponent is cut into blocks of
 *    54 bits, and one bit of eight blocks is one factor; 54 squarings are for all of them (Lim and Lee 1994).
 */
export class FixedBase {
  readonly #n: bigint
  readonly #powers: bigint[]
  readonly #tables: bigint[][] = []
  #uses = 0

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

  /** Whether tables are to be used (2). Told once a use. */
  isUsedOften(): boolean {
    return ++this.#uses > FEW_USES
  }

  /** Compute the powers that an exponent of so many bits wants. */
  prepare(bits: number): void {
    this.powerAt(Math.ceil(bits / DIGIT_BITS) - 1)
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

  /** The product of base^(2^(54 (8 index + row))) over the rows that are set in a mask. */
  productAt(index: number, mask: number): bigint {
    const table = (this.#tables[index] ??= [1n])
    while (table.length <= mask) {
      const row = 31 - Math.clz32(table.length)
      const power = this.powerAt(BLOCK_DIGITS * (ROWS * index + row))
      for (let rest = 0, most = 1 << row; rest < most; rest++) table.push(((table[rest] as bigint) * power) % this.#n)
    }
    return table[mask] as bigint
  }
}

/** The product of powers of fixed bases of one n, at the price of little more than the longest of them. No exponent is negative. */
export function productOfFixedPowers(terms: readonly (readonly [FixedBase, bigint])[]): bigint {
  const n = terms[0]?.[0].n ?? 1n
  const factors: bigint[][] = Array.from({ length: 1 << DIGIT_BITS }, () => []) // by digit
  const columns: bigint[][] = Array.from({ length: BLOCK_BITS }, () => []) // by bit of a block
  for (const [base, exponent] of terms) {
    const bits = exponent.toString(2)
    if (base.isUsedOften()) {
      for (let bit = 0; bit < BLOCK_BITS; bit++)
        for (let index = 0, end = bits.length - bit; end > 0; index++) {
          let mask = 0
          for (let row = 0; row < ROWS; row++, end -= BLOCK_BITS) if (bits[end - 1] === '1') mask |= 1 << row
          if (mask) columns[bit]?.push(base.productAt(index, mask))
        }
    } else
      for (let end = bits.length, place = 0; end > 0; end -= DIGIT_BITS, place++) {
        const digit = parseInt(bits.slice(Math.max(0, end - DIGIT_BITS), end), 2)
        if (digit) factors[digit]?.push(base.powerAt(place))
      }
  }
  let product = 1n
  for (let bit = BLOCK_BITS - 1; bit >= 0; bit--) {
    if (product !== 1n) product = (product * product) % n
    for (const factor of columns[bit] as bigint[]) product = (product * factor) % n
  }
  // The product of p_d^d over all digits d is that of p_63, p_63 p_62, p_63 p_62 p_61, …
  let running = 1n
  for (let digit = factors.length - 1; digit > 0; digit--) {
    for (const factor of factors[digit] as bigint[]) running = (running * factor) % n
    if (running !== 1n) product = (product * running) % n
  }
  return product % n
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
