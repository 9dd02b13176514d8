// Public files: fetched, and kept on this phone so that the next visit need not fetch them again.
//
// 1. What is kept proves nothing: whoever reads it checks it as if it had come just now.
// 2. Only what was checked is kept, sealed, on this phone alone ('object'); in each room so many files, so many bytes; the one that was
//    used longest ago goes first.
// 3. A file that may change is asked for at each visit; a file that its address names by a digest is read from here.
// 4. Without a network, what may change is read as it was last kept by whoever wants that (`readAlsoWhile`), and by nobody else: how old
//    it may be is for its signer to say. It is counted (`oldReads`), so that nothing rests on it once the network is back.
// 5. Files that may change, and those that may not, have a room each; whoever reads them without a network has two of their own. So
//    nobody's large files push theirs out, and what others say of an address does not come in their place.

import { base64, fromAnyBase64 } from './base64.js'
import { deflated, inflated } from './deflate.js'
import { UnreachableError, WalletError } from './errors.js'
import type { Network } from './network.js'
import type { Change, JsonObject, Store } from './store.js'

const MOST_FILES = 64
const MOST_EACH = 400 * 1024
const MOST_ALL = 1_536 * 1024
const MOST_OPENED = 4 << 20
const DAY_MS = 86_400_000

export class PublicFiles {
  readonly #network: Network
  readonly #store: Store
  readonly #isAway: () => boolean
  readonly #changing: Room
  readonly #lasting: Room
  #oldReads = 0

  /** @param owner whose rooms they are (5) */
  constructor(network: Network, store: Store, isAway: () => boolean = () => false, owner = '') {
    this.#network = network
    this.#store = store
    this.#isAway = isAway
    this.#changing = new Room(store, `${owner}file `)
    this.#lasting = new Room(store, `${owner}lasting `)
  }

  /** Files for who also reads what was kept while there is no network (4), in rooms of their own (5). */
  readAlsoWhile(isAway: () => boolean): PublicFiles {
    return new PublicFiles(this.#network, this.#store, isAway, 'away ')
  }

  /** How many times something rested on a file as it was kept (4). */
  get oldReads(): number {
    return this.#oldReads
  }

  /** Something rests on what rested on an old file (4). */
  countOldRead(): void {
    this.#oldReads += 1
  }

  /** A file that may change, as it is now (3), or as it was last kept (4). */
  async fetch(url: string, mostBytes: number, known = this.kept(url)): Promise<Uint8Array> {
    const kept = await known
    try {
      return await this.#network.get(url, mostBytes, kept)
    } catch (error) {
      if (!kept || kept.length > mostBytes || !(error instanceof UnreachableError) || !this.#isAway()) throw error
      this.countOldRead()
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
    const kept = await this.#lasting.get(url)
    if (kept && kept.length <= mostBytes) {
      try {
        const value = await read(kept)
        await this.#lasting.used(url)
        return value
      } catch (error) {
        if (!(error instanceof WalletError)) throw error
      }
    }
    const bytes = await this.#network.get(url, mostBytes)
    const value = await read(bytes)
    await this.#lasting.put(url, bytes)
    return value
  }

  /** What is kept of an address whose file may change, not checked (1). */
  kept(url: string): Promise<Uint8Array | undefined> {
    return this.#changing.get(url)
  }

  /** Keep what may change, and was checked (2). */
  keep(url: string, bytes: Uint8Array): Promise<void> {
    return this.#changing.put(url, bytes)
  }
}

interface Place {
  readonly size: number
  /** The day that it was used last: days since 1970. */
  readonly day: number
}

// Files of one kind, within their bounds (2).
class Room {
  readonly #store: Store
  readonly #prefix: string
  /** What was read of rows, while somebody has it: it is in them already. */
  readonly #read = new WeakMap<Uint8Array, JsonObject>()
  /** Which files are kept, the one that was used longest ago first. */
  #places: Promise<Map<string, Place>> | undefined

  constructor(store: Store, prefix: string) {
    this.#store = store
    this.#prefix = prefix
  }

  async get(url: string): Promise<Uint8Array | undefined> {
    const row = await this.#store.get('object', this.#prefix + url)
    if (!row) return undefined
    try {
      const bytes = await inflated(fromAnyBase64(row['body'] as string, 'kept file'), MOST_OPENED)
      this.#read.set(bytes, row)
      return bytes
    } catch (error) {
      if (error instanceof WalletError) return undefined
      throw error
    }
  }

  async put(url: string, bytes: Uint8Array): Promise<void> {
    const id = this.#prefix + url
    const before = await this.#store.get('object', id)
    if (before && this.#read.get(bytes) === before) return this.used(url)
    const body = base64(await deflated(bytes))
    if (before?.['body'] === body) return this.used(url)
    if (body.length <= MOST_EACH) await this.#write(id, body)
    else if (before) await this.#remove(id) // an older copy is not what was checked
  }

  // Noted once a day.
  async used(url: string): Promise<void> {
    const id = this.#prefix + url
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

  async #remove(id: string): Promise<void> {
    const places = await this.#known()
    places.delete(id)
    await this.#store.write([{ kind: 'object', id, value: undefined }])
  }

  #known(): Promise<Map<string, Place>> {
    this.#places ??= this.#kept()
    return this.#places
  }

  async #kept(): Promise<Map<string, Place>> {
    const rows = (await this.#store.list('object')).filter(([id]) => id.startsWith(this.#prefix))
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
