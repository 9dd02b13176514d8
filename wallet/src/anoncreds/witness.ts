// The witness that a credential's place is not revoked, kept up with the status lists
// (AnonCreds 1.0, Collecting Data for Generating the Non-Revocation Proof).
//
// The witness of place i is the sum of the tails L + 1 - j + i of all other places j that are not revoked. So from one list to
// the next only the tails of places that changed are needed; without an older witness, those of all places.

import { sha256 } from '@noble/hashes/sha2.js'
import { Fp12, G2, productOfPairings, type Point2 } from '../bn254.js'
import { readPoint2, unverifiedTail, writePoint2 } from '../bn254_forms.js'
import { base58 } from '../base58.js'
import { CannotProveError, CheckFailedError, MalformedError, WalletError } from '../errors.js'
import type { NonRevocationCredential } from './credential.js'
import type { CredentialDefinition } from './credential_definition.js'
import { LONGEST_IDENTIFIER } from './parameters.js'
import type { RevocationRegistry, StatusList } from './revocation_registry.js'
import type { Received } from '../received.js'
import type { JsonObject } from '../store.js'

export const TAIL_BYTES = 128
const HEADER_BYTES = 2

/** A witness that was checked against the accumulator of a status list. Only functions of this module make one. */
export interface Witness {
  readonly omega: Point2
  readonly list: StatusList
}

/** A tail that is to be added to a witness or taken off it. */
export interface TailChange {
  /** Which tail of the file it is. */
  readonly index: number
  readonly isAdded: boolean
}

/** Where a tail stands in the tails file: bytes from `start` to before `end`. */
export function tailRange(index: number): { start: number; end: number } {
  const start = HEADER_BYTES + TAIL_BYTES * index
  return { start, end: start + TAIL_BYTES }
}

/** Check that a whole tails file is the registry's. */
export function checkTailsFile(registry: RevocationRegistry, file: Uint8Array): void {
  if (file.length !== tailRange(2 * registry.places).end)
    throw new MalformedError('tails file', 'two tails for each place of the registry, and one')
  if (base58(sha256(file)) !== registry.tailsHash) throw new CheckFailedError('the tails file is not the one that the registry names')
}

/** The tails that a place needs to come from one list to another; from none, to make its witness anew. */
export function tailChanges(registry: RevocationRegistry, place: number, from: StatusList | undefined, to: StatusList): TailChange[] {
  const changes: TailChange[] = []
  for (let other = 1; other <= registry.places; other++) {
    const was = from !== undefined && !from.isRevoked(other)
    const is = !to.isRevoked(other)
    if (other !== place && was !== is) changes.push({ index: registry.places + 1 - other + place, isAdded: is })
  }
  return changes
}

/**
 * Bring a witness up to a status list, and check it against the list's accumulator.
 *
 * @param from a witness of an older list, or undefined to make it anew
 * @param tail gives the 128 bytes of a tail. Wrong ones are noticed, since the witness is checked
 * @throws CannotProveError the credential is revoked in this list
 * @throws CheckFailedError tails, list, registry and credential do not belong together
 */
export function updatedWitness(
  credential: NonRevocationCredential,
  definition: CredentialDefinition,
  registry: RevocationRegistry,
  from: Witness | undefined,
  to: StatusList,
  tail: (index: number) => Uint8Array,
): Witness {
  if (registry.id !== credential.registryId || to.registryId !== registry.id || (from && from.list.registryId !== registry.id))
    throw new CheckFailedError('the status list is of another revocation registry than the credential')
  if (to.isRevoked(credential.place)) throw new CannotProveError('the credential is revoked')
  const omega = addedTails(from ? from.omega : G2.ZERO, tailChanges(registry, credential.place, from?.list, to), tail)
  return checkedWitness(credential, definition, registry, omega, to)
}

/**
 * The witness that came in the credential, if the status list is still the one that it was made for. That it belongs to that accumulator was
 * checked when the credential was received, and what is sealed is authentic: it is not checked again for each proof.
 */
export function issuedWitness(credential: NonRevocationCredential, list: StatusList): Witness | undefined {
  const { omega, accumulator } = credential.issued
  return list.registryId === credential.registryId && accumulator.equals(list.accumulator) ? { omega, list } : undefined
}

/** A witness as the wallet keeps it for when there is no network. */
export function sealWitness({ omega, list }: Witness): JsonObject {
  return { omega: writePoint2(omega), accumulator: writePoint2(list.accumulator), timestamp: list.timestamp, registry: list.registryId }
}

/** A witness that was kept; of its list no more is known than that this credential was not revoked in it. */
export function unsealWitness(received: Received, credential: NonRevocationCredential, definition: CredentialDefinition, registry: RevocationRegistry): Witness {
  const list: StatusList = {
    registryId: received.member('registry').text(LONGEST_IDENTIFIER),
    timestamp: received.member('timestamp').integer(0, Number.MAX_SAFE_INTEGER),
    accumulator: readPoint2(received.member('accumulator')),
    isRevoked: (place) => place !== credential.place,
  }
  if (list.registryId !== credential.registryId) throw new CheckFailedError('the witness is of another revocation registry')
  return checkedWitness(credential, definition, registry, readPoint2(received.member('omega'), { orInfinity: true }), list)
}

/** Whether a witness and an accumulator belong together: e(g_i, acc) = z e(g, omega). */
export function isWitness(gI: NonRevocationCredential['gI'], definition: CredentialDefinition, registry: RevocationRegistry, accumulator: Point2, omega: Point2): boolean {
  const key = definition.revocation
  return key !== undefined && Fp12.eql(productOfPairings([gI, accumulator], [key.g.negate(), omega]), registry.z)
}

function checkedWitness(
  credential: NonRevocationCredential,
  definition: CredentialDefinition,
  registry: RevocationRegistry,
  omega: Point2,
  list: StatusList,
): Witness {
  if (!isWitness(credential.gI, definition, registry, list.accumulator, omega))
    throw new CheckFailedError("the witness does not belong to the status list's accumulator")
  return { omega, list }
}

// A tails file is its issuer's: what it has need not be points, and then the arithmetic throws.
function addedTails(from: Point2, changes: readonly TailChange[], tail: (index: number) => Uint8Array): Point2 {
  try {
    let omega = from
    for (const { index, isAdded } of changes) {
      const point = readTail(tail(index))
      omega = isAdded ? omega.add(point) : omega.subtract(point)
    }
    omega.assertValidity()
    return omega
  } catch (error) {
    throw error instanceof WalletError ? error : new CheckFailedError('the tails are not points of the second group')
  }
}

function readTail(bytes: Uint8Array): Point2 {
  if (bytes.length !== TAIL_BYTES) throw new MalformedError('tail', `${TAIL_BYTES} bytes`)
  return unverifiedTail(bytes)
}
