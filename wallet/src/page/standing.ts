// Where the wallet stands, asked of the worker; of an open book it is asked again only when the worker says that it is another.

import type { Client } from './client.js'
import type { Status } from './protocol.js'

export class Standing {
  readonly #client: Client
  #known: Status | undefined
  /** How often the worker said that it is another. */
  #changes = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** What was known is over: the worker says this before it answers whatever changed it. */
  anew(): void {
    this.#known = undefined
    this.#changes += 1
  }

  async status(): Promise<Status> {
    if (this.#known) return this.#known
    const before = this.#changes
    const status = await this.#client.call('status')
    if (status.phase === 'open' && this.#changes === before) this.#known = status
    return status
  }
}
