// What the wallet says when it does not do something. No message ever has a value, a key or a secret in it.

/** The root of all that this code throws on purpose. `code` is stable. */
export class WalletError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = new.target.name
    this.code = code
  }

  /** A number that goes with the code; null: none. */
  get detail(): number | null {
    return null
  }
}

/** Something from outside does not have the form that it must have. `path` says where, `expected` what. */
export class MalformedError extends WalletError {
  readonly path: string
  readonly expected: string

  constructor(path: string, expected: string) {
    super('malformed', `${path}: expected ${expected}`)
    this.path = path
    this.expected = expected
  }
}

/** Somebody says to be where no wallet goes: on a machine, or in a network, of their own, or without TLS. */
export class NotPublicError extends WalletError {
  constructor() {
    super('not_public', 'services of an invitation: expected an address https://… of a public name')
  }
}

/** Something from outside has the right form and is not true: a signature, a proof, a witness. */
export class CheckFailedError extends WalletError {
  constructor(message: string) {
    super('check_failed', message)
  }
}

/** What is asked cannot be shown with the credentials that were chosen. */
export class CannotProveError extends WalletError {
  constructor(message: string) {
    super('cannot_prove', message)
  }
}

/** Somebody could not be reached, or did not answer in time: nothing is known to be wrong, and it may be tried again. */
export class UnreachableError extends WalletError {
  constructor(message: string) {
    super('unreachable', message)
  }
}

/** Who has a public file said that there is none (HTTP 404 or 410). Of a log or a list that may change yet: it is asked for again. */
export class GoneError extends UnreachableError {}

/** A link leads nowhere: whoever made it has nothing there, or has it no more. */
export class DeadLinkError extends WalletError {
  constructor() {
    super('dead_link', 'there is nothing behind the link')
  }
}

/** Somebody was asked on a connection that stayed open, and did not answer. */
export class SilentError extends UnreachableError {}

/**
 * Something threw that is no WalletError: a fault of ours. It shows as an unhandled rejection, in the console and in tests, and what came
 * next in a queue is dealt with all the same.
 */
export function unexpected(error: unknown): void {
  void Promise.reject(error as Error)
}

/** What was asked of the wallet does not fit the state that an exchange is in. */
export class StateError extends WalletError {
  constructor(message: string) {
    super('state', message)
  }
}
