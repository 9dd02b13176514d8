// The holder's one secret, in all their credentials (AnonCreds 1.0, Create and Store Link Secret).

import { randomBits } from '../random.js'
import type { Received } from '../received.js'
import { ATTRIBUTE } from './parameters.js'

const MASK = '[link secret]'

/** A link secret. It shows itself in no log, error or JSON: only `seal` gives it away, to whoever encrypts it. */
export class LinkSecret {
  readonly #value: bigint

  private constructor(value: bigint) {
    this.#value = value
  }

  static random(): LinkSecret {
    return new LinkSecret(randomBits(ATTRIBUTE))
  }

  /** The secret that `seal` gave. */
  static unseal(received: Received): LinkSecret {
    return new LinkSecret(received.decimal(ATTRIBUTE))
  }

  /** The secret as decimal text, to be encrypted and kept. */
  seal(): string {
    return this.#value.toString()
  }

  /** The number, for a computation. */
  number(): bigint {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): never {
    throw new TypeError('a link secret is sealed, not written as JSON')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }
}
