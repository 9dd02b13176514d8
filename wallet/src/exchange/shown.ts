// What is asked and answered by codes on a screen, without a network (docs/adr/0119-shown-without-a-network.md; our agents:
// `plugins/trust/offline/messages.py`).
//
// Nobody signs a request: whoever shows it says who asks. It names the thread of the question, and so does the answer, whose proof
// answers the nonce of the request: for another question it is none.

import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '../base58.js'
import { told } from '../didcomm/message.js'
import { MalformedError } from '../errors.js'
import { canonicalBytes } from '../jcs.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import { readStrictJson } from '../strict_json.js'
import { readLeftOut, type LeftOut } from './left_out.js'

const REQUEST = 'wanderbuch-offline-request/1.0'
const ANSWER = 'wanderbuch-offline-answer/1.0'
const MOST_BYTES = 128 * 1024
const LONGEST_DID = 2048
const IDENTIFIER = /^[A-Za-z0-9._:-]{1,128}$/

/** A request that was read from codes. */
export interface ShownRequest {
  /** Of the whole request: the same one read again is known by it. */
  readonly digest: string
  readonly thread: string
  /** Who asks, by their own word. */
  readonly asker: string
  readonly goalCode: string | undefined
  readonly request: Received
  /** What an answer may leave out (ADR 101). */
  readonly mayLeaveOut: LeftOut | undefined
}

/** @throws MalformedError it is none */
export function readShownRequest(bytes: Uint8Array): ShownRequest {
  const body = new Received(readStrictJson(bytes, 'codes', { mostBytes: MOST_BYTES, mostDepth: 32 }), 'codes')
  if (body.member('type').text(64) !== REQUEST) throw new MalformedError('codes', 'a request')
  const thread = body.member('id').text(128)
  if (!IDENTIFIER.test(thread)) throw new MalformedError('codes.id', 'an identifier')
  const asker = body.member('asker').text(LONGEST_DID)
  if (!/^did:[a-z0-9]+:\S+$/.test(asker)) throw new MalformedError('codes.asker', 'a DID')
  const request = body.member('request')
  return { digest: base58(sha256(canonicalBytes(body.value()))), thread, asker, goalCode: told(body.optional('goal_code'), 128), request, mayLeaveOut: readLeftOut(body, request) }
}

/** The answer as it is shown. */
export function shownAnswer(thread: string, presentation: object): string {
  return JSON.stringify({ type: ANSWER, id: thread, presentation })
}

/** Of rows of questions: those whose answers were shown, without them. An answer is shown while its question is the newest. */
export function withoutShown(rows: readonly [string, JsonObject][]): [string, JsonObject][] {
  return rows.filter(([, row]) => row['shown'] !== undefined).map(([id, { shown: _, ...rest }]) => [id, rest])
}
