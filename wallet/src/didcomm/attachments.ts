// What is attached to messages (Aries RFC 0017), with the formats of RFC 0771.

import { base64, fromAnyBase64 } from '../base64.js'
import { MalformedError } from '../errors.js'
import { Received } from '../received.js'
import type { Json, JsonObject } from '../store.js'
import { readStrictJson } from '../strict_json.js'
import { packed, unpacked } from './packed.js'

const MOST_DEPTH = 32
const LONGEST_FORMAT = 128

/**
 * The members that attach JSON to a message, as it is kept until it is sent: base64 would not shrink where it is compressed.
 *
 * @param isPacked with packed numbers (`packed.ts`), for who said that they take them
 */
export function attach(name: string, format: string, value: object, isPacked = false): JsonObject {
  const text = JSON.stringify(value)
  return {
    formats: [{ attach_id: 'anoncreds', format }],
    [name]: [{ '@id': 'anoncreds', 'mime-type': 'application/json', data: isPacked ? { packed: packed(JSON.parse(text) as Json) } : { text } }],
  }
}

/** A message as it is sent: AIP 2.0 wants what is attached in base64. The same one comes out the same each time. */
export function asSent(message: JsonObject): JsonObject {
  const members = Object.entries(message).map(([name, value]): [string, Json] => [name, name.endsWith('~attach') && Array.isArray(value) ? (value as Json[]).map(attachedAsSent) : value])
  return Object.fromEntries(members)
}

function attachedAsSent(attached: Json): Json {
  const { data, ...rest } = attached as { readonly data: JsonObject }
  const text = data['text']
  return { ...rest, data: typeof text === 'string' ? { base64: base64(new TextEncoder().encode(text)) } : data }
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
  const numbers = data.optional('packed')
  if (numbers) {
    const value = unpacked(numbers.value() as Json, attachment.path)
    if (JSON.stringify(value).length > mostBytes) throw new MalformedError(attachment.path, `at most ${mostBytes} bytes`)
    return new Received(value, attachment.path)
  }
  if (!encoded) return data.member('json')
  const bytes = fromAnyBase64(encoded.text(Math.ceil(mostBytes / 3) * 4), encoded.path)
  return new Received(readStrictJson(bytes, attachment.path, { mostBytes, mostDepth: MOST_DEPTH }), attachment.path)
}
