// The optimal ate pairing of BN254 (Vercauteren 2010), with few divisions: sums of products are reduced, not each product.
//
// 1. An element of the target group is six pairs f_0 … f_5, sum f_i w^i with w^6 = 1 + i. Parts may be negative and are below a few p.
// 2. Of a point of the second group its lines are computed once: all the places of the Miller loop's point with one inverse, all slopes
//    with another. A line through T with the slope s is, at P, y_P - s x_P w + (s x_T - y_T) w^3. Divided by y_P, which the final
//    exponentiation takes out again, its first coefficient is one.
// 3. The final exponentiation's easy part is by Frobenius; then the hard part of Scott et al. 2009, section 5, with squarings for
//    elements of norm one (Granger and Scott 2010).
//
// It is compared with the pairing of @noble/curves (`tests/unit/wallet/test_arithmetic.py`). As all of BigInt it is not constant-time: adr/0068.

import { inverse, mod } from './arithmetic.js'
import { coordinates2, type Affine, type Pair, type Sums } from './bn254_sums.js'

/** An element of the target group (1). */
export type Element12 = readonly [Pair, Pair, Pair, Pair, Pair, Pair]

/** The lines of a point of the second group, one for each step of the loop (2): what stands with x_P / y_P and with 1 / y_P. */
export type Lines = readonly (readonly [slope: Pair, offset: Pair])[]

export interface Pairing {
  /** The lines of a point of the second group, which must be in it. */
  lines(point: Affine<Pair>): Lines
  /** The product of the pairings of points, none of which is at infinity. Its parts are from 0 to p - 1. */
  product(pairs: readonly (readonly [Affine<bigint>, Lines])[]): Element12
}

interface Curve {
  readonly p: bigint
  /** The parameter's absolute value; it is negative. */
  readonly x: bigint
  /** (1 + i)^((p - 1) / 6) */
  readonly root: Pair
  readonly sums2: Sums<Pair>
  readonly psi: (point: Affine<Pair>) => Affine<Pair>
}

export function pairingOf({ p, x, root, sums2, psi }: Curve): Pairing {
  const { mul, sub, add, scale, invert, one, zero } = coordinates2(p)
  const loop = (6n * x - 2n).toString(2).slice(1)
  const bitsOfX = x.toString(2).slice(1)
  const roots = [one]
  for (let index = 1; index < 6; index++) roots.push(mul(roots[index - 1] as Pair, root))

  const lines = (point: Affine<Pair>): Lines => {
    const first = psi(point)
    const second = psi(first)
    // For a negative parameter the two last additions are of -psi(Q) and of psi^2(Q).
    const adds: (Affine<Pair> | undefined)[] = []
    for (const bit of loop) adds.push(undefined, ...(bit === '1' ? [point] : []))
    adds.push({ x: first.x, y: scale(first.y, -1n) }, second)
    const places = sums2.chain(point, adds)
    const slopes = quotients(
      places.map(({ x, y }, step) => {
        const added = adds[step]
        return added ? [sub(added.y, y), sub(added.x, x)] : [scale(mul(x, x), 3n), scale(y, 2n)]
      }),
    )
    return places.map(({ x, y }, step) => {
      const slope = slopes[step] as Pair
      return [scale(slope, -1n), sub(mul(slope, x), y)]
    })
  }

  // All of them with one inverse (Montgomery's trick).
  const quotients = (terms: readonly (readonly [Pair, Pair])[]): Pair[] => {
    const products: Pair[] = []
    let product = one
    for (const [, divisor] of terms) {
      products.push(product)
      product = mul(product, divisor)
    }
    let inverted = invert(product)
    const found: Pair[] = []
    for (let index = terms.length - 1; index >= 0; index--) {
      const [dividend, divisor] = terms[index] as readonly [Pair, Pair]
      found.push(mul(dividend, mul(inverted, products[index] as Pair)))
      inverted = mul(inverted, divisor)
    }
    return found.reverse()
  }

  const product = (pairs: readonly (readonly [Affine<bigint>, Lines])[]): Element12 => {
    const told = pairs.map(([{ x, y }, lines]) => {
      const inverted = inverse(y, p) as bigint
      return { lines, ratio: (x * inverted) % p, inverted }
    })
    let f: Element12 = [one, zero, zero, zero, zero, zero]
    let step = 0
    const addLines = (): void => {
      for (const { lines, ratio, inverted } of told) {
        const [slope, offset] = lines[step] as Lines[number]
        f = timesLine(f, { c0: (slope.c0 * ratio) % p, c1: (slope.c1 * ratio) % p }, { c0: (offset.c0 * inverted) % p, c1: (offset.c1 * inverted) % p })
      }
      step++
    }
    for (const bit of loop) {
      f = squared(f)
      addLines()
      if (bit === '1') addLines()
    }
    addLines()
    addLines()
    return canonical(finalExponentiation(conjugate(f)))
  }

  const timesXi = ({ c0, c1 }: Pair): Pair => ({ c0: c0 - c1, c1: c0 + c1 })
  const reduced = ({ c0, c1 }: Pair): Pair => ({ c0: c0 % p, c1: c1 % p })

  // f (1 + a w + b w^3)
  const timesLine = ([f0, f1, f2, f3, f4, f5]: Element12, a: Pair, b: Pair): Element12 => {
    const [x3, x4, x5] = [timesXi(f3), timesXi(f4), timesXi(f5)]
    const part = (f: Pair, g: Pair, h: Pair): Pair => ({
      c0: (f.c0 + a.c0 * g.c0 - a.c1 * g.c1 + b.c0 * h.c0 - b.c1 * h.c1) % p,
      c1: (f.c1 + a.c0 * g.c1 + a.c1 * g.c0 + b.c0 * h.c1 + b.c1 * h.c0) % p,
    })
    return [part(f0, x5, x3), part(f1, f0, x4), part(f2, f1, x5), part(f3, f2, f0), part(f4, f3, f1), part(f5, f4, f2)]
  }

  // The sum of three products, not reduced.
  const three = (a: Pair, b: Pair, c: Pair, d: Pair, e: Pair, f: Pair): Pair => ({
    c0: a.c0 * b.c0 - a.c1 * b.c1 + c.c0 * d.c0 - c.c1 * d.c1 + e.c0 * f.c0 - e.c1 * f.c1,
    c1: a.c0 * b.c1 + a.c1 * b.c0 + c.c0 * d.c1 + c.c1 * d.c0 + e.c0 * f.c1 + e.c1 * f.c0,
  })

  // (a0 + a1 v + a2 v^2) (b0 + b1 v + b2 v^2) with v = w^2, not reduced.
  type Element6 = readonly [Pair, Pair, Pair]
  const product6 = ([a0, a1, a2]: Element6, [b0, b1, b2]: Element6): Element6 => {
    const [x1, x2] = [timesXi(b1), timesXi(b2)]
    return [three(a0, b0, a1, x2, a2, x1), three(a0, b1, a1, b0, a2, x2), three(a0, b2, a1, b1, a2, b0)]
  }
  const add6 = ([a0, a1, a2]: Element6, [b0, b1, b2]: Element6): Element6 => [add(a0, b0), add(a1, b1), add(a2, b2)]
  const sub6 = ([a0, a1, a2]: Element6, [b0, b1, b2]: Element6): Element6 => [sub(a0, b0), sub(a1, b1), sub(a2, b2)]
  const timesV = ([a0, a1, a2]: Element6): Element6 => [timesXi(a2), a0, a1]
  const joined = ([a0, a1, a2]: Element6, [b0, b1, b2]: Element6): Element12 => [
    reduced(a0), reduced(b0), reduced(a1), reduced(b1), reduced(a2), reduced(b2),
  ]

  const product12 = (f: Element12, g: Element12): Element12 => {
    const [a, b, c, d]: [Element6, Element6, Element6, Element6] = [[f[0], f[2], f[4]], [f[1], f[3], f[5]], [g[0], g[2], g[4]], [g[1], g[3], g[5]]]
    const [ac, bd] = [product6(a, c), product6(b, d)]
    return joined(add6(ac, timesV(bd)), sub6(sub6(product6(add6(a, b), add6(c, d)), ac), bd))
  }

  const squared = (f: Element12): Element12 => {
    const [a, b]: [Element6, Element6] = [[f[0], f[2], f[4]], [f[1], f[3], f[5]]]
    const ab = product6(a, b)
    return joined(sub6(sub6(product6(add6(a, b), add6(a, timesV(b))), ab), timesV(ab)), add6(ab, ab))
  }

  // Of an element of norm one: a_i = f_i + f_(i+3) w^3 are three elements of a field in which w^6 = 1 + i.
  const unitarySquared = ([f0, f1, f2, f3, f4, f5]: Element12): Element12 => {
    const square = (a: Pair, b: Pair): readonly [Pair, Pair] => {
      const x = (b.c0 + b.c1) * (b.c0 - b.c1)
      const y = 2n * b.c0 * b.c1
      return [
        { c0: ((a.c0 + a.c1) * (a.c0 - a.c1) + x - y) % p, c1: (2n * a.c0 * a.c1 + x + y) % p },
        { c0: (2n * (a.c0 * b.c0 - a.c1 * b.c1)) % p, c1: (2n * (a.c0 * b.c1 + a.c1 * b.c0)) % p },
      ]
    }
    const minus = (t: Pair, f: Pair): Pair => ({ c0: (3n * t.c0 - 2n * f.c0) % p, c1: (3n * t.c1 - 2n * f.c1) % p })
    const plus = (t: Pair, f: Pair): Pair => ({ c0: (3n * t.c0 + 2n * f.c0) % p, c1: (3n * t.c1 + 2n * f.c1) % p })
    const [t0, t3] = square(f0, f3)
    const [t2, t5] = square(f1, f4)
    const [t4, t1] = square(f2, f5)
    return [minus(t0, f0), plus(timesXi(t1), f1), minus(t2, f2), plus(t3, f3), minus(t4, f4), plus(t5, f5)]
  }

  const conjugate = ([f0, f1, f2, f3, f4, f5]: Element12): Element12 => [f0, scale(f1, -1n), f2, scale(f3, -1n), f4, scale(f5, -1n)]

  const frobenius = (f: Element12, times: number): Element12 => {
    const turned = f.map((part, index) => mul({ c0: part.c0, c1: -part.c1 }, roots[index] as Pair)) as unknown as Element12
    return times > 1 ? frobenius(turned, times - 1) : turned
  }

  // The norm to the field of w^2, then to that of i.
  const inverted12 = (f: Element12): Element12 => {
    const [a, b]: [Element6, Element6] = [[f[0], f[2], f[4]], [f[1], f[3], f[5]]]
    const [n0, n1, n2] = sub6(product6(a, a), timesV(product6(b, b))).map(reduced) as unknown as Element6
    const t0 = sub(mul(n0, n0), timesXi(mul(n1, n2)))
    const t1 = sub(timesXi(mul(n2, n2)), mul(n0, n1))
    const t2 = sub(mul(n1, n1), mul(n0, n2))
    const norm = invert(reduced(three(n0, t0, timesXi(n2), t1, timesXi(n1), t2)))
    const turned: Element6 = [mul(t0, norm), mul(t1, norm), mul(t2, norm)]
    return conjugate(joined(product6(a, turned), product6(b, turned)))
  }

  const power = (f: Element12): Element12 => {
    let result = f
    for (const bit of bitsOfX) {
      result = unitarySquared(result)
      if (bit === '1') result = product12(result, f)
    }
    return result
  }

  // 3: y0 y1^2 y2^6 y3^12 y4^18 y5^30 y6^36.
  const finalExponentiation = (value: Element12): Element12 => {
    const products = (...factors: Element12[]): Element12 => factors.reduce(product12)
    const unitary = product12(conjugate(value), inverted12(value))
    const f = product12(frobenius(unitary, 2), unitary)

    const fx = power(f)
    const fx2 = power(fx)
    const fx3 = power(fx2)
    const y0 = products(frobenius(f, 1), frobenius(f, 2), frobenius(f, 3))
    const y1 = conjugate(f)
    const y2 = frobenius(fx2, 2)
    const y3 = frobenius(fx, 1)
    const y4 = product12(fx, conjugate(frobenius(fx2, 1)))
    const y5 = conjugate(fx2)
    const y6 = product12(fx3, frobenius(fx3, 1))

    const a = products(unitarySquared(y6), y4, y5) // y4 y5 y6^2
    const b = unitarySquared(product12(unitarySquared(products(y3, y5, a)), product12(a, y2))) // y2^2 y3^4 y4^6 y5^10 y6^12
    return product12(unitarySquared(product12(b, y1)), product12(b, y0))
  }

  const canonical = (f: Element12): Element12 => f.map(({ c0, c1 }) => ({ c0: mod(c0, p), c1: mod(c1, p) })) as unknown as Element12

  return { lines, product }
}
