// How AMCL writes scalars, points and pairings: as texts in JSON, and as bytes where they are hashed. No specification has
// this; what is here is what the library `anoncreds` reads and writes.
//
// A coordinate in a text is "x h": h is the hexadecimal Montgomery residue modulo p with R = 2^280, not always reduced (five limbs of 56 bits),
// and x says how far it may be above p. Points are projective: X, Y and Z.

import { concat, padded, to32Bytes } from './bytes.js'
import { Fp, Fp2, G1, G2, ORDER, type Element2, type Point1, type Point2, type Target } from './bn254.js'
import { MalformedError } from './errors.js'
import type { Received } from './received.js'

const R = Fp.create(1n << 280n)
const INVERSE_OF_R = Fp.inv(R)
const COORDINATE = /^[0-9]{1,10} [0-9A-Fa-f]{1,70}$/
const LONGEST_TEXT = 12 * 82

/** A scalar of the groups' order. */
export function readScalar(received: Received): bigint {
  const value = received.hexadecimal()
  if (value >= ORDER) throw new MalformedError(received.path, "a number below the group's order")
  return value
}

export function writeScalar(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(64, '0')
}

/** A point of the first group, not the one at infinity. */
export function readPoint1(received: Received): Point1 {
  const [x, y, z] = coordinates(received, 3) as [bigint, bigint, bigint]
  if (z === 0n) throw new MalformedError(received.path, 'a point that is not at infinity')
  return checked(received, () => new G1(x, y, z))
}

/** A point of the second group. The subgroup is checked: the twist has points outside it. */
export function readPoint2(received: Received, { orInfinity = false } = {}): Point2 {
  const [x0, x1, y0, y1, z0, z1] = coordinates(received, 6) as [bigint, bigint, bigint, bigint, bigint, bigint]
  if (z0 === 0n && z1 === 0n) {
    if (!orInfinity) throw new MalformedError(received.path, 'a point that is not at infinity')
    return G2.ZERO
  }
  return checked(received, () => new G2(pair(x0, x1), pair(y0, y1), pair(z0, z1)))
}

/** An element of the target group, as it stands there: it counts only by being equal to a pairing. */
export function readTarget(received: Received): Target {
  const values = coordinates(received, 12)
  const [a, d, e, c, b, f] = [0, 2, 4, 6, 8, 10].map((at) => pair(values[at] as bigint, values[at + 1] as bigint)) as [
    Element2, Element2, Element2, Element2, Element2, Element2,
  ]
  return { c0: { c0: a, c1: b, c2: c }, c1: { c0: e, c1: d, c2: f } }
}

export function writePoint1(point: Point1): string {
  const { x, y } = point.toAffine()
  return [x, y, 1n].map(residue).join(' ')
}

export function writePoint2(point: Point2): string {
  const { x, y } = point.is0() ? { x: Fp2.ZERO, y: Fp2.ONE } : point.toAffine()
  const z = point.is0() ? 0n : 1n
  return [x.c0, x.c1, y.c0, y.c1, z, 0n].map(residue).join(' ')
}

/** 128 bytes: 4, x, y, then zeros. */
export function hashedPoint1(point: Point1): Uint8Array {
  const { x, y } = point.toAffine()
  return padded(concat(Uint8Array.of(4), to32Bytes(x), to32Bytes(y)), 128)
}

/** 128 bytes: both parts of x and of y. */
export function hashedPoint2(point: Point2): Uint8Array {
  const { x, y } = point.toAffine()
  return concat(...[x.c0, x.c1, y.c0, y.c1].map(to32Bytes))
}

/** 512 bytes: twelve numbers, then zeros. */
export function hashedTarget({ c0, c1 }: Target): Uint8Array {
  const parts = [c0.c0, c1.c1, c1.c0, c0.c2, c0.c1, c1.c2]
  return padded(concat(...parts.flatMap((part) => [to32Bytes(part.c0), to32Bytes(part.c1)])), 512)
}

/** What the 128 bytes of a tail say: whether it is a point of the second group is not checked. Throws an Error where y is 0. */
export function unverifiedTail(bytes: Uint8Array): Point2 {
  const number = (index: number): bigint => {
    let value = 0n
    for (const byte of bytes.subarray(32 * index, 32 * index + 32)) value = (value << 8n) | BigInt(byte)
    return value
  }
  const [x0, x1, y0, y1] = [0, 1, 2, 3].map(number) as [bigint, bigint, bigint, bigint]
  return new G2(pair(x0, x1), pair(y0, y1), Fp2.ONE)
}

function coordinates(received: Received, count: number): bigint[] {
  const words = received.text(LONGEST_TEXT).trim().split(/ +/)
  if (words.length !== 2 * count) throw new MalformedError(received.path, `${count} coordinates`)
  return Array.from({ length: count }, (_, index) => {
    if (!COORDINATE.test(`${words[2 * index]} ${words[2 * index + 1]}`))
      throw new MalformedError(received.path, 'coordinates of at most 280 bits')
    return Fp.mul(Fp.create(BigInt(`0x${words[2 * index + 1]}`)), INVERSE_OF_R)
  })
}

function checked<Point extends Point1 | Point2>(received: Received, make: () => Point): Point {
  try {
    const point = make() // which throws where y is 0
    point.assertValidity()
    return point
  } catch {
    throw new MalformedError(received.path, 'a point of the curve, in its group of prime order')
  }
}

function residue(value: bigint): string {
  return `1 ${writeScalar(Fp.mul(value, R))}`
}

function pair(c0: bigint, c1: bigint): Element2 {
  return Fp2.create({ c0, c1 })
}
