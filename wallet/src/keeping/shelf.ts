// Where sealed bytes lie: a browser's IndexedDB (`indexed_shelf.ts`), or memory in tests. It knows no key and no kind.
//
// A write is all or nothing, and durable when it resolves: rows, and the copy of the change that waits to go to the vault, at once.

/** A row under its name; `order` counts up, so rows come back as they were written first. */
export interface ShelfRow {
  readonly name: string
  readonly order: number
  readonly sealed: Uint8Array
}

/** A change that no revision of the vault has yet. */
export interface Waiting {
  /** Counts up. */
  readonly number: number
  readonly sealed: Uint8Array
}

/** Single values: how the phone remembers, where the vault stands, a revision that is being sent, where the mediator's socket is. */
export type NoteName = 'phone' | 'vault' | 'line'

export interface ShelfChange {
  readonly rows?: readonly ShelfRow[]
  /** Names of rows that go. */
  readonly removed?: readonly string[]
  /** Waits for the vault from now on. */
  readonly waiting?: Uint8Array
  /** Waits no longer: all up to this number. */
  readonly sent?: number
  readonly notes?: Partial<Record<NoteName, unknown>>
}

export interface Shelf {
  rows(): Promise<ShelfRow[]>
  /** In their order. */
  waiting(): Promise<Waiting[]>
  /** A value that can be cloned, keys of WebCrypto too; undefined: none. */
  note(name: NoteName): Promise<unknown>
  write(change: ShelfChange): Promise<void>
  /** Remove everything, then write this, at once. */
  replace(change: ShelfChange): Promise<void>
}

/** A shelf for tests. */
export class MemoryShelf implements Shelf {
  #rows = new Map<string, ShelfRow>()
  #waiting: Waiting[] = []
  #notes = new Map<string, unknown>()
  #last = 0

  rows(): Promise<ShelfRow[]> {
    return Promise.resolve([...this.#rows.values()].sort((a, b) => a.order - b.order))
  }

  waiting(): Promise<Waiting[]> {
    return Promise.resolve([...this.#waiting])
  }

  note(name: NoteName): Promise<unknown> {
    return Promise.resolve(this.#notes.get(name))
  }

  write({ rows = [], removed = [], waiting, sent = 0, notes = {} }: ShelfChange): Promise<void> {
    for (const row of rows) this.#rows.set(row.name, row)
    for (const name of removed) this.#rows.delete(name)
    this.#waiting = this.#waiting.filter(({ number }) => number > sent)
    if (waiting) this.#waiting.push({ number: (this.#last += 1), sealed: waiting })
    for (const [name, value] of Object.entries(notes)) {
      if (value === undefined) this.#notes.delete(name)
      else this.#notes.set(name, value)
    }
    return Promise.resolve()
  }

  replace(change: ShelfChange): Promise<void> {
    this.#rows.clear()
    this.#waiting = []
    this.#notes.clear()
    return this.write(change)
  }
}
