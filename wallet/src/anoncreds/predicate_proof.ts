// The proof that a number in a credential is above or below another one (AnonCreds 1.0, Generate the Presentation):
// the difference is not negative, since it is a sum of four squares.

import { inverse, productOfFixedPowers } from '../arithmetic.js'
import { toBytes } from '../bytes.js'
import { CannotProveError } from '../errors.js'
import { randomBits } from '../random.js'
import { comparable } from './attributes.js'
import type { PrimaryKey } from './credential_definition.js'
import { ALPHA_TILDE, BLINDING, BLINDING_TILDE, ROOT_TILDE } from './parameters.js'
import type { Comparison, RequestedPredicate } from './presentation_request.js'

/** A predicate of one sub-proof, by the attribute's key name. */
export interface Predicate {
  readonly name: string
  readonly comparison: Comparison
  readonly value: number
}

/** What goes into the challenge, and what comes of it. */
export interface PredicateCommitment {
  readonly t: readonly Uint8Array[]
  readonly c: readonly Uint8Array[]
  /** The proof for a challenge and the response for the attribute. Only once: two would tell the secrets. */
  respond(challenge: bigint, attributeResponse: bigint): object
}

const COMPARISONS: Record<Comparison, { type: string; isLess: boolean; delta: (value: number, bound: number) => number }> = {
  '>=': { type: 'GE', isLess: false, delta: (value, bound) => value - bound },
  '>': { type: 'GT', isLess: false, delta: (value, bound) => value - bound - 1 },
  '<=': { type: 'LE', isLess: true, delta: (value, bound) => bound - value },
  '<': { type: 'LT', isLess: true, delta: (value, bound) => bound - value - 1 },
}
const MOST_DELTA = 2 ** 31 - 1

/** How much a value is on the right side, or undefined if it is not, or is no number that a predicate can be about. */
export function difference(value: bigint, { comparison, value: bound }: Pick<RequestedPredicate, 'comparison' | 'value'>): number | undefined {
  const number = comparable(value)
  if (number === undefined) return undefined
  const delta = COMPARISONS[comparison].delta(number, bound)
  return delta >= 0 && delta <= MOST_DELTA ? delta : undefined
}

/**
 * Commit to a predicate's proof.
 *
 * @param attributeTilde the random number that hides the attribute in the sub-proof
 * @throws CannotProveError the predicate is not true
 */
export function commitToPredicate({ n, powersOfS, powersOfZ }: PrimaryKey, predicate: Predicate, value: bigint, attributeTilde: bigint): PredicateCommitment {
  const delta = difference(value, predicate)
  if (delta === undefined) throw new CannotProveError('a predicate is not true of the credential that was chosen for it')
  const { type, isLess } = COMPARISONS[predicate.comparison]

  const roots = fourSquares(delta).map((root) => ({
    u: BigInt(root),
    r: randomBits(BLINDING),
    uTilde: randomBits(ROOT_TILDE),
    rTilde: randomBits(BLINDING_TILDE),
  }))
  const rDelta = randomBits(BLINDING)
  const rDeltaTilde = randomBits(BLINDING_TILDE)
  const alphaTilde = randomBits(ALPHA_TILDE)

  const commitment = (exponent: bigint, blinding: bigint): bigint => productOfFixedPowers([[powersOfZ, exponent], [powersOfS, blinding]])
  const t = roots.map(({ u, r }) => commitment(u, r))
  const tDelta = commitment(BigInt(delta), rDelta)
  const tBars = roots.map(({ uTilde, rTilde }) => commitment(uTilde, rTilde))
  const tDeltaBar = isLess
    ? (powersOfZ.power(attributeTilde) * (inverse(powersOfS.power(rDeltaTilde), n) as bigint)) % n
    : commitment(attributeTilde, rDeltaTilde)
  // s^alpha~ prod t_i^u~_i, where t_i = z^u_i s^r_i is our own.
  const sum = (of: (root: (typeof roots)[number]) => bigint): bigint => roots.reduce((sum, root) => sum + of(root), 0n)
  const q = commitment(sum(({ u, uTilde }) => u * uTilde), alphaTilde + sum(({ r, uTilde }) => r * uTilde))

  return {
    t: [...tBars, tDeltaBar, q].map(toBytes),
    c: [...t, tDelta].map(toBytes),
    respond: (c, attributeResponse) => ({
      u: numbered(roots.map(({ u, uTilde }) => c * u + uTilde)),
      r: { ...numbered(roots.map(({ r, rTilde }) => c * r + rTilde)), DELTA: (c * rDelta + rDeltaTilde).toString() },
      mj: attributeResponse.toString(),
      alpha: ((rDelta - sum(({ u, r }) => u * r)) * c + alphaTilde).toString(),
      t: { ...numbered(t), DELTA: tDelta.toString() },
      predicate: { attr_name: predicate.name, p_type: type, value: predicate.value },
    }),
  }
}

/**
 * Four numbers whose squares have this sum (Lagrange), by search. Which ones is hidden in the proof.
 *
 * Factors of four come out first: 7 * 4^14 has one sum only, which a search finds after 10^10 steps. A verifier that knows
 * about what a value is could ask for such a difference.
 */
export function fourSquares(sum: number): [number, number, number, number] {
  if (sum > 0 && sum % 4 === 0) return fourSquares(sum / 4).map((half) => 2 * half) as [number, number, number, number]
  for (let a = root(sum); a >= 0; a--) {
    const withoutA = sum - a * a
    for (let b = Math.min(a, root(withoutA)); b >= 0; b--) {
      const withoutB = withoutA - b * b
      for (let c = Math.min(b, root(withoutB)); c >= 0; c--) {
        const d = root(withoutB - c * c)
        if (d * d === withoutB - c * c) return [a, b, c, d]
      }
    }
  }
  throw new RangeError('not a whole number of at most 31 bits')
}

function root(square: number): number {
  return Math.floor(Math.sqrt(square)) // exact: below 2^53 the root of a square is a whole number
}

function numbered(values: readonly bigint[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [index.toString(), value.toString()]))
}
