// The files of the authority as they were last fetched, for when there is no network: read again then, and checked like any that came
// just now. How old they may be is for whoever signed them to say (`freshness.jws`).
//
// 1. A kept file is read only while the mediator is not connected: where there is a network, what does not come is missing.
// 2. At most 2 MiB are kept, and the oldest go first; a file that did not change is not written again.

import { base64, fromAnyBase64 } from '../base64.js'
import { UnreachableError } from '../errors.js'
import type { Network, Socket, SocketEvents } from '../network.js'
import type { Store } from '../store.js'

const MOST_BYTES = 2 << 20
const PREFIX = 'file '

export class KeptFiles implements Network {
  readonly #network: Network
  readonly #store: Store
  readonly #isAway: () => boolean

  constructor(network: Network, store: Store, isAway: () => boolean) {
    this.#network = network
    this.#store = store
    this.#isAway = isAway
  }

  async get(url: string, mostBytes: number): Promise<Uint8Array> {
    try {
      const bytes = await this.#network.get(url, mostBytes)
      await this.#keep(url, base64(bytes))
      return bytes
    } catch (error) {
      const kept = error instanceof UnreachableError && this.#isAway() ? await this.#store.get('object', PREFIX + url) : undefined // 1
      if (!kept) throw error
      const bytes = fromAnyBase64(String(kept['body']), 'file')
      if (bytes.length > mostBytes) throw error
      return bytes
    }
  }

  post(url: string, envelope: string): Promise<Uint8Array | undefined> {
    return this.#network.post(url, envelope)
  }

  open(url: string, events: SocketEvents): Promise<Socket> {
    return this.#network.open(url, events)
  }

  // 2
  async #keep(url: string, body: string): Promise<void> {
    const id = PREFIX + url
    if (body.length > MOST_BYTES || (await this.#store.get('object', id))?.['body'] === body) return
    const others = (await this.#store.list('object')).filter(([each]) => each.startsWith(PREFIX) && each !== id)
    const oldest = others.map(([each, { at, body: kept }]) => ({ each, at: Number(at), length: String(kept).length })).sort((one, two) => one.at - two.at)
    let room = MOST_BYTES - body.length - oldest.reduce((sum, { length }) => sum + length, 0)
    const gone: string[] = []
    for (const { each, length } of oldest) {
      if (room >= 0) break
      gone.push(each)
      room += length
    }
    await this.#store.write([...gone.map((each) => ({ kind: 'object' as const, id: each, value: undefined })), { kind: 'object', id, value: { body, at: Date.now() } }])
  }
}
