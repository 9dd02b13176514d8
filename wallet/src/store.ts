// Where the wallet keeps what it must not lose. Whoever implements it encrypts what it is given: secrets are among it.

/** A value as JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** A row that is to be written, or removed with `value: undefined`. */
export interface Change {
  readonly kind: Kind
  readonly id: string
  readonly value: JsonObject | undefined
}

/** The kinds of row. */
export type Kind =
  | 'connection'
  | 'course'
  | 'credential'
  | 'erasure'
  | 'inbox'
  | 'key'
  | 'link'
  | 'link-secret'
  | 'mediator'
  | 'object'
  | 'offer'
  | 'outbox'
  | 'question'
  | 'seen'

export interface Store {
  get(kind: Kind, id: string): Promise<JsonObject | undefined>
  /** Ids and rows of a kind, by the time that they were written first. */
  list(kind: Kind): Promise<[string, JsonObject][]>
  /**
   * All of the changes or none of them; they are durable when it resolves.
   *
   * @param durable called as soon as they are here, where they are to be elsewhere too before it resolves
   */
  write(changes: readonly Change[], durable?: () => void): Promise<void>
  /** What was written is wherever else it is to be (the vault), as far as that can be reached now. */
  settle?(): Promise<void>
  /** Resolves when nothing is on its way there that has to be there before something goes out; rejects when nothing may go out any more. */
  settled?(): Promise<void>
}

/** A store for tests, and for pages that keep nothing. */
export class MemoryStore implements Store {
  readonly #rows: Map<string, [Kind, string, string]>

  /** @param rows what `sealed` gave */
  constructor(rows: [Kind, string, string][] = []) {
    this.#rows = new Map(rows.map((row) => [`${row[0]} ${row[1]}`, row]))
  }

  get(kind: Kind, id: string): Promise<JsonObject | undefined> {
    const row = this.#rows.get(`${kind} ${id}`)
    return Promise.resolve(row && (JSON.parse(row[2]) as JsonObject))
  }

  list(kind: Kind): Promise<[string, JsonObject][]> {
    const rows = [...this.#rows.values()].filter((row) => row[0] === kind)
    return Promise.resolve(rows.map(([, id, text]) => [id, JSON.parse(text) as JsonObject]))
  }

  write(changes: readonly Change[]): Promise<void> {
    const written = changes.map(({ kind, id, value }): [string, [Kind, string, string] | undefined] => [
      `${kind} ${id}`,
      value && [kind, id, JSON.stringify(value)],
    ])
    for (const [name, row] of written) {
      if (row) this.#rows.set(name, row)
      else this.#rows.delete(name)
    }
    return Promise.resolve()
  }

  /** All rows, as the next visit finds them. */
  sealed(): [Kind, string, string][] {
    return [...this.#rows.values()]
  }
}
