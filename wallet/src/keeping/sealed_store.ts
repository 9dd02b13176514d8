// The wallet's store on a shelf: every row sealed under the key of the vault, found by a name that tells nothing.
//
// 1. All rows are opened once, when the wallet is; reading is from memory then. What is sealed says under which name it lies, so one in the
//    place of another does not open.
// 2. A write resolves when the sealed rows are durable, together with the copy of it that waits for the vault. Writes keep their order.
// 3. Rows are given as they are, and frozen: whoever reads one again has the same one.
// 4. What can be fetched again, and belongs to everybody ('object'), is not copied to the vault.

import { CheckFailedError, StateError } from '../errors.js'
import type { Change, Json, JsonObject, Kind, Store } from '../store.js'
import type { Shelf, ShelfChange, ShelfRow } from './shelf.js'
import type { VaultKey } from './vault_key.js'

const WAITING_PLACE = 'waiting'

/** A row as it travels: kind, id, value; without a value it goes. */
export type Written = readonly [Kind, string, JsonObject | null]

export class SealedStore implements Store {
  readonly #shelf: Shelf
  readonly #key: VaultKey
  /** By kind and id (`atOf`). */
  readonly #rows = new Map<string, { readonly kind: Kind; readonly id: string; readonly order: number; value: JsonObject }>()
  #order = 0
  #last: Promise<void> = Promise.resolve()
  #isClosed = false
  /** Called after each write that the vault is to have (4), with what was written. */
  onWaiting: (written: readonly Written[]) => void = () => {}

  private constructor(shelf: Shelf, key: VaultKey) {
    this.#shelf = shelf
    this.#key = key
  }

  /**
   * Open what lies on a shelf (1).
   *
   * @param rows what was read of it just now, before the key was at hand
   * @throws CheckFailedError it is sealed under another key
   */
  static async open(shelf: Shelf, key: VaultKey, rows: Promise<ShelfRow[]> = shelf.rows()): Promise<SealedStore> {
    const store = new SealedStore(shelf, key)
    for (const { name, order, sealed } of await rows) {
      const [kind, id, value] = readWritten(key.openRow(sealed, name))
      // What waits for the vault (a list of rows) lies under no name of a row; nor does a row that is gone.
      if (typeof kind !== 'string' || value === null) throw new CheckFailedError('what is no row stands among the rows')
      store.#rows.set(atOf(kind, id), { kind, id, order, value: frozen(value) })
      store.#order = Math.max(store.#order, order)
    }
    return store
  }

  /** What a shelf holds of these rows, and nothing else; for `Shelf.replace`. */
  static sealed(key: VaultKey, rows: readonly Written[]): ShelfRow[] {
    return rows.map((row, index) => ({ name: key.nameOf(row[0], row[1]), order: index + 1, sealed: key.sealRow(JSON.stringify(row), key.nameOf(row[0], row[1])) }))
  }

  get(kind: Kind, id: string): Promise<JsonObject | undefined> {
    return Promise.resolve(this.#rows.get(atOf(kind, id))?.value)
  }

  list(kind: Kind): Promise<[string, JsonObject][]> {
    const rows = [...this.#rows.values()].filter((row) => row.kind === kind)
    return Promise.resolve(rows.map(({ id, value }) => [id, value]))
  }

  // 2
  write(changes: readonly Change[]): Promise<void> {
    const written = changes.map(({ kind, id, value }): Written => [kind, id, value === undefined ? null : frozen(JSON.parse(JSON.stringify(value)) as JsonObject)])
    const step = this.#last.then(() => this.#write(written))
    this.#last = step.catch(() => undefined)
    return step
  }

  /** From now on nothing is written: what lies on the shelf may be somebody else's. */
  close(): void {
    this.#isClosed = true
  }

  /** All rows that the vault is to have, as they are now (4). */
  whole(): Written[] {
    return [...this.#rows.values()].filter(({ kind }) => isForVault(kind)).map(({ kind, id, value }) => [kind, id, value])
  }

  async #write(written: readonly Written[]): Promise<void> {
    const rows: ShelfRow[] = []
    const removed: string[] = []
    const orders = new Map<string, number>()
    let order = this.#order
    for (const [kind, id, value] of written) {
      const name = this.#key.nameOf(kind, id)
      if (value === null) {
        removed.push(name)
        continue
      }
      const at = atOf(kind, id)
      const own = this.#rows.get(at)?.order ?? orders.get(at) ?? (order += 1)
      orders.set(at, own)
      rows.push({ name, order: own, sealed: this.#key.sealRow(JSON.stringify([kind, id, value]), name) })
    }
    const copied = written.filter(([kind]) => isForVault(kind))
    const change: ShelfChange = { rows, removed, ...(copied.length && { waiting: this.#key.sealRow(JSON.stringify(copied), WAITING_PLACE) }) }
    if (this.#isClosed) throw new StateError('the book is closed')
    await this.#shelf.write(change)
    this.#order = order
    for (const [kind, id, value] of written) {
      const at = atOf(kind, id)
      if (value === null) this.#rows.delete(at)
      else this.#rows.set(at, { kind, id, order: orders.get(at) as number, value })
    }
    if (copied.length) this.onWaiting(copied)
  }
}

/** The rows of a change that waits for the vault. */
export function openWaiting(key: VaultKey, sealed: Uint8Array): Written[] {
  return JSON.parse(key.openRow(sealed, WAITING_PLACE)) as Written[]
}

// What was opened was sealed here, under our own key: it is read as it was written.
function readWritten(text: string): Written {
  return JSON.parse(text) as Written
}

// No kind has a space.
function atOf(kind: Kind, id: string): string {
  return `${kind} ${id}`
}

function isForVault(kind: Kind): boolean {
  return kind !== 'object'
}

// 3
function frozen<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const each of Object.values(value)) frozen(each as Json)
  return Object.freeze(value)
}
