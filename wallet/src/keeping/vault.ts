// A vault at its host, over https: numbered revisions of ciphertext (`agents/wallet_host` of our agents).
//
// 1. A write names the revision that it comes after. Whoever wrote since has gone on with the book elsewhere: `OvertakenError`.
// 2. What is written is signed: to whom, what, upon which number, with which content. Nobody else can write.
// 3. A revision is sealed for its number and its kind; a further one for the revision before it, by that one's digest. So a host can
//    leave out the newest ones and nothing else, and not mix two courses of one book.
// 4. That it was deleted is believed of the signature alone, which only who has the key can have made.

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, toHex } from '../bytes.js'
import { deflated, inflated as inflatedUpTo } from '../deflate.js'
import { CheckFailedError, UnreachableError, WalletError } from '../errors.js'
import type { VaultKey } from './vault_key.js'

const PATH = '/vault'
const LENGTH_BYTES = 4
const MOST_BYTES = 72 << 20
const DEADLINE_MS = 60_000
const TAG = /^"(0|[1-9][0-9]{0,15})"$/
const BLOCK = 512
const MARK = 0x80
const MOST_OPENED = 64 << 20

/** Somebody has written since: the book is open elsewhere, or the host knows less than we (`number` says which). */
export class OvertakenError extends WalletError {
  /** The vault's number now. */
  readonly number: number

  constructor(number: number) {
    super('overtaken', 'the book was opened elsewhere')
    this.number = number
  }
}

/** The vault was deleted by who has its key. */
export class VaultDeletedError extends WalletError {
  constructor() {
    super('vault_deleted', 'the book was deleted')
  }
}

/** No room in the vault: a base may still come in place of everything. */
export class VaultFullError extends WalletError {
  constructor() {
    super('vault_full', 'there is no room for the book')
  }
}

/** What is in a vault: sealed revisions, from the newest base on. */
export interface VaultContent {
  /** Of the newest revision. */
  readonly number: number
  readonly base: number
  readonly revisions: readonly Uint8Array[]
}

/** What a revision is made of; a further one of form 3 needs the ones before it to be understood. */
type Form = 2 | 3

export interface Sealed {
  readonly after: number
  /** Digest of the revision that it comes after, where it is known: a host that came back from an older copy counts numbers again. */
  readonly upon?: string
  readonly isBase: boolean
  readonly sealed: Uint8Array
}

/** By what a revision is known: SHA-256, in hexadecimal. */
export function digestOf(sealed: Uint8Array): string {
  return toHex(sha256(sealed))
}

/** What asks: `fetch`, or a test's own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

const byFetch: Fetch = (url, init) => fetch(url, init)

/**
 * Ask a vault what is new before its key is at hand: whose it is says the id, and what comes is ciphertext. Gives what asks, which has that
 * answer for who asks the same first.
 */
export function askedEarly(origin: string, id: string, known: number, digest?: string): Fetch {
  const [url, init] = requestOf(origin, 'GET', id, knowing(known, digest))
  const answer = byFetch(url, init)
  answer.catch(() => undefined)
  let isGiven = false
  return (other, otherInit) => {
    if (isGiven || other !== url || otherInit.method !== 'GET' || JSON.stringify(otherInit.headers) !== JSON.stringify(init.headers)) return byFetch(other, otherInit)
    isGiven = true
    // What failed then need not fail now.
    return answer.then((came) => (came.status < 500 && came.status !== 429 ? came : byFetch(other, otherInit)), () => byFetch(other, otherInit))
  }
}

export class Vault {
  readonly #origin: string
  readonly #key: VaultKey
  readonly #fetch: Fetch

  /** @param origin of the host: `https://wallet.example.org` */
  constructor(origin: string, key: VaultKey, ask: Fetch = byFetch) {
    this.#origin = origin
    this.#key = key
    this.#fetch = ask
  }

  /**
   * What is in the vault; undefined: there is none; the number alone if that is `known`, and so nothing is new.
   *
   * @param digest of the revision of that number
   */
  async read(known = 0, digest?: string): Promise<VaultContent | undefined> {
    const response = await this.#ask('GET', knowing(known, digest))
    if (response.status === 304) return { number: known, base: known, revisions: [] }
    if (response.status === 404) return undefined
    const bytes = new Uint8Array(await bodyOf(response))
    if (response.status !== 200 || bytes.length > MOST_BYTES) throw this.#refused(response)
    const [number, base] = [numberOf(response), Number(response.headers.get('Vault-Base'))]
    const revisions = split(bytes)
    if (!(base >= 1) || revisions.length !== number - base + 1) throw new CheckFailedError('the vault gives other revisions than it says')
    return { number, base, revisions }
  }

  /**
   * Write a revision; gives its number. The same one again is the same one.
   *
   * @throws OvertakenError the vault has another number (1)
   */
  async write({ after, upon, isBase, sealed }: Sealed): Promise<number> {
    const response = await this.#ask('PUT', {
      ...(after ? { 'If-Match': `"${after}"` } : { 'If-None-Match': '*' }),
      ...(isBase && { 'Vault-Base': '?1' }),
      ...(after && upon !== undefined && { 'Vault-Newest': upon }),
      'Content-Type': 'application/octet-stream',
      'Vault-Signature': this.#key.sign(this.#signed(isBase ? 'base' : 'further', after, sealed)),
    }, sealed)
    if (response.status !== 204) throw this.#refused(response)
    const number = numberOf(response)
    if (number !== after + 1) throw new CheckFailedError('the vault says another number than it must')
    return number
  }

  /** Delete what is in the vault, for all phones; nothing there: done. */
  async delete(): Promise<void> {
    const response = await this.#ask('DELETE', { 'Vault-Signature': this.#key.sign(this.#deletion()) })
    if (response.status !== 204 && response.status !== 404) throw this.#refused(response)
  }

  /**
   * Seal a revision for its place (3): compressed, and padded, so that its length tells less.
   *
   * @param before digest of the revision that it adds to; undefined: it is a base, which stands for itself
   * @param upon digest of the revision that a base comes after, where it is known
   * @param form 3: it has rows that say only what changed in them; who does not know such ones must not read it
   */
  async seal(content: string, after: number, before?: string, upon = before, form: Form = 2): Promise<Sealed> {
    const packed = padded(await deflated(new TextEncoder().encode(content)))
    return { after, ...(upon !== undefined && { upon }), isBase: before === undefined, sealed: this.#key.sealRevision(packed, this.#place(after + 1, before, form)) }
  }

  /** @throws CheckFailedError a revision is not ours, or not of this place */
  async open({ base, revisions }: VaultContent): Promise<string[]> {
    const before = (index: number): string | undefined => (index ? digestOf(revisions[index - 1] as Uint8Array) : undefined)
    const opened = revisions.map((sealed, index) => unpadded(this.#opened(sealed, base + index, before(index))))
    return Promise.all(opened.map(async (packed) => new TextDecoder().decode(await inflated(packed))))
  }

  // In the form that it has (3): a base has but one.
  #opened(sealed: Uint8Array, number: number, before: string | undefined): Uint8Array {
    try {
      return this.#key.openRevision(sealed, this.#place(number, before))
    } catch (error) {
      if (before === undefined) throw error
      return this.#key.openRevision(sealed, this.#place(number, before, 3))
    }
  }

  #place(number: number, before: string | undefined, form: Form = 2): string {
    return `wanderbuch revision ${form}\n${this.#key.id}\n${number}\n${before === undefined ? 'base' : `further\n${before}`}`
  }

  #deletion(): string {
    return this.#signed('delete', 0, new Uint8Array())
  }

  // 4
  #refused(response: Response): WalletError {
    if (response.status !== 410) return refused(response)
    const isOurs = this.#key.isSigned(this.#deletion(), response.headers.get('Vault-Signature') ?? '')
    return isOurs ? new VaultDeletedError() : new CheckFailedError('the host says that the book was deleted, and nobody has signed it')
  }

  // 2; as `vault_call.py` of our agents has it
  #signed(what: string, after: number, sealed: Uint8Array): string {
    return `wanderbuch vault 1\n${this.#origin}\n${what}\n${after}\n${toHex(sha256(sealed))}`
  }

  async #ask(method: string, headers: Record<string, string>, body?: Uint8Array): Promise<Response> {
    const [url, init] = requestOf(this.#origin, method, this.#key.id, headers)
    try {
      return await this.#fetch(url, { ...init, ...(body && { body: body as Uint8Array<ArrayBuffer> }) })
    } catch {
      throw new UnreachableError('the host of the vault cannot be reached')
    }
  }
}

function knowing(known: number, digest: string | undefined): Record<string, string> {
  const newest = digest === undefined ? {} : { 'Vault-Newest': digest }
  return known ? { 'If-None-Match': `"${known}"`, ...newest } : {}
}

function requestOf(origin: string, method: string, id: string, headers: Record<string, string>): [string, RequestInit] {
  const options = { credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store', redirect: 'error' } as const
  return [`${origin}${PATH}`, { ...options, method, headers: { ...headers, 'Vault-Key': id }, signal: AbortSignal.timeout(DEADLINE_MS) }]
}

function refused(response: Response): WalletError {
  switch (response.status) {
    case 412:
      return new OvertakenError(numberOf(response))
    case 413:
    case 507:
      return new VaultFullError()
    default:
      if (response.status >= 500 || response.status === 429 || response.status === 408) return new UnreachableError('the host of the vault cannot do it now')
      return new CheckFailedError('the host of the vault does not take it')
  }
}

function numberOf(response: Response): number {
  const number = Number(TAG.exec(response.headers.get('ETag') ?? '')?.[1] ?? Number.NaN)
  if (!Number.isSafeInteger(number)) throw new CheckFailedError('the vault says no number')
  return number
}

async function bodyOf(response: Response): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer()
  } catch {
    throw new UnreachableError('the connection broke')
  }
}

function split(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = at + LENGTH_BYTES <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0) : Infinity
    at += LENGTH_BYTES + length
    if (at > bytes.length) throw new CheckFailedError('the vault gives half a revision')
    parts.push(bytes.subarray(at - length, at))
  }
  return parts
}

// Zeros behind a mark (ISO/IEC 7816-4), up to whole blocks.
export function padded(content: Uint8Array): Uint8Array {
  return concat(content, Uint8Array.of(MARK), new Uint8Array(BLOCK - 1 - (content.length % BLOCK)))
}

export function unpadded(content: Uint8Array): Uint8Array {
  const end = content.lastIndexOf(MARK)
  if (end < 0 || content.subarray(end + 1).some((byte) => byte !== 0)) throw new CheckFailedError('a revision has another end than it must')
  return content.subarray(0, end)
}

export { deflated }

export function inflated(content: Uint8Array): Promise<Uint8Array> {
  return inflatedUpTo(content, MOST_OPENED)
}
