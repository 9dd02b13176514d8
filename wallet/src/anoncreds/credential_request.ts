// From an offer to a request (AnonCreds 1.0, Credential Request): the link secret goes out blinded.

import { productOfPowers } from '../arithmetic.js'
import { ORDER, times } from '../bn254.js'
import { readScalar, writePoint1, writeScalar } from '../bn254_forms.js'
import { toBytes } from '../bytes.js'
import { CheckFailedError } from '../errors.js'
import { randomBelow, randomBits } from '../random.js'
import type { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import { LINK_SECRET_NAME } from './attributes.js'
import { checkKeyCorrectness, type CredentialDefinition } from './credential_definition.js'
import { challenge } from './hash.js'
import type { LinkSecret } from './link_secret.js'
import { BLINDING, BLINDING_TILDE, LINK_SECRET_TILDE, LONGEST_IDENTIFIER, NONCE } from './parameters.js'

/** What the holder must keep, sealed and before the request goes out: without it no credential comes of the answer. */
export interface RequestSecrets {
  readonly vPrime: bigint
  readonly vrPrime: bigint | undefined
  readonly nonce: bigint
}

export interface CredentialRequest {
  /** The message for the issuer. */
  readonly request: object
  readonly secrets: RequestSecrets
}

/**
 * Answer an offer.
 *
 * @param offer the credential offer as it came
 * @param definition the credential definition that the offer names, as resolved
 * @param isKeyChecked the offer's proof was checked with this definition when it came (`checkedOffer`), and is not there any more
 * @throws MalformedError the offer does not have its form
 * @throws CheckFailedError it is for another credential definition, or its proof does not hold
 */
export function requestCredential(offer: Received, definition: CredentialDefinition, linkSecret: LinkSecret, isKeyChecked = false): CredentialRequest {
  if (offer.member('cred_def_id').text(LONGEST_IDENTIFIER) !== definition.id)
    throw new CheckFailedError('the offer is for another credential definition')
  if (offer.member('schema_id').text(LONGEST_IDENTIFIER) !== definition.schemaId)
    throw new CheckFailedError("the offer names another schema than the credential definition's")
  const offerNonce = offer.member('nonce').decimal(NONCE)
  if (!isKeyChecked) checkKeyCorrectness(definition.primary, offer.member('key_correctness_proof'))

  const { n, powersOfS, r } = definition.primary
  const rLink = r.get(LINK_SECRET_NAME) as bigint
  const link = linkSecret.number()

  // Blinding the Link Secret: u = s^v' r^m
  const vPrime = randomBits(BLINDING)
  const u = (powersOfS.power(vPrime) * productOfPowers([[rLink, link]], n)) % n

  // The Blinded Link Secret Correctness Proof
  const vTilde = randomBits(BLINDING_TILDE)
  const linkTilde = randomBits(LINK_SECRET_TILDE)
  const uTilde = (powersOfS.power(vTilde) * productOfPowers([[rLink, linkTilde]], n)) % n
  const c = challenge(toBytes(u), toBytes(uTilde), toBytes(offerNonce))

  // With revocation also: ur = h2^s'
  const vrPrime = definition.revocation && randomBelow(ORDER)
  const nonce = randomBits(NONCE)
  return {
    request: {
      entropy: randomBits(NONCE).toString(),
      cred_def_id: definition.id,
      blinded_ms: {
        u: u.toString(),
        ...(definition.revocation && { ur: writePoint1(times(definition.revocation.h2, vrPrime as bigint)) }),
        hidden_attributes: [LINK_SECRET_NAME],
        committed_attributes: {},
      },
      blinded_ms_correctness_proof: {
        c: c.toString(),
        v_dash_cap: (vTilde + c * vPrime).toString(),
        m_caps: { [LINK_SECRET_NAME]: (linkTilde + c * link).toString() },
        r_caps: {},
      },
      nonce: nonce.toString(),
    },
    secrets: { vPrime, vrPrime, nonce },
  }
}

/**
 * What is left of an offer once its proof was checked: the proof is large, and is about the definition alone.
 *
 * @throws WalletError it does not hold
 */
export function checkedOffer(offer: Received, definition: CredentialDefinition): JsonObject {
  checkKeyCorrectness(definition.primary, offer.member('key_correctness_proof'))
  const { key_correctness_proof: _, ...rest } = offer.value() as JsonObject
  return rest
}

/** The secrets as JSON, in the form of the library's request metadata, to be encrypted and kept. */
export function sealSecrets(secrets: RequestSecrets): object {
  return {
    link_secret_blinding_data: {
      v_prime: secrets.vPrime.toString(),
      vr_prime: secrets.vrPrime === undefined ? null : writeScalar(secrets.vrPrime),
    },
    nonce: secrets.nonce.toString(),
  }
}

/** What `sealSecrets` gave. */
export function unsealSecrets(received: Received): RequestSecrets {
  const blinding = received.member('link_secret_blinding_data')
  const vrPrime = blinding.optional('vr_prime')
  return {
    vPrime: blinding.member('v_prime').decimal(BLINDING),
    vrPrime: vrPrime && readScalar(vrPrime),
    nonce: received.member('nonce').decimal(NONCE),
  }
}
