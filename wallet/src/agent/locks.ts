// One thing at a time for each name: what reads a row and writes it again is not crossed by another that does the same.

export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()

  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const mine = before.then(step, step)
    const settled = mine.catch(() => undefined)
    this.#last.set(name, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    }
  }
}

const ofStores = new WeakMap<object, Locks>()

/** The locks of a store's rows that several parts of the wallet write. */
export function locksOf(store: object): Locks {
  const known = ofStores.get(store) ?? new Locks()
  ofStores.set(store, known)
  return known
}
