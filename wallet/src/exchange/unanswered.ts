// What others sent and the worker has not answered: offers and questions, bounded, so that nobody fills the book.
//
// 1. All of one sender's together, and all of everybody's, have at most so many bytes; what is more is not taken. Several may come at
//    once: what was let in and is not written yet counts, too.
// 2. What ended without a yes keeps who, when and how it ended, and nothing of what it said; of a sender, the newest 16.

import { LONGEST_IDENTIFIER } from '../anoncreds/parameters.js'
import { WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, JsonObject, Kind, Store } from '../store.js'

const MOST_OF_SENDER = 192 * 1024
const MOST_OF_ALL = 512 * 1024
const MOST_ENDED = 16
const KINDS = ['offer', 'question'] as const
const OPEN = ['offered', 'asked']
const ENDED = ['declined', 'withdrawn', 'failed']

export class Unanswered {
  readonly #store: Store
  readonly #coming = new Map<string, { readonly sender: string; readonly bytes: number }>()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Let a row in that a sender made; it has to be written then.
   *
   * @throws WalletError 'unanswered': there is no room (1)
   */
  async letIn(kind: (typeof KINDS)[number], id: string, row: JsonObject): Promise<void> {
    const rows = await this.#rows()
    const name = `${kind} ${id}`
    const one = { sender: senderOf(row), bytes: sizeOf(row) }
    for (const [known] of rows) this.#coming.delete(known)
    const open = rows.filter(([, other]) => OPEN.includes(String(other['state']))).map(([, other]) => ({ sender: senderOf(other), bytes: sizeOf(other) }))
    const all = [...open, ...[...this.#coming].filter(([known]) => known !== name).map(([, coming]) => coming), one]
    const total = (some: typeof all): number => some.reduce((sum, { bytes }) => sum + bytes, 0)
    if (total(all.filter(({ sender }) => sender === one.sender)) > MOST_OF_SENDER) throw new WalletError('unanswered', 'the sender has too much that is not answered')
    if (total(all) > MOST_OF_ALL) throw new WalletError('unanswered', 'too much is not answered')
    this.#coming.set(name, one)
  }

  async #rows(): Promise<[string, JsonObject][]> {
    const rows = await Promise.all(KINDS.map(async (kind) => (await this.#store.list(kind)).map(([id, row]): [string, JsonObject] => [`${kind} ${id}`, row])))
    return rows.flat()
  }
}

/** A row that ended without a yes, without what it said (2). */
export function emptied({ offer, preview: _, secrets: __, request: ___, comment: ____, answers: _____, mayLeaveOut: ______, ...rest }: JsonObject): JsonObject {
  return offer ? { ...rest, definition: new Received(offer, 'offer').member('cred_def_id').text(LONGEST_IDENTIFIER) } : rest
}

/** The removal of the oldest that ended of a sender, so that one more has room (2). Nothing else changes what has ended. */
export function makeRoom(kind: Kind, rows: readonly [string, JsonObject][], own: string): Change[] {
  const ended = rows.filter(([, row]) => row['own'] === own && ENDED.includes(String(row['state'])))
  return ended.slice(0, Math.max(0, ended.length - MOST_ENDED + 1)).map(([id]) => ({ kind, id, value: undefined }))
}

// Who asks without a connection is known by where the answer goes to.
function senderOf({ own, contact }: JsonObject): string {
  return typeof own === 'string' ? own : JSON.stringify(contact ?? null)
}

function sizeOf(row: JsonObject): number {
  return new TextEncoder().encode(JSON.stringify(row)).length
}
