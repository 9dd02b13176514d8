// DIDComm v1 messages (Aries RFCs 0003, 0008, 0011, 0348) as they come and go.

import { Received } from '../received.js'
import { MalformedError } from '../errors.js'
import type { JsonObject } from '../store.js'
import { readStrictJson } from '../strict_json.js'
import { MOST_ENVELOPE_BYTES, type Opened } from './envelope.js'
import type { Verkey } from './keys.js'

export const PREFIX = 'https://didcomm.org/'
const OLD_PREFIX = 'did:sov:BzCbsNYhMrjHiqZDTUASHg;spec/'
const LONGEST_TYPE = 256
const ID = /^[!-~]{1,128}$/
const MOST_DEPTH = 32

/** A message that came, only its form checked. */
export interface Incoming {
  /** Our key that it came to. */
  readonly to: Verkey
  /** The key that it came from, proven; undefined if nobody said. */
  readonly from: Verkey | undefined
  /** Protocol, version and name: "issue-credential/2.0/offer-credential". */
  readonly kind: string
  readonly id: string
  /** The thread that it is on; its own id if it begins one. */
  readonly thread: string
  readonly body: Received
  /** Bytes that follow it, of a mediator's (ADR 120). */
  readonly tail?: Uint8Array | undefined
}

/** The message in an opened envelope. */
export function readMessage({ to, from, content, tail }: Opened, mostBytes = MOST_ENVELOPE_BYTES): Incoming {
  const body = new Received(readStrictJson(content, 'message', { mostBytes, mostDepth: MOST_DEPTH }), 'message')
  const id = identifier(body.member('@id'))
  const thread = body.optional('~thread')?.optional('thid')
  return { to, from, kind: kindOf(body), id, thread: thread ? identifier(thread) : id, body, tail }
}

/** The type of a message without its prefix; both of its prefixes are in use (RFC 0348). */
export function kindOf(body: Received): string {
  const type = body.member('@type').text(LONGEST_TYPE)
  const prefix = [PREFIX, OLD_PREFIX].find((each) => type.startsWith(each))
  if (prefix === undefined) throw new MalformedError(`${body.path}.@type`, `a type of ${PREFIX}`)
  return type.slice(prefix.length)
}

/** An id of a message or thread: short, of characters that can stand in a log. */
export function identifier(received: Received): string {
  const id = received.text(128)
  if (!ID.test(id)) throw new MalformedError(received.path, 'an id of 1 to 128 printable characters')
  return id
}

/** A message of ours. */
export function message(kind: string, members: JsonObject, thread?: { readonly thid: string; readonly pthid?: string }): JsonObject {
  return { '@type': PREFIX + kind, '@id': crypto.randomUUID(), ...(thread && { '~thread': { ...thread } }), ...members }
}

/** Something that people are shown, cut short, without what cannot be printed. It proves nothing. */
export function told(received: Received | undefined, longest = 512): string | undefined {
  const value = received?.value()
  if (typeof value !== 'string') return undefined
  return value.slice(0, 4 * longest).replace(/[\p{C}\p{Z}]+/gu, ' ').trim().slice(0, longest) || undefined
}
