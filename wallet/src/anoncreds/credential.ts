// A credential as it comes from the issuer, checked in full before it counts (AnonCreds 1.0, Receiving a Credential).
//
// 1. It is of the credential definition, schema and registry that were asked for, and has just the key's attributes.
// 2. Every encoded value is that of its text.
// 3. e is a prime from 2^596 to 2^596 + 2^119, v'' is not larger than it may be.
// 4. The signature is one: A^e = z / (s^v rctxt^m2 prod r_i^m_i).
// 5. The issuer knows how it was made (The Credential Signature Correctness Proof), for our nonce.
// 6. With revocation: the witness belongs to the accumulator, the place is signed, and so is all of it with our blinding.

import { inverse, isProbablePrime, productOfPowers } from '../arithmetic.js'
import { Fp12, ORDER, productOfPairings, times, type Point1, type Point2 } from '../bn254.js'
import { readPoint1, readPoint2, readScalar, writePoint1, writePoint2, writeScalar } from '../bn254_forms.js'
import { toBytes } from '../bytes.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import { once } from '../once.js'
import type { Received } from '../received.js'
import { encoded, keyName, LINK_SECRET_NAME } from './attributes.js'
import type { CredentialDefinition, PrimaryKey, RevocationKey } from './credential_definition.js'
import type { RequestSecrets } from './credential_request.js'
import { challenge } from './hash.js'
import type { LinkSecret } from './link_secret.js'
import {
  ATTRIBUTE,
  CHALLENGE,
  E_RANGE,
  E_START,
  ISSUER_BLINDING,
  LONGEST_IDENTIFIER,
  LONGEST_NAME,
  LONGEST_VALUE,
  MODULUS,
  MOST_ATTRIBUTES,
} from './parameters.js'
import type { RevocationRegistry } from './revocation_registry.js'
import { isWitness } from './witness.js'

/** A value as its issuer wrote the name. */
export interface Attribute {
  readonly name: string
  readonly raw: string
  readonly encoded: bigint
}

/** What a non-revocation proof is made of. Secret but for the place. */
export interface NonRevocationCredential extends PlaceSignature {
  readonly registryId: string
  readonly place: number
}

interface PlaceSignature {
  readonly sigma: Point1
  readonly c: bigint
  readonly s: bigint
  readonly gI: Point1
  readonly sigmaI: Point2
  readonly uI: Point2
  /** The witness as issued, and the accumulator that it is for. */
  readonly issued: { readonly omega: Point2; readonly accumulator: Point2 }
}

/** A credential that was checked. Only `receiveCredential` and `unsealCredential` make one. */
export interface Credential {
  readonly schemaId: string
  readonly definitionId: string
  /** By key name. */
  readonly attributes: ReadonlyMap<string, Attribute>
  readonly signature: { readonly a: bigint; readonly e: bigint; readonly v: bigint; readonly m2: bigint }
  readonly nonRevocation: NonRevocationCredential | undefined
}

/** What belongs to a revocable credential's checks; without it a revocable credential is refused. */
export type Registry = RevocationRegistry | undefined

/**
 * Check a credential that an issuer sent, and take our blinding off.
 *
 * @param secrets what was kept when the credential was requested
 * @throws MalformedError it does not have its form
 * @throws CheckFailedError it is not what was asked for, or not signed by this key
 */
export function receiveCredential(
  received: Received,
  secrets: RequestSecrets,
  linkSecret: LinkSecret,
  definition: CredentialDefinition,
  registry: Registry,
): Credential {
  const unblinded = readCredential(received, definition, registry, ISSUER_BLINDING)
  const { nonRevocation } = unblinded
  // 3
  if (!isProbablePrime(unblinded.signature.e)) throw new CheckFailedError('e of the signature is not a prime')
  const credential = {
    ...unblinded,
    signature: { ...unblinded.signature, v: unblinded.signature.v + secrets.vPrime },
    nonRevocation: nonRevocation && { ...nonRevocation, s: (nonRevocation.s + vrPrime(secrets)) % ORDER },
  }
  const q = checkSignature(credential, linkSecret, definition.primary)
  checkSignatureCorrectness(received.member('signature_correctness_proof'), credential, q, secrets.nonce, definition.primary)
  checkNonRevocation(credential, definition, registry)
  return credential
}

/** The credential as JSON, in the form of the library's processed credential, to be encrypted and kept. */
export function sealCredential(credential: Credential): object {
  const { a, e, v, m2 } = credential.signature
  const nonRevocation = credential.nonRevocation
  return {
    schema_id: credential.schemaId,
    cred_def_id: credential.definitionId,
    ...(nonRevocation && { rev_reg_id: nonRevocation.registryId }),
    values: Object.fromEntries(
      [...credential.attributes.values()].map(({ name, raw, encoded }) => [name, { raw, encoded: encoded.toString() }]),
    ),
    signature: {
      p_credential: { m_2: m2.toString(), a: a.toString(), e: e.toString(), v: v.toString() },
      r_credential: nonRevocation ? sealNonRevocation(nonRevocation, m2) : null,
    },
    signature_correctness_proof: { se: '0', c: '0' }, // proved what it had to; the library wants the members
    ...(nonRevocation && {
      rev_reg: { accum: writePoint2(nonRevocation.issued.accumulator) },
      witness: { omega: writePoint2(nonRevocation.issued.omega) },
    }),
  }
}

/**
 * What `sealCredential` gave: it was checked then, and what is sealed is authentic. Its form is looked at again, that of the signatures when
 * a proof needs them: a book of hundreds of credentials is opened for one.
 */
export function unsealCredential(received: Received, definition: CredentialDefinition, registry: Registry): Credential {
  return readCredential(received, definition, registry, ISSUER_BLINDING + 1)
}

function readCredential(received: Received, definition: CredentialDefinition, registry: Registry, vBits: number): Credential {
  // 1
  if (received.member('cred_def_id').text(LONGEST_IDENTIFIER) !== definition.id)
    throw new CheckFailedError('the credential is of another credential definition')
  if (received.member('schema_id').text(LONGEST_IDENTIFIER) !== definition.schemaId)
    throw new CheckFailedError("the credential names another schema than the credential definition's")
  const signature = received.member('signature')
  const primary = signature.member('p_credential')
  const attributes = readAttributes(received.member('values'), definition.primary)

  const m2 = primary.member('m_2').decimal(ATTRIBUTE)
  const read = once(() => readSignature(primary, m2, definition.primary, vBits))
  return {
    schemaId: definition.schemaId,
    definitionId: definition.id,
    attributes,
    get signature() {
      return read()
    },
    nonRevocation: readNonRevocation(received, signature.optional('r_credential'), m2, definition, registry),
  }
}

// 3
function readSignature(primary: Received, m2: bigint, { n }: PrimaryKey, vBits: number): Credential['signature'] {
  const e = primary.member('e').decimal(E_START + 1)
  const start = 1n << BigInt(E_START)
  if (e < start || e > start + (1n << BigInt(E_RANGE)))
    throw new MalformedError(`${primary.path}.e`, 'a number from 2^596 to 2^596 + 2^119')
  return { a: primary.member('a').unit(n), e, v: primary.member('v').decimal(vBits), m2 }
}

function readAttributes(received: Received, key: PrimaryKey): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>()
  for (const [name, value] of received.entries(MOST_ATTRIBUTES, LONGEST_NAME)) {
    const raw = value.member('raw').text(LONGEST_VALUE)
    const number = encoded(raw)
    // 2
    if (value.member('encoded').text(ATTRIBUTE) !== number.toString())
      throw new CheckFailedError(`${value.path}: what is signed is not the text that stands beside it`)
    if (attributes.has(keyName(name))) throw new MalformedError(received.path, 'every attribute once')
    attributes.set(keyName(name), { name, raw, encoded: number })
  }
  if (attributes.has(LINK_SECRET_NAME) || attributes.size !== key.r.size - 1 || [...attributes.keys()].some((name) => !key.r.has(name)))
    throw new MalformedError(received.path, "just the attributes of the credential definition's key")
  return attributes
}

function readNonRevocation(
  credential: Received,
  received: Received | undefined,
  m2: bigint,
  definition: CredentialDefinition,
  registry: Registry,
): NonRevocationCredential | undefined {
  const registryId = credential.optional('rev_reg_id')?.text(LONGEST_IDENTIFIER)
  if (received === undefined && registryId === undefined) {
    if (registry) throw new CheckFailedError('the credential has no place in the revocation registry')
    return undefined
  }
  if (received === undefined || registryId === undefined || !definition.isRevocable)
    throw new MalformedError(`${credential.path}.signature.r_credential`, 'all of what revocation needs, or nothing of it')
  if (!registry || registry.id !== registryId || registry.credentialDefinitionId !== definition.id)
    throw new CheckFailedError('the credential has its place in another revocation registry')
  const read = once(() => readPlaceSignature(credential, received, m2))
  return {
    registryId,
    place: received.member('i').integer(1, registry.places),
    get sigma() {
      return read().sigma
    },
    get c() {
      return read().c
    },
    get s() {
      return read().s
    },
    get gI() {
      return read().gI
    },
    get sigmaI() {
      return read().sigmaI
    },
    get uI() {
      return read().uI
    },
    get issued() {
      return read().issued
    },
  }
}

function readPlaceSignature(credential: Received, received: Received, m2: bigint): PlaceSignature {
  const witnessSignature = received.member('witness_signature')
  const gI = readPoint1(received.member('g_i'))
  if (!gI.equals(readPoint1(witnessSignature.member('g_i'))))
    throw new MalformedError(`${witnessSignature.path}.g_i`, 'the g_i of the credential')
  if (readScalar(received.member('m2')) !== m2 % ORDER) throw new MalformedError(`${received.path}.m2`, 'the m_2 of the credential')
  return {
    sigma: readPoint1(received.member('sigma')),
    c: readScalar(received.member('c')),
    s: readScalar(received.member('vr_prime_prime')),
    gI,
    sigmaI: readPoint2(witnessSignature.member('sigma_i')),
    uI: readPoint2(witnessSignature.member('u_i')),
    issued: {
      omega: readPoint2(credential.member('witness').member('omega'), { orInfinity: true }),
      accumulator: readPoint2(credential.member('rev_reg').member('accum'), { orInfinity: true }),
    },
  }
}

// 4. Returns q, which A^e is.
function checkSignature({ signature, attributes }: Credential, linkSecret: LinkSecret, key: PrimaryKey): bigint {
  const signed: [bigint, bigint][] = [...attributes].map(([name, { encoded }]) => [key.r.get(name) as bigint, encoded])
  const link: [bigint, bigint] = [key.r.get(LINK_SECRET_NAME) as bigint, linkSecret.number()]
  const hidden = productOfPowers([[key.rctxt, signature.m2], link, ...signed], key.n)
  const product = (key.powersOfS.power(signature.v) * hidden) % key.n
  const q = (key.z * (inverse(product, key.n) as bigint)) % key.n
  if (q !== productOfPowers([[signature.a, signature.e]], key.n)) throw new CheckFailedError("the issuer's signature does not fit the credential")
  return q
}

// 5
function checkSignatureCorrectness(received: Received, { signature: { a, e } }: Credential, q: bigint, nonce: bigint, { n }: PrimaryKey): void {
  const c = received.member('c').decimal(CHALLENGE)
  const se = received.member('se').decimal(MODULUS)
  const aCap = productOfPowers([[a, c + se * e]], n)
  if (challenge(toBytes(q), toBytes(a), toBytes(aCap), toBytes(nonce)) !== c)
    throw new CheckFailedError('the signature correctness proof does not prove the signature')
}

// 6
function checkNonRevocation({ nonRevocation, signature }: Credential, definition: CredentialDefinition, registry: Registry): void {
  if (!nonRevocation || !registry) return
  const key = definition.revocation as RevocationKey
  const { gI, sigmaI, uI, sigma, c, s, issued } = nonRevocation
  if (!isWitness(gI, definition, registry, issued.accumulator, issued.omega))
    throw new CheckFailedError("the credential's witness does not belong to its accumulator")
  const isOne = (...pairs: [Point1, Point2][]): boolean => Fp12.eql(productOfPairings(...pairs), Fp12.ONE)
  if (!isOne([key.pk.add(gI), sigmaI], [key.g.negate(), key.gDash])) throw new CheckFailedError('the place in the registry is not signed')
  if (!isOne([gI, key.u], [key.g.negate(), uI])) throw new CheckFailedError('the place in the registry is not that of the witness')
  const signed = key.h0.add(times(key.h1, signature.m2)).add(times(key.h2, s)).add(gI)
  if (!isOne([sigma, key.y.add(times(key.hCap, c))], [signed.negate(), key.hCap]))
    throw new CheckFailedError("the issuer's signature does not fit the place in the registry")
}

function vrPrime(secrets: RequestSecrets): bigint {
  if (secrets.vrPrime === undefined) throw new CheckFailedError('the credential is revocable and was not requested as such')
  return secrets.vrPrime
}

function sealNonRevocation(credential: NonRevocationCredential, m2: bigint): object {
  return {
    sigma: writePoint1(credential.sigma),
    c: writeScalar(credential.c),
    vr_prime_prime: writeScalar(credential.s),
    witness_signature: {
      sigma_i: writePoint2(credential.sigmaI),
      u_i: writePoint2(credential.uI),
      g_i: writePoint1(credential.gI),
    },
    g_i: writePoint1(credential.gI),
    i: credential.place,
    m2: writeScalar(m2 % ORDER),
  }
}
