// A shelf in IndexedDB: one database of the page's origin, with sealed bytes and names that tell nothing.

import type { NoteName, Shelf, ShelfChange, ShelfRow, Waiting } from './shelf.js'

const NAME = 'wanderbuch'
const VERSION = 1
const STORES = ['row', 'waiting', 'note'] as const

type StoreName = (typeof STORES)[number]

export class IndexedShelf implements Shelf {
  readonly #database: IDBDatabase

  private constructor(database: IDBDatabase) {
    this.#database = database
  }

  static open(): Promise<IndexedShelf> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, VERSION)
      request.onupgradeneeded = () => {
        request.result.createObjectStore('row', { keyPath: 'name' })
        request.result.createObjectStore('waiting', { keyPath: 'number', autoIncrement: true })
        request.result.createObjectStore('note')
      }
      request.onsuccess = () => resolve(new IndexedShelf(request.result))
      request.onerror = () => reject(request.error ?? new Error('the storage of the browser cannot be opened'))
      request.onblocked = () => reject(new Error('the storage of the browser is in use by an older page'))
    })
  }

  async rows(): Promise<ShelfRow[]> {
    const rows = (await this.#all('row')) as ShelfRow[]
    return rows.sort((a, b) => a.order - b.order)
  }

  async waiting(): Promise<Waiting[]> {
    return (await this.#all('waiting')) as Waiting[]
  }

  note(name: NoteName): Promise<unknown> {
    const transaction = this.#database.transaction('note')
    return answered(transaction.objectStore('note').get(name))
  }

  write(change: ShelfChange): Promise<void> {
    return this.#changed(change, false)
  }

  replace(change: ShelfChange): Promise<void> {
    return this.#changed(change, true)
  }

  #all(name: StoreName): Promise<unknown[]> {
    return answered(this.#database.transaction(name).objectStore(name).getAll())
  }

  // Durable when it resolves: 'strict' has the browser say so only once the storage has.
  #changed({ rows = [], removed = [], waiting, sent, notes = {} }: ShelfChange, isReplaced: boolean): Promise<void> {
    const transaction = this.#database.transaction(STORES, 'readwrite', { durability: 'strict' })
    const store = (name: StoreName): IDBObjectStore => transaction.objectStore(name)
    if (isReplaced) for (const name of STORES) store(name).clear()
    for (const row of rows) store('row').put(row)
    for (const name of removed) store('row').delete(name)
    if (sent) store('waiting').delete(IDBKeyRange.upperBound(sent))
    if (waiting) store('waiting').add({ sealed: waiting })
    for (const [name, value] of Object.entries(notes)) {
      if (value === undefined) store('note').delete(name)
      else store('note').put(value, name)
    }
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new Error('the storage of the browser does not take it'))
    })
  }
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the storage of the browser does not answer'))
  })
}
