// JSON that somebody else wrote, read as `strict_json.py` of our agents reads it: what two readers could understand differently
// is refused. That is a member that stands twice, half of a surrogate pair, a byte order mark, whole numbers of 2^53 and more,
// fractions where the format has none, deeper nesting or more bytes than the caller allows (RFC 8259; RFC 7493, I-JSON).

import { MalformedError } from './errors.js'

export interface JsonBounds {
  readonly mostBytes: number
  readonly mostDepth: number
  /** Whether the format has numbers with a fraction or an exponent. */
  readonly fractions?: boolean
}

const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const SPACE = /[ \t\n\r]*/y
const WORDS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([['true', true], ['false', false], ['null', null]])
const MOST_DIGITS = 64

/**
 * The one JSON value in a document. Objects have no prototype, so that no name means anything of its own.
 *
 * @param path what the document is, for errors
 * @throws MalformedError a rule is broken
 */
export function readStrictJson(document: Uint8Array | string, path: string, bounds: JsonBounds): unknown {
  return new Reader(asText(document, path, bounds.mostBytes), path, bounds).whole()
}

/** The text of UTF-8 bytes without a byte order mark. */
export function utf8Text(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new MalformedError(path, 'UTF-8')
  }
}

function asText(document: Uint8Array | string, path: string, mostBytes: number): string {
  if (document.length > mostBytes) throw new MalformedError(path, `at most ${mostBytes} bytes`)
  return typeof document === 'string' ? document : utf8Text(document, path)
}

class Reader {
  readonly #text: string
  readonly #path: string
  readonly #bounds: JsonBounds
  #at = 0

  constructor(text: string, path: string, bounds: JsonBounds) {
    this.#text = text
    this.#path = path
    this.#bounds = bounds
  }

  whole(): unknown {
    const value = this.#value(0)
    this.#skip()
    if (this.#at !== this.#text.length) this.#fail('one JSON value')
    return value
  }

  #value(depth: number): unknown {
    this.#skip()
    const letter = this.#text[this.#at]
    if (letter === '"') return this.#string()
    if (letter === '{' || letter === '[') {
      if (depth === this.#bounds.mostDepth) this.#fail(`at most ${this.#bounds.mostDepth} levels of nesting`)
      this.#at++
      return letter === '{' ? this.#object(depth + 1) : this.#list(depth + 1)
    }
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return value
    }
    return this.#number()
  }

  #object(depth: number): Record<string, unknown> {
    const object = Object.create(null) as Record<string, unknown>
    if (this.#is('}')) return object
    do {
      this.#skip()
      const name = this.#string()
      if (name in object) this.#fail('each member once')
      if (!this.#is(':')) this.#fail('JSON')
      object[name] = this.#value(depth)
    } while (this.#is(','))
    if (!this.#is('}')) this.#fail('JSON')
    return object
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = []
    if (this.#is(']')) return list
    do list.push(this.#value(depth))
    while (this.#is(','))
    if (!this.#is(']')) this.#fail('JSON')
    return list
  }

  #string(): string {
    const text = JSON.parse(this.#match(TEXT)[0]) as string
    if (!isWellFormed(text)) this.#fail('no half of a surrogate pair')
    return text
  }

  #number(): number {
    const [digits, fraction, exponent] = this.#match(NUMBER)
    if (digits.length > MOST_DIGITS) this.#fail(`numbers of at most ${MOST_DIGITS} characters`)
    const value = Number(digits)
    if (fraction === undefined && exponent === undefined) {
      if (!Number.isSafeInteger(value)) this.#fail('whole numbers below 2^53')
    } else if (!this.#bounds.fractions || !Number.isFinite(value)) this.#fail('whole numbers only')
    return value
  }

  #is(letter: string): boolean {
    this.#skip()
    const is = this.#text[this.#at] === letter
    if (is) this.#at++
    return is
  }

  #skip(): void {
    this.#match(SPACE)
  }

  #match(form: RegExp): RegExpExecArray {
    form.lastIndex = this.#at
    const match = form.exec(this.#text) ?? this.#fail('JSON')
    this.#at = form.lastIndex
    return match
  }

  #fail(expected: string): never {
    throw new MalformedError(this.#path, expected)
  }
}

// With the flag u a pair is one character, so what is left of this range is half of one.
function isWellFormed(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text)
}
