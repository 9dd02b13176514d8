// The governance file that the wallet believes: fetched from where its author publishes it, checked, and remembered, so that nobody
// shows an older one. What was checked is at hand for some minutes; only parts that a question needs are fetched of a divided file.
//
// 1. The author is pinned: whoever serves the page says who it is, before anything is fetched.
// 2. Versions never go back, and one number never means two files, also across visits ('seen').
// 3. Where parties sign, those of the version seen last must have signed the next one; versions that were missed are gone through.
// 4. What cannot be checked now is not there: nothing is decided on an older copy; without a network, on what was fetched last, if its
//    author still vouches for it (`freshness.jws`), and for some seconds only: then the network is asked again.
// 5. Parts that an earlier visit fetched are kept, and checked again when they are read: the file names them by their digests.
// 6. Whoever asks while it, or a part of it, is fetched waits for that same fetch, and shares its failure for some seconds.

import { locksOf } from '../agent/locks.js'
import { UnreachableError, CheckFailedError } from '../errors.js'
import type { PublicFiles } from '../public_files.js'
import { Received } from '../received.js'
import type { Change, JsonObject, Store } from '../store.js'
import { assertionKeys } from '../webvh/document.js'
import type { WebvhResolver } from '../webvh/resolver.js'
import { holds, partOf, type Signatories, type Snapshot } from './facts.js'
import type { KeyResolver } from './jws.js'
import { accept, MOST_FILE_BYTES, readPart, snapshotOf, verifyFile, verifyFreshness, type Freshness, type SeenVersion, type SignedFile } from './signed.js'

const LIFETIME_MS = 5 * 60_000
const FAILED_MS = 5_000
const MOST_JWS_BYTES = Math.floor((MOST_FILE_BYTES * 4) / 3) + 32 * 4096
const MOST_FRESHNESS_BYTES = 8_192
const MOST_MISSED = 32

/** Whom the wallet believes, and the folder of their file: `current.jws` and `freshness.jws` lie in it. */
export interface Followed {
  readonly url: string
  readonly author: string
}

interface AtHand {
  readonly signed: SignedFile
  readonly freshness: Freshness
  readonly parts: Map<number, readonly Received[]>
  /** Parts that are being fetched, or could not be (6). */
  readonly coming: Map<number, Fetched<void>>
}

interface Fetched<What> {
  /** Until when it counts, or its failure does; Infinity while it is under way. */
  until: number
  readonly read: Promise<What>
  /** What it came to; undefined: it is under way, or failed. */
  came?: What
}

interface Seen extends SeenVersion {
  readonly signatories: Signatories | undefined
}

export class Governance {
  readonly #followed: Followed
  readonly #files: PublicFiles
  readonly #store: Store
  readonly #resolver: WebvhResolver
  readonly #resolve: KeyResolver
  #fetched: Fetched<AtHand> | undefined

  constructor(followed: Followed, files: PublicFiles, store: Store, resolver: WebvhResolver) {
    this.#followed = followed
    this.#files = files
    this.#store = store
    this.#resolver = resolver
    this.#resolve = async (kid) => assertionKeys(await resolver.resolve(kid.slice(0, kid.indexOf('#')))).get(kid)
  }

  /**
   * The file as far as it speaks of some DIDs.
   *
   * @throws UnreachableError it could not be fetched (4)
   * @throws CheckFailedError, MalformedError it is not what its author signed
   */
  async snapshot(dids: readonly string[]): Promise<Snapshot> {
    const atHand = await this.#now()
    const { signed, freshness, parts } = atHand
    const { division } = signed.file
    if (division) await Promise.all([...new Set(dids.map((did) => partOf(division, did)))].map((number) => this.#withPart(atHand, number)))
    const snapshot = snapshotOf(signed, freshness, parts)
    if (!dids.every((did) => holds(snapshot.file, did))) throw new UnreachableError('a part of the governance file is missing')
    return snapshot
  }

  /** Whether a snapshot of these DIDs is at hand, or cannot be had now: nothing of it is still to come. */
  isSettled(dids: readonly string[]): boolean {
    if (!isSettled(this.#fetched)) return false
    const { came } = this.#fetched
    const division = came?.signed.file.division
    return !came || !division || dids.map((did) => partOf(division, did)).every((part) => came.parts.has(part) || isSettled(came.coming.get(part)))
  }

  // 6
  #now(): Promise<AtHand> {
    if (this.#fetched && Date.now() < this.#fetched.until) return this.#fetched.read
    const before = this.#files.oldReads
    const fetched: Fetched<AtHand> = { until: Infinity, read: this.#fetch() }
    const lasts = (ms: number) => void (fetched.until = Date.now() + ms)
    fetched.read.then(
      (came) => {
        fetched.came = came
        lasts(this.#files.oldReads === before ? LIFETIME_MS : FAILED_MS)
      },
      () => lasts(FAILED_MS),
    )
    this.#fetched = fetched
    return fetched.read
  }

  async #fetch(): Promise<AtHand> {
    const { author } = this.#followed
    const seen = await this.#seen()
    const current = this.#beside('current.jws')
    const keys = this.#resolver.resolve(author) // needed for both, and looked at there
    keys.catch(() => undefined)
    const vouched = this.#beside('freshness.jws')
    const [jws, statement] = await Promise.all([this.#files.fetch(current, MOST_JWS_BYTES), this.#files.fetch(vouched, MOST_FRESHNESS_BYTES)])
    const signed = await this.#verified(jws, seen)
    const freshness = await verifyFreshness(statement, author, this.#resolve, Date.now())
    await this.#remember(signed)
    await this.#files.keep(current, jws)
    await this.#files.keep(vouched, statement)
    return { signed, freshness, parts: new Map(), coming: new Map() }
  }

  // 3
  async #verified(jws: Uint8Array, seen: Seen | undefined): Promise<SignedFile> {
    const { author } = this.#followed
    let previous = seen?.signatories
    const newest = await verifyFile(jws, author, this.#resolve)
    if (!seen || newest.file.version <= seen.version || (!previous && !newest.file.signatories)) return newest
    if (newest.file.version - seen.version > MOST_MISSED) throw new CheckFailedError('too many versions of the governance file were missed')
    for (let version = seen.version + 1; version < newest.file.version; version++) {
      const missed = await verifyFile(await this.#files.once(this.#beside(`versions/${version}.jws`), MOST_JWS_BYTES), author, this.#resolve, previous)
      if (missed.file.version !== version || missed.file.id !== seen.id) throw new CheckFailedError('a version of the governance file is another')
      previous = missed.file.signatories
    }
    return verifyFile(jws, author, this.#resolve, previous)
  }

  #withPart({ signed, parts, coming }: AtHand, number: number): Promise<void> {
    if (parts.has(number)) return Promise.resolve()
    const known = coming.get(number)
    if (known && Date.now() < known.until) return known.read
    const reading: Fetched<void> = { until: Infinity, read: this.#part(signed, number).then((part) => void parts.set(number, part)) }
    reading.read.then(() => coming.delete(number), () => (reading.until = Date.now() + FAILED_MS))
    coming.set(number, reading)
    return reading.read
  }

  async #part(signed: SignedFile, number: number): Promise<readonly Received[]> {
    const part = signed.file.division?.parts[number]
    if (!part) throw new CheckFailedError('the governance file has no such part')
    return this.#files.lasting(this.#beside(`parts/${part.digest.slice('sha256:'.length)}.json`), part.bytes, (bytes) => readPart(signed, number, bytes))
  }

  #beside(path: string): string {
    return `${this.#followed.url}/${path}`
  }

  get #row(): string {
    return `governance ${this.#followed.author}`
  }

  async #seen(): Promise<Seen | undefined> {
    const row = await this.#store.get('seen', this.#row)
    if (!row) return undefined
    const received = new Received(row, 'seen')
    const signatories = received.optional('signatories')
    return {
      id: received.member('id').text(512),
      version: received.member('version').integer(1, Number.MAX_SAFE_INTEGER),
      digest: received.member('digest').text(80),
      signatories: signatories && {
        threshold: signatories.member('threshold').integer(1, 32),
        parties: signatories.member('parties').items(32).map((party) => party.text(2_048)),
      },
    }
  }

  // 2: against what was seen by now, which may be newer than what was seen when it was asked for.
  #remember(signed: SignedFile): Promise<void> {
    return locksOf(this.#store).run(this.#row, async () => {
      const before = await this.#seen()
      const seen = accept(before, signed)
      if (before && before.version === seen.version && before.digest === seen.digest) return
      const { signatories } = signed.file
      const value: JsonObject = { ...seen, signatories: signatories ? { threshold: signatories.threshold, parties: [...signatories.parties] } : null }
      const change: Change = { kind: 'seen', id: this.#row, value }
      await this.#store.write([change])
    })
  }
}

// It came, or failed, and that still counts.
function isSettled<What>(fetched: Fetched<What> | undefined): fetched is Fetched<What> {
  return fetched !== undefined && fetched.until !== Infinity && Date.now() < fetched.until
}
