// What may be left out of an answer: what the message of a question says, and the request without it
// (docs/adr/0101-left-out-by-a-second-request.md; our agents: `plugins/exchange/left_out.py`).
//
// The lesser request is made of the whole one, so it asks for nothing that was not shown. What would be learnt all the same is not left out.

import { keyName } from '../anoncreds/attributes.js'
import { LONGEST_NAME, MOST_ATTRIBUTES, NONCE } from '../anoncreds/parameters.js'
import { readPresentationRequest, type PresentationRequest } from '../anoncreds/presentation_request.js'
import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import { enclosed, readRestrictions, restrictedTo } from './fitting.js'

const MEMBER = 'may_be_left_out'

/** As a row keeps it. */
export interface LeftOut {
  readonly [name: string]: string | readonly string[]
  /** As the request spells them. */
  readonly attributes: readonly string[]
  readonly nonce: string
}

/** @throws MalformedError it is no part of what is asked */
export function readLeftOut(body: Received, request: Received): LeftOut | undefined {
  const told = body.optional(MEMBER)
  if (!told) return undefined
  const attributes = told.member('attributes').items(MOST_ATTRIBUTES).map((name) => name.text(LONGEST_NAME))
  const left = { attributes, nonce: String(told.member('nonce').decimal(NONCE)) }
  const whole = readPresentationRequest(request)
  const asked = [...whole.attributes.values()].flatMap(({ isGroup, names }) => (isGroup ? names : []))
  const learnt = new Set([...readRestrictions(request).values()].flatMap((restricted) => [...restrictedTo(restricted).keys()]))
  const lesser = withoutLeft(whole, left)
  for (const name of [...[...lesser.attributes.values()].flatMap(({ names }) => names.map(keyName)), ...enclosed(lesser)]) learnt.add(name)
  const isPart = attributes.length > 0 && attributes.every((name) => asked.includes(name) && !learnt.has(keyName(name)))
  if (!isPart || lesser.nonce === whole.nonce || lesser.nonce === 0n || [...lesser.attributes.values()].some(({ names }) => !names.length)) throw new MalformedError(MEMBER, 'a part of what is asked')
  return left
}

/** What is asked without it. */
export function withoutLeft(request: PresentationRequest, { attributes, nonce }: LeftOut): PresentationRequest {
  const rest = [...request.attributes].map(([referent, asked]) => [referent, asked.isGroup ? { ...asked, names: asked.names.filter((name) => !attributes.includes(name)) } : asked] as const)
  return { ...request, nonce: BigInt(nonce), attributes: new Map(rest) }
}

/** What a row says. */
export function leftOutIn(row: JsonObject): LeftOut | undefined {
  return row['mayLeaveOut'] as LeftOut | undefined
}
