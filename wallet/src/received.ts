// What comes from outside, read once: every number and text has a bound that is looked at before any work is done.

import { bitLength, inverse } from './arithmetic.js'
import { MalformedError } from './errors.js'

/** A value of received JSON and where it stands there, for errors. */
export class Received {
  readonly path: string
  readonly #value: unknown

  constructor(value: unknown, path: string) {
    this.#value = value
    this.path = path
  }

  /** A member that must be there. */
  member(name: string): Received {
    const object = this.#object()
    const path = `${this.path}.${name}`
    if (!Object.hasOwn(object, name)) throw new MalformedError(path, 'a value')
    return new Received(object[name], path)
  }

  /** A member, or undefined if it is not there or null. */
  optional(name: string): Received | undefined {
    const object = this.#object()
    return Object.hasOwn(object, name) && object[name] !== null && object[name] !== undefined
      ? this.member(name)
      : undefined
  }

  /** Names and members of an object with at most `most` of them. Names come from outside: no error repeats one. */
  entries(most: number, nameLength: number): [string, Received][] {
    const entries = Object.entries(this.#object())
    if (entries.length > most) throw new MalformedError(this.path, `at most ${most} members`)
    return entries.map(([name, value], index) => {
      if (name.length > nameLength) throw new MalformedError(this.path, `names of at most ${nameLength} characters`)
      return [name, new Received(value, `${this.path}[${index}]`)]
    })
  }

  /** The items of a list with at most `most` of them. */
  items(most: number): Received[] {
    if (!Array.isArray(this.#value)) throw new MalformedError(this.path, 'a list')
    if (this.#value.length > most) throw new MalformedError(this.path, `at most ${most} items`)
    return this.#value.map((value: unknown, index) => new Received(value, `${this.path}[${index}]`))
  }

  text(longest: number): string {
    if (typeof this.#value !== 'string') throw new MalformedError(this.path, 'a text')
    if (this.#value.length > longest) throw new MalformedError(this.path, `a text of at most ${longest} characters`)
    return this.#value
  }

  boolean(): boolean {
    if (typeof this.#value !== 'boolean') throw new MalformedError(this.path, 'true or false')
    return this.#value
  }

  /** A JSON number that is whole, from `least` to `most`. */
  integer(least: number, most: number): number {
    const value = this.#value
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw new MalformedError(this.path, `a whole number from ${least} to ${most}`)
    return value
  }

  /** A whole number from 0 to 2^bits - 1, as a decimal text without sign or leading zeros. */
  decimal(bits: number): bigint {
    const expected = `a decimal number of at most ${bits} bits, without sign or leading zeros`
    const value = this.#digits(expected, /^(0|[1-9][0-9]*)$/, Math.ceil(bits * Math.log10(2)) + 1, BigInt)
    if (value >> BigInt(bits) !== 0n) throw new MalformedError(this.path, expected)
    return value
  }

  /** A number that has an inverse modulo n: above 1, below n - 1, as a decimal text. */
  unit(n: bigint): bigint {
    return Received.units([this], n)[0] as bigint
  }

  /** Numbers that all have an inverse modulo n; to look at their product is to look at each. */
  static units(received: readonly Received[], n: bigint): bigint[] {
    const refused = ({ path }: Received): MalformedError => new MalformedError(path, 'a number above 1 and below n - 1 that has no factor in common with n')
    const values = received.map((each) => {
      const value = each.decimal(bitLength(n))
      if (value <= 1n || value >= n - 1n) throw refused(each)
      return value
    })
    if (inverse(values.reduce((product, value) => (product * value) % n, 1n), n) === undefined)
      throw refused(received[values.findIndex((value) => inverse(value, n) === undefined)] as Received)
    return values
  }

  /** A number from 0 to 2^256 - 1 in hexadecimal. */
  hexadecimal(): bigint {
    return this.#digits('a hexadecimal number of at most 64 digits', /^[0-9A-Fa-f]+$/, 64, (text) => BigInt(`0x${text}`))
  }

  /** The same value, read by somebody else. */
  value(): unknown {
    return this.#value
  }

  #digits(expected: string, form: RegExp, longest: number, read: (text: string) => bigint): bigint {
    const text = this.#value
    if (typeof text !== 'string' || text.length > longest || !form.test(text)) throw new MalformedError(this.path, expected)
    return read(text)
  }

  #object(): Record<string, unknown> {
    const value = this.#value
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new MalformedError(this.path, 'an object')
    return value as Record<string, unknown>
  }
}
