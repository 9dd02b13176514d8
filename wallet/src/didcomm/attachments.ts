// What is attached to messages (Aries RFC 0017), with the formats of RFC 0771.

import { base64, fromAnyBase64 } from '../base64.js'
import { MalformedError } from '../errors.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import { readStrictJson } from '../strict_json.js'

const MOST_DEPTH = 32
const LONGEST_FORMAT = 128

/** The members that attach JSON to a message. AIP 2.0 wants base64. */
export function attach(name: string, format: string, value: object): JsonObject {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  return {
    formats: [{ attach_id: 'anoncreds', format }],
    [name]: [{ '@id': 'anoncreds', 'mime-type': 'application/json', data: { base64: base64(bytes) } }],
  }
}

/** The one attachment of a message, which must be of this format. */
export function readAttached(body: Received, name: string, format: string, mostBytes: number): Received {
  const [declared, ...otherFormats] = body.member('formats').items(4)
  const [attachment, ...others] = body.member(name).items(4)
  if (!declared || !attachment || otherFormats.length || others.length || declared.member('format').text(LONGEST_FORMAT) !== format)
    throw new MalformedError(body.member(name).path, `one ${format}`)
  if (declared.member('attach_id').text(LONGEST_FORMAT) !== attachment.member('@id').text(LONGEST_FORMAT))
    throw new MalformedError(attachment.path, 'the attachment that its format names')
  return decoded(attachment, mostBytes)
}

/** What an attachment holds, as base64 or as JSON. */
export function decoded(attachment: Received, mostBytes: number): Received {
  const data = attachment.member('data')
  const encoded = data.optional('base64')
  if (!encoded) return data.member('json')
  const bytes = fromAnyBase64(encoded.text(Math.ceil(mostBytes / 3) * 4), encoded.path)
  return new Received(readStrictJson(bytes, attachment.path, { mostBytes, mostDepth: MOST_DEPTH }), attachment.path)
}
