// The proof that a credential's place is not revoked in a status list
// (AnonCreds 1.0, Non-Revocation Proof Generation Steps; the responses' sign is that of the library: x~ + c x).

import { mod } from '../arithmetic.js'
import { ORDER, productOfPairings, times } from '../bn254.js'
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

/** Commit to a proof. `m2Tilde` hides m2 in the sub-proof; by it the two are about one credential. */
export function commitToNonRevocation(key: RevocationKey, credential: NonRevocationCredential, witness: Witness, m2Tilde: bigint): NonRevocationCommitment {
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
  const e = times(h, rho).add(times(htilde, o))
  const d = times(g, r).add(times(htilde, oPrime))
  const a = credential.sigma.add(times(htilde, rho))
  const gBlinded = credential.gI.add(times(htilde, r))
  const w = witness.omega.add(times(hCap, rPrime))
  const s = credential.sigmaI.add(times(hCap, rPrime2))
  const uBlinded = credential.uI.add(times(hCap, rPrime3))

  const htildeR = times(htilde, tilde.r)
  const t1 = times(h, tilde.rho).add(times(htilde, tilde.o))
  const t2 = times(e, tilde.c).subtract(times(h, tilde.m)).subtract(times(htilde, tilde.t))
  const t3 = productOfPairings(
    [times(a, tilde.c).add(times(htilde, tilde.r - tilde.m)).subtract(times(h1, m2Tilde)).subtract(times(h2, tilde.s)), hCap],
    [times(htilde, tilde.rho).negate(), y],
  )
  const t4 = productOfPairings([htildeR, witness.list.accumulator], [times(g, tilde.r_prime).negate(), hCap])
  const t5 = times(g, tilde.r).add(times(htilde, tilde.o_prime))
  const t6 = times(d, tilde.r_prime_prime).subtract(times(g, tilde.m_prime)).subtract(times(htilde, tilde.t_prime))
  const t7 = productOfPairings(
    [times(pk.add(gBlinded), tilde.r_prime_prime).subtract(times(htilde, tilde.m_prime)), hCap],
    [htildeR, s],
  )
  const t8 = productOfPairings([htildeR, u], [times(g, tilde.r_prime_prime_prime).negate(), hCap])

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
