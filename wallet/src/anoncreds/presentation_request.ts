// What a verifier asks (AnonCreds 1.0, Create Presentation Request). Restrictions are read by whoever chooses credentials; here
// only what a proof is made of.

import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'
import { LONGEST_NAME, MOST_ATTRIBUTES, NONCE } from './parameters.js'

export type Comparison = '>=' | '>' | '<=' | '<'

export interface RequestedAttribute {
  readonly names: readonly string[]
  /** Whether they were asked as a group, with `names`. */
  readonly isGroup: boolean
  /** Whether the verifier takes the holder's own word: it names no restriction. */
  readonly isRestricted: boolean
  readonly wantsNonRevocation: boolean
}

export interface RequestedPredicate {
  readonly name: string
  readonly comparison: Comparison
  readonly value: number
  readonly wantsNonRevocation: boolean
}

export interface PresentationRequest {
  readonly nonce: bigint
  /** By referent. */
  readonly attributes: ReadonlyMap<string, RequestedAttribute>
  readonly predicates: ReadonlyMap<string, RequestedPredicate>
}

const MOST_REFERENTS = 128
const LEAST_INT32 = -(2 ** 31)
const MOST_INT32 = 2 ** 31 - 1

export function readPresentationRequest(received: Received): PresentationRequest {
  const nonce = received.member('nonce').decimal(NONCE)
  if (nonce === 0n) throw new MalformedError(`${received.path}.nonce`, 'a number above 0')
  const wantsNonRevocation = received.optional('non_revoked') !== undefined
  return {
    nonce,
    attributes: new Map(
      received.member('requested_attributes').entries(MOST_REFERENTS, LONGEST_NAME).map(([referent, attribute]) => [
        referent,
        readAttribute(attribute, wantsNonRevocation),
      ]),
    ),
    predicates: new Map(
      received.member('requested_predicates').entries(MOST_REFERENTS, LONGEST_NAME).map(([referent, predicate]) => [
        referent,
        readPredicate(predicate, wantsNonRevocation),
      ]),
    ),
  }
}

function readAttribute(received: Received, wantsNonRevocation: boolean): RequestedAttribute {
  const name = received.optional('name')
  const names = received.optional('names')
  if ((name === undefined) === (names === undefined)) throw new MalformedError(received.path, 'either a name or names')
  const texts = names ? names.items(MOST_ATTRIBUTES).map((item) => item.text(LONGEST_NAME)) : [(name as Received).text(LONGEST_NAME)]
  if (texts.length === 0 || new Set(texts).size !== texts.length) throw new MalformedError(received.path, 'names, each of them once')
  return {
    names: texts,
    isGroup: names !== undefined,
    isRestricted: isRestriction(received.optional('restrictions')?.value()),
    wantsNonRevocation: wantsNonRevocation || received.optional('non_revoked') !== undefined,
  }
}

function readPredicate(received: Received, wantsNonRevocation: boolean): RequestedPredicate {
  const comparison = received.member('p_type').text(2)
  if (comparison !== '>=' && comparison !== '>' && comparison !== '<=' && comparison !== '<')
    throw new MalformedError(`${received.path}.p_type`, 'one of >=, >, <= and <')
  return {
    name: received.member('name').text(LONGEST_NAME),
    comparison,
    value: received.member('p_value').integer(LEAST_INT32, MOST_INT32),
    wantsNonRevocation: wantsNonRevocation || received.optional('non_revoked') !== undefined,
  }
}

function isRestriction(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : typeof value === 'object' && value !== null && Object.keys(value).length > 0
}
