// The public keys of a credential definition, and the proof that an offer has of them
// (AnonCreds 1.0, Generating a Credential Definition Without and With Revocation Support).

import { bitLength, FixedBase, inverse, KeptBase, productOfPowers } from '../arithmetic.js'
import { readPoint1, readPoint2 } from '../bn254_forms.js'
import type { Point1, Point2 } from '../bn254.js'
import { toBytes } from '../bytes.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import { once } from '../once.js'
import { Received } from '../received.js'
import { LINK_SECRET_NAME } from './attributes.js'
import { challenge } from './hash.js'
import { CHALLENGE, LONGEST_IDENTIFIER, LONGEST_NAME, MODULUS, MOST_ATTRIBUTES, SMALLEST_MODULUS } from './parameters.js'

/** The key of the signature: all but n are units modulo n. `r` is by the attribute's key name. `powersOfS` is s again,
 * `powersOfZ` z, `kept` rctxt and r. */
export interface PrimaryKey {
  readonly n: bigint
  readonly s: bigint
  readonly powersOfS: FixedBase
  readonly z: bigint
  readonly powersOfZ: FixedBase
  readonly rctxt: bigint
  readonly r: ReadonlyMap<string, bigint>
  readonly kept: { readonly rctxt: KeptBase; readonly r: ReadonlyMap<string, KeptBase> }
}

/** The key of revocation: points in their groups. */
export interface RevocationKey {
  readonly g: Point1
  readonly h: Point1
  readonly h0: Point1
  readonly h1: Point1
  readonly h2: Point1
  readonly htilde: Point1
  readonly pk: Point1
  readonly gDash: Point2
  readonly hCap: Point2
  readonly u: Point2
  readonly y: Point2
}

export interface CredentialDefinition {
  readonly id: string
  readonly schemaId: string
  readonly primary: PrimaryKey
  readonly isRevocable: boolean
  /** There if it is revocable. @throws MalformedError one that was kept is not well-formed */
  readonly revocation: RevocationKey | undefined
}

/**
 * Read a credential definition as it was resolved under `id`; who made it is for the resolver to say.
 *
 * @param isKept whether it was read whole before: the key of revocation, which a proof needs and nothing else, is read when one does
 */
export function readCredentialDefinition(id: string, received: Received, isKept = false): CredentialDefinition {
  if (received.member('type').text(8) !== 'CL') throw new MalformedError(`${received.path}.type`, 'CL')
  const value = received.member('value')
  const revocation = value.optional('revocation')
  const readRevocation = once(() => revocation && readRevocationKey(revocation))
  if (!isKept) readRevocation()
  return {
    id,
    schemaId: received.member('schemaId').text(LONGEST_IDENTIFIER),
    primary: readPrimaryKey(value.member('primary')),
    isRevocable: revocation !== undefined,
    get revocation() {
      return readRevocation()
    },
  }
}

/**
 * Check that z and every r of the key are powers of s (Verifying the Key Correctness Proof).
 *
 * The proof says nothing of `rctxt`, and nothing of how n was made.
 *
 * @throws MalformedError the proof does not have its form
 * @throws CheckFailedError it does not prove this key
 */
export function checkKeyCorrectness(key: PrimaryKey, received: Received): void {
  const c = received.member('c').decimal(CHALLENGE)
  const most = MODULUS + CHALLENGE + 1 // s^(x c + x~), x and x~ below the order
  const zCap = received.member('xz_cap').decimal(most)
  const rCaps = received.member('xr_cap').items(MOST_ATTRIBUTES + 1).map((pair) => {
    const [name, cap] = pair.items(2)
    if (!name || !cap) throw new MalformedError(pair.path, 'a name and a number')
    const r = key.r.get(name.text(LONGEST_NAME))
    if (r === undefined) throw new MalformedError(name.path, "a name of the credential definition's key")
    return { name: name.text(LONGEST_NAME), r, cap: cap.decimal(most) }
  })
  const names = new Set(rCaps.map(({ name }) => name))
  if (names.size !== rCaps.length || [...key.r.keys()].some((name) => !names.has(name)))
    throw new MalformedError(received.member('xr_cap').path, "every name of the credential definition's key, once")

  const commitment = (base: bigint, cap: bigint): Uint8Array =>
    toBytes((productOfPowers([[inverse(base, key.n) as bigint, c]], key.n) * key.powersOfS.power(cap)) % key.n)
  const expected = challenge(
    toBytes(key.z),
    ...rCaps.map(({ r }) => toBytes(r)),
    commitment(key.z, zCap),
    ...rCaps.map(({ r, cap }) => commitment(r, cap)),
  )
  if (expected !== c) throw new CheckFailedError('the key correctness proof does not prove the key of the credential definition')
}

function readPrimaryKey(received: Received): PrimaryKey {
  const n = received.member('n').decimal(MODULUS)
  if (bitLength(n) < SMALLEST_MODULUS || n % 2n === 0n)
    throw new MalformedError(`${received.path}.n`, `an odd number of ${SMALLEST_MODULUS} to ${MODULUS} bits`)
  const bases = received.member('r').entries(MOST_ATTRIBUTES + 1, LONGEST_NAME)
  const others = ['s', 'z', 'rctxt'].map((name) => received.member(name))
  const units = Received.units([...others, ...bases.map(([, base]) => base)], n)
  const [s, z, rctxt] = units as [bigint, bigint, bigint]
  const r = new Map(bases.map(([name], index) => [name, units[others.length + index] as bigint]))
  if (!r.has(LINK_SECRET_NAME)) throw new MalformedError(`${received.path}.r.${LINK_SECRET_NAME}`, 'a value')
  const kept = { rctxt: new KeptBase(rctxt, n), r: new Map([...r].map(([name, base]) => [name, new KeptBase(base, n)])) }
  return { n, s, powersOfS: new FixedBase(s, n), z, powersOfZ: new FixedBase(z, n), rctxt, r, kept }
}

function readRevocationKey(received: Received): RevocationKey {
  const point1 = (name: string): Point1 => readPoint1(received.member(name))
  const point2 = (name: string): Point2 => readPoint2(received.member(name))
  return {
    g: point1('g'),
    h: point1('h'),
    h0: point1('h0'),
    h1: point1('h1'),
    h2: point1('h2'),
    htilde: point1('htilde'),
    pk: point1('pk'),
    gDash: point2('g_dash'),
    hCap: point2('h_cap'),
    u: point2('u'),
    y: point2('y'),
  }
}
