// The proof that a credential's place is not revoked in a status list
// (AnonCreds 1.0, Non-Revocation Proof Generation Steps; the responses' sign is that of the library: x~ + c x).

import { mod } from '../arithmetic.js'
import { multiple2, normal1, normal2, ORDER, prepare, productOfPairings, sumOfMultiples1, type Point1 } from '../bn254.js'
import { hashedPoint1, hashedPoint2, hashedTarget, writePoint1, writePoint2, writeScalar } from '../bn254_forms.js'
import { randomBelow } from '../random.js'
import type { NonRevocationCredential } from './credential.js'
import type { RevocationKey } from './credential_definition.js'
import type { Witness } from './witness.js'

export interface NonRevocationCommitment {
  readonly t: readonly Uint8Array[]
  readonly c: readonly Uint8Array[]
  /** The proof for a challenge. Only once: two would tell the secrets. */
  respond(challenge: bigint): object
}

/** Commit to a proof, in steps. `m2Tilde` hides m2 in the sub-proof; by it the two are about one credential. */
export function* commitToNonRevocation(key: RevocationKey, credential: NonRevocationCredential, witness: Witness, m2Tilde: bigint): Generator<void, NonRevocationCommitment> {
  const random = (): bigint => randomBelow(ORDER)
  const [rho, r, rPrime, rPrime2, rPrime3, o, oPrime] = [random(), random(), random(), random(), random(), random(), random()]
  const secrets = {
    rho,
    r,
    r_prime: rPrime,
    r_prime_prime: rPrime2,
    r_prime_prime_prime: rPrime3,
    o,
    o_prime: oPrime,
    m: (rho * credential.c) % ORDER,
    m_prime: (r * rPrime2) % ORDER,
    t: (o * credential.c) % ORDER,
    t_prime: (oPrime * rPrime2) % ORDER,
    s: credential.s,
    c: credential.c,
  }
  const tilde = Object.fromEntries(Object.keys(secrets).map((name) => [name, random()])) as typeof secrets

  const { g, h, h1, h2, htilde, pk, hCap, u, y } = key
  const e = sumOfMultiples1([h, rho], [htilde, o])
  const d = sumOfMultiples1([g, r], [htilde, oPrime])
  const a = normal1(credential.sigma.add(sumOfMultiples1([htilde, rho])))
  const gBlinded = normal1(credential.gI.add(sumOfMultiples1([htilde, r])))
  yield
  const w = normal2(witness.omega.add(multiple2(hCap, rPrime)))
  const s = normal2(credential.sigmaI.add(multiple2(hCap, rPrime2)))
  const uBlinded = normal2(credential.uI.add(multiple2(hCap, rPrime3)))

  yield
  // The specification's t2, t3, t6 and t7 have multiples of e, d, a and g, and a pairing with s, which are sums themselves: here they are taken
  // apart, so that all are multiples of points that stay (`sumOfMultiples1`), and pairings with points that stay.
  const htildeR = sumOfMultiples1([htilde, tilde.r])
  const t1 = sumOfMultiples1([h, tilde.rho], [htilde, tilde.o])
  const t2 = sumOfMultiples1([h, rho * tilde.c - tilde.m], [htilde, o * tilde.c - tilde.t])
  const t3 = productOfPairings(
    [sumOfMultiples1([credential.sigma, tilde.c], [htilde, rho * tilde.c + tilde.r - tilde.m], [h1, -m2Tilde], [h2, -tilde.s]), hCap],
    [sumOfMultiples1([htilde, -tilde.rho]), y],
  )
  yield
  const t4 = productOfPairings([htildeR, witness.list.accumulator], [sumOfMultiples1([g, -tilde.r_prime]), hCap])
  const t5 = sumOfMultiples1([g, tilde.r], [htilde, tilde.o_prime])
  const t6 = sumOfMultiples1([g, r * tilde.r_prime_prime - tilde.m_prime], [htilde, oPrime * tilde.r_prime_prime - tilde.t_prime])
  yield
  const t7 = productOfPairings(
    [sumOfMultiples1([signedPlace(pk, credential), tilde.r_prime_prime], [htilde, r * tilde.r_prime_prime - tilde.m_prime + tilde.r * rPrime2]), hCap],
    [htildeR, credential.sigmaI],
  )
  yield
  const t8 = productOfPairings([htildeR, u], [sumOfMultiples1([g, -tilde.r_prime_prime_prime]), hCap])

  return {
    t: [
      hashedPoint1(t1),
      hashedPoint1(t2),
      hashedTarget(t3),
      hashedTarget(t4),
      hashedPoint1(t5),
      hashedPoint1(t6),
      hashedTarget(t7),
      hashedTarget(t8),
    ],
    c: [...[e, d, a, gBlinded].map(hashedPoint1), ...[w, s, uBlinded].map(hashedPoint2)],
    respond: (challenge) => ({
      x_list: Object.fromEntries(
        Object.entries(secrets).map(([name, secret]) => [
          name,
          writeScalar(mod(tilde[name as keyof typeof tilde] + challenge * secret, ORDER)),
        ]),
      ),
      c_list: {
        e: writePoint1(e),
        d: writePoint1(d),
        a: writePoint1(a),
        g: writePoint1(gBlinded),
        w: writePoint2(w),
        s: writePoint2(s),
        u: writePoint2(uBlinded),
      },
    }),
  }
}

/** Compute now what any proof will want of the points that stay, one after the other. Nothing in it is drawn. */
export function* prepareNonRevocation({ g, h, h1, h2, htilde, pk, hCap, u, y }: RevocationKey, credential: NonRevocationCredential): Generator<void> {
  for (const point of [g, h, h1, h2, htilde, credential.sigma, signedPlace(pk, credential)]) yield prepare({ multiplied: [point] })
  yield prepare({ multiplied2: [hCap] })
  for (const point of [hCap, y, u, credential.sigmaI]) yield prepare({ paired: [point] })
}

// What multiplies a point finds it again in the next proof (`sumOfMultiples1`).
const signedPlaces = new WeakMap<NonRevocationCredential, Point1>()

function signedPlace(pk: Point1, credential: NonRevocationCredential): Point1 {
  const point = signedPlaces.get(credential) ?? pk.add(credential.gI)
  signedPlaces.set(credential, point)
  return point
}
