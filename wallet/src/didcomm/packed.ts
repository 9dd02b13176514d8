// JSON of AnonCreds with its long numbers as the bytes that they are (ADR 120; `plugins/exchange/packed_numbers.py` of our agents is the
// same): `#n` and base64url for a text of 24 to 4,000 digits, `#b` for a list of 16 or more bytes, `##` for any other text with `#` first.
// In what comes, `#N` and `#B` name the bytes by their place among those that follow the message. Nothing is compressed: the length tells nothing of what the numbers are.

import { base64url, fromBase64url } from '../base64.js'
import { toBytes, toNumber } from '../bytes.js'
import { MalformedError } from '../errors.js'
import type { Json, JsonObject } from '../store.js'

const NUMBER = /^[1-9][0-9]{23,3999}$/
const PLACE = /^#([NB])([0-9]{1,7}),([0-9]{1,6})$/
const MOST_NUMBER = 2_220
const MOST_DIGITS = 4_000
const LEAST_LIST = 16

export function packed(value: Json): Json {
  if (typeof value === 'string') {
    if (NUMBER.test(value)) return `#n${base64url(toBytes(BigInt(value)))}`
    return value.startsWith('#') ? `#${value}` : value
  }
  if (Array.isArray(value)) {
    const items = value as readonly Json[]
    return items.length >= LEAST_LIST && items.every(isByte) ? `#b${base64url(Uint8Array.from(items as number[]))}` : items.map(packed)
  }
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, packed(item)])) : value
}

/**
 * What `packed` was given.
 *
 * @param path what it is, for errors
 * @throws MalformedError it is not what `packed` gives
 */
export function unpacked(value: Json, path: string): Json {
  if (typeof value === 'string') return value.startsWith('#') ? textOf(value, path) : value
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => unpacked(item, path))
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unpacked(item, path)])) : value
}

/**
 * A message that came, with what follows it in the attachments that name it there.
 *
 * @throws MalformedError they name more than follows
 */
export function withTail(message: JsonObject, tail: Uint8Array): JsonObject {
  let left = tail.length // each byte counts once: no few bytes become many
  const inlined = (value: Json): Json => {
    if (typeof value === 'string') {
      const [, kind, at, length] = PLACE.exec(value) ?? []
      if (!kind) return value
      const [begin, end] = [Number(at), Number(at) + Number(length)]
      if (end > tail.length || (left -= end - begin) < 0) throw new MalformedError('message', 'the bytes that follow it')
      return `#${kind.toLowerCase()}${base64url(tail.subarray(begin, end))}`
    }
    if (Array.isArray(value)) return (value as readonly Json[]).map(inlined)
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inlined(item)])) : value
  }
  const attached = (item: Json): Json => {
    const { data, ...rest } = (item ?? {}) as { readonly data?: JsonObject }
    return data?.['packed'] === undefined ? item : { ...rest, data: { ...data, packed: inlined(data['packed']) } }
  }
  const members = Object.entries(message).map(([name, value]): [string, Json] => [name, name.endsWith('~attach') && Array.isArray(value) ? (value as Json[]).map(attached) : value])
  return Object.fromEntries(members)
}

function textOf(value: string, path: string): Json {
  const [kind, rest] = [value[1], value.slice(2)]
  if (kind === '#') return value.slice(1)
  if (kind === 'b') return [...fromBase64url(rest, path)]
  const text = kind === 'n' && rest.length <= MOST_NUMBER ? String(toNumber(fromBase64url(rest, path))) : ''
  if (!text || text.length > MOST_DIGITS) throw new MalformedError(path, 'packed numbers')
  return text
}

function isByte(value: Json): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256
}
