// Public files: fetched, and kept on this phone so that the next visit need not fetch them again.
//
// 1. What is kept proves nothing: whoever reads it checks it as if it had come just now.
// 2. Only what was checked is kept, sealed, on this phone alone ('object'); of so many files, so many bytes; the one that was used
//    longest ago goes first.
// 3. A file that may change is asked for at each visit; a file that its address names by a digest is read from here.
// 4. Without a network, what may change is read as it was last kept by whoever wants that (`readAlsoWhile`), and by nobody else: how old
//    it may be is for its signer to say.

import { base64, fromAnyBase64 } from './base64.js'
import { deflated, inflated } from './deflate.js'
import { UnreachableError, WalletError } from './errors.js'
import type { Network } from './network.js'
import type { Change, JsonObject, Store } from './store.js'

const PREFIX = 'file '
const MOST_FILES = 64
const MOST_EACH = 400 * 1024
const MOST_ALL = 1_536 * 1024
const MOST_OPENED = 4 << 20
const DAY_MS = 86_400_000

interface Place {
  readonly size: number
  /** The day that it was used last: days since 1970. */
  readonly day: number
}

/** Which files are kept, the one that was used longest ago first. */
interface Shelf {
  places?: Promise<Map<string, Place>>
}

export class PublicFiles {
  readonly #network: Network
  readonly #store: Store
  readonly #isAway: () => boolean
  readonly #shelf: Shelf

  constructor(network: Network, store: Store, isAway: () => boolean = () => false, shelf: Shelf = {}) {
    this.#network = network
    this.#store = store
    this.#isAway = isAway
    this.#shelf = shelf
  }

  /** The same files, for who also reads what was kept while there is no network (4). */
  readAlsoWhile(isAway: () => boolean): PublicFiles {
    return new PublicFiles(this.#network, this.#store, isAway, this.#shelf)
  }

  /** A file that may change, as it is now (3), or as it was last kept (4). */
  async fetch(url: string, mostBytes: number): Promise<Uint8Array> {
    const kept = await this.kept(url)
    try {
      return await this.#network.get(url, mostBytes, kept)
    } catch (error) {
      if (!kept || kept.length > mostBytes || !(error instanceof UnreachableError) || !this.#isAway()) throw error
      return kept
    }
  }

  /** A file that is not kept. */
  once(url: string, mostBytes: number): Promise<Uint8Array> {
    return this.#network.get(url, mostBytes)
  }

  /**
   * A file whose address names it by a digest (3).
   *
   * @param read checks the digest, and all else (1)
   */
  async lasting<T>(url: string, mostBytes: number, read: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    const kept = await this.kept(url)
    if (kept && kept.length <= mostBytes) {
      try {
        const value = await read(kept)
        await this.#used(url)
        return value
      } catch (error) {
        if (!(error instanceof WalletError)) throw error
      }
    }
    const bytes = await this.#network.get(url, mostBytes)
    const value = await read(bytes)
    await this.keep(url, bytes)
    return value
  }

  /** What is kept of an address, not checked (1). */
  async kept(url: string): Promise<Uint8Array | undefined> {
    const row = await this.#store.get('object', PREFIX + url)
    if (!row) return undefined
    try {
      return await inflated(fromAnyBase64(row['body'] as string, 'kept file'), MOST_OPENED)
    } catch (error) {
      if (error instanceof WalletError) return undefined
      throw error
    }
  }

  /** Keep what was checked (2). */
  async keep(url: string, bytes: Uint8Array): Promise<void> {
    const body = base64(await deflated(bytes))
    const before = await this.#store.get('object', PREFIX + url)
    if (before?.['body'] === body) return this.#used(url)
    if (body.length > MOST_EACH) return
    await this.#write(PREFIX + url, body)
  }

  // Noted once a day.
  async #used(url: string): Promise<void> {
    const id = PREFIX + url
    const places = await this.#known()
    const [place, row] = [places.get(id), await this.#store.get('object', id)]
    if (!place || !row) return
    places.delete(id)
    places.set(id, place)
    if (place.day !== today()) await this.#write(id, row['body'] as string)
  }

  async #write(id: string, body: string): Promise<void> {
    const places = await this.#known()
    const day = today()
    places.delete(id)
    places.set(id, { size: body.length, day })
    const gone = leaving(places)
    for (const each of gone) places.delete(each)
    const value: JsonObject = { body, day }
    const changes: Change[] = gone.map((each) => ({ kind: 'object', id: each, value: undefined }))
    await this.#store.write([...changes, { kind: 'object', id, value }])
  }

  #known(): Promise<Map<string, Place>> {
    this.#shelf.places ??= this.#kept()
    return this.#shelf.places
  }

  async #kept(): Promise<Map<string, Place>> {
    const rows = (await this.#store.list('object')).filter(([id]) => id.startsWith(PREFIX))
    const places = rows.map(([id, row]): [string, Place] => [id, { size: (row['body'] as string).length, day: row['day'] as number }])
    return new Map(places.sort(([, one], [, other]) => one.day - other.day))
  }
}

function today(): number {
  return Math.floor(Date.now() / DAY_MS)
}

// The map is in the order of their last use.
function leaving(places: ReadonlyMap<string, Place>): string[] {
  let size = [...places.values()].reduce((sum, place) => sum + place.size, 0)
  const gone: string[] = []
  for (const [id, place] of places) {
    if (places.size - gone.length <= MOST_FILES && size <= MOST_ALL) break
    gone.push(id)
    size -= place.size
  }
  return gone
}
