// A revocation registry and its status lists (AnonCreds 1.0, Issuer Create and Publish Revocation Registry Objects).

import type { Point2, Target } from '../bn254.js'
import { readPoint2, readTarget } from '../bn254_forms.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import type { Received } from '../received.js'
import { LONGEST_IDENTIFIER, MOST_PLACES } from './parameters.js'

export interface RevocationRegistry {
  readonly id: string
  readonly credentialDefinitionId: string
  /** How many places it has; the first is 1. */
  readonly places: number
  /** The SHA-256 of the tails file, in base58. */
  readonly tailsHash: string
  /** What a witness and an accumulator that belong together give. */
  readonly z: Target
}

export interface StatusList {
  readonly registryId: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly accumulator: Point2
  /** Whether a place is revoked. A list has the places 0 to `places` - 1; the last place can never be revoked. */
  isRevoked(place: number): boolean
}

/** Read a registry as it was resolved under `id`. */
export function readRevocationRegistry(id: string, received: Received): RevocationRegistry {
  if (received.member('revocDefType').text(16) !== 'CL_ACCUM') throw new MalformedError(`${received.path}.revocDefType`, 'CL_ACCUM')
  const value = received.member('value')
  return {
    id,
    credentialDefinitionId: received.member('credDefId').text(LONGEST_IDENTIFIER),
    places: value.member('maxCredNum').integer(1, MOST_PLACES),
    tailsHash: value.member('tailsHash').text(64),
    z: readTarget(value.member('publicKeys').member('accumKey').member('z')),
  }
}

/** Read a status list of a registry; that it is the newest is for the caller to say. */
export function readStatusList(registry: RevocationRegistry, received: Received): StatusList {
  if (received.member('revRegDefId').text(LONGEST_IDENTIFIER) !== registry.id)
    throw new CheckFailedError('the status list is of another revocation registry')
  const bits = received.member('revocationList').items(registry.places).map((bit) => bit.integer(0, 1))
  if (bits.length !== registry.places)
    throw new MalformedError(`${received.path}.revocationList`, 'as many places as the registry has')
  return {
    registryId: registry.id,
    timestamp: received.member('timestamp').integer(0, Number.MAX_SAFE_INTEGER),
    accumulator: readPoint2(received.member('currentAccumulator'), { orInfinity: true }),
    isRevoked: (place) => bits[place] === 1,
  }
}
