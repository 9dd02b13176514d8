// The pairing of AnonCreds' revocation: Fp254BNb, "BN254" of AMCL (AnonCreds 1.0, Generating a Credential Definition
// With Revocation Support). A Barreto-Naehrig curve y^2 = x^3 + 2 with the parameter u = -(2^62 + 2^55 + 1), after
// Nogami et al. 2008. It is *not* the BN254 of Ethereum (alt_bn128).

import { Field } from '@noble/curves/abstract/modular.js'
import { psiFrobenius, tower12, type Fp12 as Target, type Fp2 as Element2 } from '@noble/curves/abstract/tower.js'
import { weierstrass, type WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js'
import { mod } from './arithmetic.js'
import { pairingOf, type Lines } from './bn254_pairing.js'
import { coordinates1, coordinates2, reduced1, reduced2, Sums, type Affine } from './bn254_sums.js'

/** -u: the parameter is negative. */
const X = 0x4080000000000001n
const X_BITS = 63

/** The prime of the coordinates, p(u) = 36u^4 + 36u^3 + 24u^2 + 6u + 1. */
export const P = 36n * X ** 4n - 36n * X ** 3n + 24n * X ** 2n - 6n * X + 1n

/** The order of all three groups, also a prime: n(u) = 36u^4 + 36u^3 + 18u^2 + 6u + 1. */
export const ORDER = 36n * X ** 4n - 36n * X ** 3n + 18n * X ** 2n - 6n * X + 1n

const { Fp, Fp2, Fp12 } = tower12({
  ORDER: P,
  X_LEN: X_BITS,
  FP2_NONRESIDUE: [1n, 1n],
  Fp2mulByB: (value: Element2): Element2 => Fp2.mul(value, TWIST_B),
  Fp12finalExponentiate: (value: Target): Target => value, // the pairing has its own
})
export { Fp, Fp2, Fp12 }
export type { Element2, Target }

const Fr = Field(ORDER)
const TWIST_B = Fp2.div(Fp2.create({ c0: 2n, c1: 0n }), Fp2.NONRESIDUE)

/** The first group, of the curve itself: every point on the curve is in it. */
export const G1 = weierstrass<bigint>(
  { p: P, n: ORDER, h: 1n, a: 0n, b: 2n, Gx: P - 1n, Gy: 1n },
  { Fp, Fn: Fr, allowInfinityPoint: true },
)
export type Point1 = WeierstrassPoint<bigint>

/** The second group, of the twist. Its cofactor is large: a point on the twist need not be in the group. */
export const G2 = weierstrass<Element2>(
  {
    p: Fp2.ORDER,
    n: ORDER,
    h: P + 6n * X * X,
    a: Fp2.ZERO,
    b: TWIST_B,
    Gx: Fp2.create({
      c0: 0x061a10bb519eb62feb8d8c7e8c61edb6a4648bbb4898bf0d91ee4224c803fb2bn,
      c1: 0x0516aaf9ba737833310aa78c5982aa5b1f4d746bae3784b70d8c34c1e7d54cf3n,
    }),
    Gy: Fp2.create({
      c0: 0x021897a06baf93439a90e096698c822329bd0ae6bdbe09bd19f0e07891cd2b9an,
      c1: 0x0ebb2b0e7c8b15268f6d4456f5f38d37b09006ffd739c9578a2d1aec6b3ace9bn,
    }),
  },
  { Fp: Fp2, Fn: Fr, allowInfinityPoint: true, isTorsionFree: (_, point) => isInGroup(point) },
)
export type Point2 = WeierstrassPoint<Element2>

const { psi } = psiFrobenius(Fp, Fp2, Fp2.NONRESIDUE)

/** By what psi multiplies in the second group. */
const MU = 6n * X * X
const sums1 = new Sums(coordinates1(P), 256)
const sums2 = new Sums(coordinates2(P), 128)

// Whether a point of the twist, not at infinity, is in the second group: psi multiplies it by 6 u^2 (El Housni, Guillevic and Piellard 2022).
// On the twist psi^2 - t psi + p = 0 with the trace t = 6 u^2 + 1, so for such a point (36 u^4 - 36 u^4 - 6 u^2 + p) Q = n Q is at infinity.
function isInGroup(point: Point2): boolean {
  const { x, y } = point.toAffine()
  const multiple = sums2.sparseMultiple({ x, y }, MU)
  if (!multiple) return false
  const { x: x1, y: y1 } = reduced2(multiple, P)
  const [x2, y2] = psi(x, y)
  return Fp2.eql(x1, x2) && Fp2.eql(y1, y2)
}

const pairing = pairingOf({
  p: P,
  x: X,
  root: Fp2.pow(Fp2.NONRESIDUE, (P - 1n) / 6n),
  sums2,
  psi: ({ x, y }) => {
    const [x1, y1] = psi(Fp2.create(x), Fp2.create(y))
    return { x: x1, y: y1 }
  },
})

/** The product of the pairings of points. A pair with the point at infinity counts as one. */
export function productOfPairings(...pairs: [Point1, Point2][]): Target {
  const finite = pairs.filter(([g1, g2]) => !g1.is0() && !g2.is0())
  if (finite.length === 0) return Fp12.ONE
  const [f0, f1, f2, f3, f4, f5] = pairing.product(
    finite.map(([g1, g2]) => {
      g1.assertValidity()
      g2.assertValidity()
      return [g1.toAffine(), linesOf(g2)]
    }),
  )
  return { c0: { c0: f0, c1: f2, c2: f4 }, c1: { c0: f1, c1: f3, c2: f5 } }
}

// A point of the second group is paired several times: what is the same each time is computed once.
const lines = new WeakMap<Point2, Lines>()

function linesOf(point: Point2): Lines {
  const known = lines.get(point) ?? pairing.lines(point.toAffine())
  lines.set(point, known)
  return known
}

const places1 = new WeakMap<Point1, Affine<bigint>[]>()
const places2 = new WeakMap<Point2, readonly [Affine<Element2>[], Affine<Element2>[]]>()

/** The sum of points of the first group, each times a scalar of any sign and size. What is computed of a point is remembered with it. */
export function sumOfMultiples1(...terms: [Point1, bigint][]): Point1 {
  const told = terms.filter(([point]) => !point.is0()).map(([point, scalar]): [Affine<bigint>[], bigint] => [placesOf1(point), mod(scalar, ORDER)])
  const sum = sums1.sum(told)
  if (!sum) return G1.ZERO
  const { x, y } = reduced1(sum, P)
  return new G1(x, y, Fp.ONE)
}

/** The same for one point of the second group, which must be in it. */
export function multiple2(point: Point2, scalar: bigint): Point2 {
  if (point.is0()) return G2.ZERO
  const places = placesOf2(point)
  const factor = mod(scalar, ORDER)
  const sum = sums2.sum([[places[0], factor % MU], [places[1], factor / MU]])
  if (!sum) return G2.ZERO
  const { x, y } = reduced2(sum, P)
  return new G2(x, y, Fp2.ONE)
}

/** Compute now what multiples and pairings of points will want. */
export function prepare({ multiplied = [], multiplied2 = [], paired = [] }: { multiplied?: readonly Point1[]; multiplied2?: readonly Point2[]; paired?: readonly Point2[] }): void {
  multiplied.filter((point) => !point.is0()).forEach(placesOf1)
  multiplied2.filter((point) => !point.is0()).forEach(placesOf2)
  paired.filter((point) => !point.is0()).forEach(linesOf)
}

function placesOf1(point: Point1): Affine<bigint>[] {
  const places = places1.get(point) ?? sums1.places(point.toAffine())
  places1.set(point, places)
  return places
}

function placesOf2(point: Point2): readonly [Affine<Element2>[], Affine<Element2>[]] {
  let places = places2.get(point)
  if (!places) {
    const own = sums2.places(point.toAffine()).map((place) => reduced2(place, P))
    places = [own, own.map(({ x, y }) => psi(x, y)).map(([x, y]) => ({ x, y }))]
    places2.set(point, places)
  }
  return places
}

/** The point by its own coordinates: whoever asks for them again divides no more. */
export function normal1(point: Point1): Point1 {
  return G1.fromAffine(point.toAffine())
}

export function normal2(point: Point2): Point2 {
  return G2.fromAffine(point.toAffine())
}

/** A point times a scalar of any sign and size. */
export function times<Point extends Point1 | Point2>(point: Point, scalar: bigint): Point {
  return point.multiplyUnsafe(mod(scalar, ORDER)) as Point
}
