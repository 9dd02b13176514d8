// Which credential can answer which part of a request (AnonCreds 1.0, Create Presentation Request: restrictions). What a restriction
// says that is not known here never holds.

import { comparable, keyName } from '../anoncreds/attributes.js'
import { LONGEST_IDENTIFIER, LONGEST_NAME, LONGEST_VALUE } from '../anoncreds/parameters.js'
import type { Credential } from '../anoncreds/credential.js'
import type { PresentationRequest, RequestedPredicate } from '../anoncreds/presentation_request.js'
import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'

/** All of one alternative must hold; none given: anything goes. */
export type Restrictions = readonly ReadonlyMap<string, string>[]

const MOST_ALTERNATIVES = 256
const MOST_CONDITIONS = 32
const OF_ATTRIBUTE = /^attr::(.+)::(value|marker)$/

/** The restrictions of each referent of a request. */
export function readRestrictions(request: Received): Map<string, Restrictions> {
  const parts = ['requested_attributes', 'requested_predicates'].flatMap((name) => request.member(name).entries(128, LONGEST_NAME))
  const restrictions = new Map(parts.map(([referent, part]) => [referent, alternatives(part.optional('restrictions'))]))
  if (restrictions.size !== parts.length) throw new MalformedError(request.path, 'each referent once')
  return restrictions
}

/** Why a credential cannot answer a referent; undefined if it can. */
export function misfit(credential: Credential, request: PresentationRequest, restrictions: Map<string, Restrictions>, referent: string): 'attribute' | 'restriction' | 'predicate' | undefined {
  const predicate = request.predicates.get(referent)
  const names = predicate ? [predicate.name] : (request.attributes.get(referent)?.names ?? [])
  if (names.length === 0 || names.some((name) => !credential.attributes.has(keyName(name)))) return 'attribute'
  const wanted = restrictions.get(referent) ?? []
  if (wanted.length && !wanted.some((alternative) => [...alternative].every(([name, value]) => holds(credential, name, value)))) return 'restriction'
  return predicate && !isTrue(credential, predicate) ? 'predicate' : undefined
}

/** What a yes tells without showing it: the values that restrictions allow, by attribute, in any of their alternatives. */
export function restrictedTo(restrictions: Restrictions): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [name, value] of restrictions.flatMap((alternative) => [...alternative])) {
    const [, attribute, aspect] = OF_ATTRIBUTE.exec(name) ?? []
    if (attribute === undefined || aspect !== 'value') continue
    const known = values.get(keyName(attribute)) ?? []
    values.set(keyName(attribute), known.includes(value) ? known : [...known, value])
  }
  return values
}

/** Attributes that predicates bound from both sides: how near is for whoever asks to choose, so the value counts as told. */
export function enclosed(request: PresentationRequest): string[] {
  const sides = (sign: string): string[] => [...request.predicates.values()].filter(({ comparison }) => comparison.startsWith(sign)).map(({ name }) => keyName(name))
  return sides('<').filter((name) => sides('>').includes(name))
}

/** What keeps a credential from answering a referent, by name: of an attribute, or of a condition such as `cred_def_id`. */
export interface Failing {
  readonly kind: 'attribute' | 'value' | 'source' | 'predicate'
  readonly name: string
}

/** All that keeps a credential from answering a referent: of several alternatives, the one that lacks least. */
export function failings(credential: Credential, request: PresentationRequest, restrictions: Map<string, Restrictions>, referent: string): Failing[] {
  const predicate = request.predicates.get(referent)
  const names = (predicate ? [predicate.name] : (request.attributes.get(referent)?.names ?? [])).map(keyName)
  const lacking = names.filter((name) => !credential.attributes.has(name)).map((name): Failing => ({ kind: 'attribute', name }))
  const alternatives = (restrictions.get(referent) ?? []).map((alternative) => [...alternative].filter(([name, value]) => !holds(credential, name, value)).map(([name]) => failing(name)))
  const [least = []] = alternatives.sort((one, two) => one.length - two.length)
  const isShort = predicate && lacking.length === 0 && !isTrue(credential, predicate)
  return [...lacking, ...least, ...(isShort ? [{ kind: 'predicate', name: keyName(predicate.name) } as const] : [])]
}

function failing(name: string): Failing {
  const [, attribute] = OF_ATTRIBUTE.exec(name) ?? []
  return attribute === undefined ? { kind: 'source', name } : { kind: 'value', name: keyName(attribute) }
}

function alternatives(received: Received | undefined): Restrictions {
  if (!received) return []
  const list = Array.isArray(received.value()) ? received.items(MOST_ALTERNATIVES) : [received]
  return list.map((each) => new Map(each.entries(MOST_CONDITIONS, LONGEST_NAME + 32).map(([name, value]) => [name, value.text(LONGEST_VALUE)])))
}

function holds(credential: Credential, name: string, value: string): boolean {
  const [, attribute, aspect] = OF_ATTRIBUTE.exec(name) ?? []
  if (attribute !== undefined) {
    const signed = credential.attributes.get(keyName(attribute))
    return signed !== undefined && (aspect === 'marker' ? value === '1' : signed.raw === value)
  }
  const { definitionId, schemaId } = credential
  switch (name) {
    case 'cred_def_id':
      return definitionId === value
    case 'schema_id':
      return schemaId === value
    case 'issuer_did':
    case 'issuer_id':
      return didOf(definitionId) === value
    case 'schema_issuer_did':
    case 'schema_issuer_id':
      return didOf(schemaId) === value
    case 'rev_reg_id':
      return credential.nonRevocation?.registryId === value
    default:
      return false
  }
}

function isTrue(credential: Credential, { name, comparison, value }: RequestedPredicate): boolean {
  const encoded = credential.attributes.get(keyName(name))?.encoded
  const number = encoded === undefined ? undefined : comparable(encoded)
  if (number === undefined) return false
  switch (comparison) {
    case '>=':
      return number >= value
    case '>':
      return number > value
    case '<=':
      return number <= value
    case '<':
      return number < value
  }
}

function didOf(id: string): string {
  return id.slice(0, LONGEST_IDENTIFIER).split('/')[0] as string
}
