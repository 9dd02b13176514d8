// What came and is not dealt with yet. A mediator is told that a message was received once its row is written, not before; the row
// goes with the changes that handling it made, at once.
//
// 1. Only messages to keys of ours, of kinds that something here handles, are kept at all.
// 2. A key has at most 8 of them waiting, the wallet 64: who writes more than that is not heard.
//    What comes in the answer to a message of ours is dealt with at once, and kept only if it has to wait: that message goes out again
//    until what came of it is kept (ADR 131).
// 3. What is malformed, or not true, is dropped, and so is what breaks the code here. What could not be looked up waits, at most a week,
//    and what the browser's storage fails with loses nothing.

import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '../base58.js'
import { unpack, type Opened } from '../didcomm/envelope.js'
import { verkey } from '../didcomm/keys.js'
import { withTail } from '../didcomm/packed.js'
import { readMessage, type Incoming } from '../didcomm/message.js'
import { MalformedError, UnreachableError, unexpected, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, JsonObject, Store } from '../store.js'
import { readStrictJson } from '../strict_json.js'
import type { KeyRing } from './key_ring.js'
import type { Locks } from './locks.js'
import type { Handler, Step } from './step.js'

const MOST_OF_KEY = 8
const MOST = 64
const GIVE_UP_MS = 7 * 24 * 3600 * 1000
const LONGEST = 1 << 20
const MOST_DEPTH = 32

export class Inbox {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #locks: Locks
  readonly #commit: (step: Step) => Promise<void>
  readonly #handlers = new Map<string, Handler>()
  /** Told of what was dropped, and why. */
  onDropped: (kind: string, error: WalletError) => void = () => {}

  constructor(store: Store, ring: KeyRing, locks: Locks, commit: (step: Step) => Promise<void>) {
    this.#store = store
    this.#ring = ring
    this.#locks = locks
    this.#commit = commit
  }

  handle(kind: string, handler: Handler): void {
    this.#handlers.set(kind, handler)
  }

  /** Keep what is in envelopes; when it resolves they may be acknowledged. Then `work` deals with it. */
  async keep(envelopes: readonly Uint8Array[]): Promise<void> {
    const waiting = new Map(await this.#store.list('inbox'))
    const changes: Change[] = []
    for (const envelope of envelopes) {
      const row = this.#row(envelope)
      if (!row) continue
      const ofKey = [...waiting.values()].filter((other) => other['to'] === row['to']).length
      if (ofKey >= MOST_OF_KEY || waiting.size >= MOST) continue // 2
      const id = base58(sha256(envelope))
      waiting.set(id, row)
      changes.push({ kind: 'inbox', id, value: row })
    }
    if (changes.length) await this.#store.write(changes)
  }

  /** Deal with what came in the answer to a message of ours (2). */
  async take(envelope: Uint8Array): Promise<void> {
    const row = this.#row(envelope)
    if (row) await this.#deal(base58(sha256(envelope)), row, envelope)
  }

  /** Deal with everything that waits, and with what that brings. Resolves when all of it was tried. */
  async work(): Promise<void> {
    const tried = new Set<string>()
    for (;;) {
      const rows = (await this.#store.list('inbox')).filter(([id]) => !tried.has(id))
      if (rows.length === 0) return
      for (const [id] of rows) tried.add(id)
      await Promise.all(rows.map(([id, row]) => this.#deal(id, row)))
    }
  }

  // 1
  #row(envelope: Uint8Array): JsonObject | undefined {
    try {
      const opened = inlined(unpack(envelope, (key) => this.#ring.secret(key), LONGEST, true))
      const { kind } = readMessage(opened)
      const { to, from, content } = opened
      return this.#handlers.has(kind) ? { to, from: from ?? null, content, at: Date.now() } : undefined
    } catch (error) {
      this.#dropped('envelope', error)
      return undefined
    }
  }

  async #deal(id: string, row: JsonObject, unkept?: Uint8Array): Promise<void> {
    const gone: Change = { kind: 'inbox', id, value: undefined }
    await this.#locks.run(String(row['to']), async () => {
      if (!unkept && !(await this.#store.get('inbox', id))) return // another round has dealt with it
      let incoming: Incoming | undefined
      try {
        incoming = readMessage(unsealed(new Received(row, 'inbox')))
        const step = (await this.#handlers.get(incoming.kind)?.(incoming)) ?? { changes: [] }
        await this.#commit({ ...step, changes: [...step.changes, gone] })
      } catch (error) {
        if (error instanceof UnreachableError && Date.now() - Number(row['at']) < GIVE_UP_MS) return unkept ? this.keep([unkept]) : undefined // 3
        if (error instanceof DOMException) throw error
        this.#dropped(incoming?.kind ?? 'message', error)
        await this.#commit({ changes: [gone] })
      }
    })
  }

  #dropped(kind: string, error: unknown): void {
    if (!(error instanceof WalletError)) return unexpected(error)
    this.onDropped(kind, error)
  }
}

// What follows a message stands in it from here on (ADR 120).
function inlined({ tail, ...opened }: Opened): Opened {
  if (!tail) return opened
  const message = readStrictJson(opened.content, 'message', { mostBytes: LONGEST, mostDepth: MOST_DEPTH })
  if (typeof message !== 'object' || message === null) throw new MalformedError('message', 'an object')
  return { ...opened, content: JSON.stringify(withTail(message as JsonObject, tail)) }
}

function unsealed(row: Received): Opened {
  const from = row.optional('from')
  return { to: verkey(row.member('to').text(64), 'to'), from: from && verkey(from.text(64), 'from'), content: row.member('content').text(LONGEST) }
}
