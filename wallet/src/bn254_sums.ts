// Sums of multiples of points of BN254, fast: proofs need some thirty multiples of a handful of points.
//
// 1. Of a point that is used, its multiples by 32^i are computed once. A sum of multiples of several points is then one of such points, by
//    digits from -15 to 16 (Brickell, Gordon, McCurley and Wilson 1992), without doublings.
// 2. In the second group, psi (Frobenius on the twist) multiplies by 6 u^2, of half the order's bits: only half of the multiples are needed
//    (Galbraith, Lin and Scott 2009).
// 3. Points are Jacobian (X / Z^2, Y / Z^3), coordinates are reduced where they were multiplied and otherwise not: they may be negative.
//
// Like all of BigInt it is not constant-time: adr/0068.

import { inverse, mod } from './arithmetic.js'

/** What a curve y^2 = x^3 + b is over. Sums are not reduced, products are. */
export interface Coordinates<T> {
  readonly zero: T
  readonly one: T
  add(a: T, b: T): T
  sub(a: T, b: T): T
  scale(a: T, factor: bigint): T
  mul(a: T, b: T): T
  sqr(a: T): T
  isZero(a: T): boolean
  /** The inverse of what is not zero. */
  invert(a: T): T
}

export interface Affine<T> {
  readonly x: T
  readonly y: T
}

/** undefined: the point at infinity. */
type Jacobian<T> = { readonly x: T; readonly y: T; readonly z: T } | undefined

const DIGIT_BITS = 5
const HALF = 1 << (DIGIT_BITS - 1)

/** The coordinates of the first group. */
export function coordinates1(p: bigint): Coordinates<bigint> {
  return {
    zero: 0n,
    one: 1n,
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    scale: (a, factor) => a * factor,
    mul: (a, b) => (a * b) % p,
    sqr: (a) => (a * a) % p,
    isZero: (a) => a % p === 0n,
    invert: (a) => inverse(a, p) as bigint,
  }
}

export interface Pair {
  readonly c0: bigint
  readonly c1: bigint
}

/** The coordinates of the second group: c0 + c1 i with i^2 = -1. */
export function coordinates2(p: bigint): Coordinates<Pair> {
  return {
    zero: { c0: 0n, c1: 0n },
    one: { c0: 1n, c1: 0n },
    add: (a, b) => ({ c0: a.c0 + b.c0, c1: a.c1 + b.c1 }),
    sub: (a, b) => ({ c0: a.c0 - b.c0, c1: a.c1 - b.c1 }),
    scale: (a, factor) => ({ c0: a.c0 * factor, c1: a.c1 * factor }),
    mul: (a, b) => ({ c0: (a.c0 * b.c0 - a.c1 * b.c1) % p, c1: (a.c0 * b.c1 + a.c1 * b.c0) % p }),
    sqr: (a) => ({ c0: ((a.c0 + a.c1) * (a.c0 - a.c1)) % p, c1: (2n * a.c0 * a.c1) % p }),
    isZero: (a) => a.c0 % p === 0n && a.c1 % p === 0n,
    invert: (a) => {
      const norm = inverse(a.c0 * a.c0 + a.c1 * a.c1, p) as bigint
      return { c0: (a.c0 * norm) % p, c1: (-a.c1 * norm) % p }
    },
  }
}

/** The arithmetic of a curve's points. */
export class Sums<T> {
  readonly #field: Coordinates<T>
  readonly #bits: number

  /** @param bits how many bits the factors have */
  constructor(field: Coordinates<T>, bits: number) {
    this.#field = field
    this.#bits = bits
  }

  /** The multiples of a point by 32^i (1). The point is not at infinity, and its order is an odd prime. */
  places({ x, y }: Affine<T>): Affine<T>[] {
    let place: Jacobian<T> = { x, y, z: this.#field.one }
    const places = [place]
    for (let bits = 0; bits < this.#bits; bits += DIGIT_BITS) {
      for (let bit = 0; bit < DIGIT_BITS; bit++) place = this.#double(place)
      places.push(place as Exclude<Jacobian<T>, undefined>)
    }
    return this.#affine(places)
  }

  /** The sum of points, each with a factor that is not negative; undefined: the point at infinity. */
  sum(terms: readonly (readonly [places: readonly Affine<T>[], factor: bigint])[]): Affine<T> | undefined {
    const buckets: Jacobian<T>[] = new Array<Jacobian<T>>(HALF + 1).fill(undefined)
    for (const [places, factor] of terms) {
      let carry = 0
      let rest = factor
      for (let at = 0; rest !== 0n || carry; at++, rest >>= BigInt(DIGIT_BITS)) {
        const digit = Number(BigInt.asUintN(DIGIT_BITS, rest)) + carry
        carry = digit > HALF ? 1 : 0
        const signed = carry ? digit - 2 * HALF : digit
        const place = places[at]
        if (!place) throw new RangeError('a factor of too many bits')
        if (signed) buckets[Math.abs(signed)] = this.#addAffine(buckets[Math.abs(signed)], place, signed < 0)
      }
    }
    // The sum of d B_d over all digits d is that of B_16, B_16 + B_15, …
    let running: Jacobian<T>
    let sum: Jacobian<T>
    for (let digit = HALF; digit > 0; digit--) {
      running = this.#add(running, buckets[digit])
      sum = this.#add(sum, running)
    }
    return sum && (this.#affine([sum])[0] as Affine<T>)
  }

  /** A multiple of any point of the curve, by a factor above zero with few bits set. */
  sparseMultiple({ x, y }: Affine<T>, factor: bigint): Affine<T> | undefined {
    let multiple: Jacobian<T>
    for (const bit of factor.toString(2)) {
      multiple = this.#double(multiple)
      if (bit === '1') multiple = this.#addAffine(multiple, { x, y }, false)
    }
    return multiple && (this.#affine([multiple])[0] as Affine<T>)
  }

  /** Where a chain of steps from a point comes by, each place as it is before its step. A step adds a point; undefined: it doubles. */
  chain({ x, y }: Affine<T>, steps: readonly (Affine<T> | undefined)[]): Affine<T>[] {
    let place: Jacobian<T> = { x, y, z: this.#field.one }
    const places = steps.map((added) => {
      if (!place) throw new RangeError('a chain that comes to infinity')
      const before = place
      place = added ? this.#addAffine(before, added, false) : this.#double(before)
      return before
    })
    return this.#affine(places)
  }

  // dbl-2009-l of the Explicit-Formulas Database.
  #double(point: Jacobian<T>): Jacobian<T> {
    if (!point || this.#field.isZero(point.y)) return undefined
    const { mul, sqr, sub, add, scale } = this.#field
    const { x, y, z } = point
    const a = sqr(x)
    const b = sqr(y)
    const c = sqr(b)
    const d = scale(sub(sub(sqr(add(x, b)), a), c), 2n)
    const e = scale(a, 3n)
    const x3 = sub(sqr(e), scale(d, 2n))
    return { x: x3, y: sub(mul(e, sub(d, x3)), scale(c, 8n)), z: mul(scale(y, 2n), z) }
  }

  #addAffine(point: Jacobian<T>, { x, y }: Affine<T>, isNegative: boolean): Jacobian<T> {
    const { mul, sqr, sub, scale, one } = this.#field
    const y2 = isNegative ? scale(y, -1n) : y
    if (!point) return { x, y: y2, z: one }
    const zz = sqr(point.z)
    return this.#sum(point.x, point.y, sub(mul(x, zz), point.x), sub(mul(y2, mul(zz, point.z)), point.y), point, point.z)
  }

  #add(one: Jacobian<T>, two: Jacobian<T>): Jacobian<T> {
    if (!one || !two) return one ?? two
    const { mul, sqr, sub } = this.#field
    const [zz1, zz2] = [sqr(one.z), sqr(two.z)]
    const u1 = mul(one.x, zz2)
    const s1 = mul(one.y, mul(zz2, two.z))
    return this.#sum(u1, s1, sub(mul(two.x, zz1), u1), sub(mul(two.y, mul(zz1, one.z)), s1), one, mul(one.z, two.z))
  }

  // What both additions end with: h and r are the differences of x and y over one denominator.
  #sum(u1: T, s1: T, h: T, r: T, one: Jacobian<T>, z: T): Jacobian<T> {
    const { mul, sqr, sub, scale, isZero } = this.#field
    if (isZero(h)) return isZero(r) ? this.#double(one) : undefined
    const hh = sqr(h)
    const hhh = mul(h, hh)
    const v = mul(u1, hh)
    const x = sub(sub(sqr(r), hhh), scale(v, 2n))
    return { x, y: sub(mul(r, sub(v, x)), mul(s1, hhh)), z: mul(z, h) }
  }

  // All of them with one inverse (Montgomery's trick). None is at infinity.
  #affine(points: readonly Exclude<Jacobian<T>, undefined>[]): Affine<T>[] {
    const { mul, sqr, invert, one } = this.#field
    const products: T[] = []
    let product = one
    for (const { z } of points) {
      products.push(product)
      product = mul(product, z)
    }
    let inverted = invert(product)
    const affine: Affine<T>[] = []
    for (let index = points.length - 1; index >= 0; index--) {
      const { x, y, z } = points[index] as Exclude<Jacobian<T>, undefined>
      const own = mul(inverted, products[index] as T)
      inverted = mul(inverted, z)
      const square = sqr(own)
      affine.push({ x: mul(x, square), y: mul(y, mul(square, own)) })
    }
    return affine.reverse()
  }
}

/** Numbers from 0 to p - 1. */
export function reduced1({ x, y }: Affine<bigint>, p: bigint): Affine<bigint> {
  return { x: mod(x, p), y: mod(y, p) }
}

export function reduced2({ x, y }: Affine<Pair>, p: bigint): Affine<Pair> {
  return { x: { c0: mod(x.c0, p), c1: mod(x.c1, p) }, y: { c0: mod(y.c0, p), c1: mod(y.c1, p) } }
}
