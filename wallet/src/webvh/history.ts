// What was seen of other parties' histories (DID logs, status lists), so that nobody can show an older or another one: a relay or
// host that keeps back what is new, or forks a log, is found out by what was seen before. The rules of `plugins/webvh/memory.py`:
//
// 1. The newest number is not lower than the newest one seen.
// 2. Where the entry seen last is still listed, it is the same one.
// 3. Of several that come at once, each is checked against what the one before left, whoever asked for it.

import { locksOf } from '../agent/locks.js'
import { CheckFailedError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, Store } from '../store.js'

/** Number -> entry. For a log version numbers and versionIds, for a registry timestamps and ids of status lists. */
export type History = ReadonlyMap<number, string>

export class HistoryMemory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Check a verified history against what was seen of it, then remember its newest entry.
   *
   * @param subject whose: the SCID of a log, the id of a registry
   */
  accept(subject: string, history: History): Promise<void> {
    return locksOf(this.#store).run(subject, () => this.#accept(subject, history)) // 3
  }

  async #accept(subject: string, history: History): Promise<void> {
    const newest = Math.max(...history.keys())
    const row = await this.#store.get('seen', subject)
    if (row) {
      const seen = new Received(row, 'seen')
      const number = seen.member('number').integer(0, Number.MAX_SAFE_INTEGER)
      const entry = seen.member('entry').text(4096)
      if (newest < number) throw new CheckFailedError('the history ends before the entry that was seen last') // 1
      if ((history.get(number) ?? entry) !== entry) throw new CheckFailedError('the history has another entry than was seen before') // 2
      if (newest === number) return
    }
    const change: Change = { kind: 'seen', id: subject, value: { number: newest, entry: history.get(newest) as string } }
    await this.#store.write([change])
  }
}
