// Messages on their way out: kept until their receiver took them, and sent again at the next chance.

import { sealContact, unsealContact, type Contact } from '../dids/contact.js'
import { asSent } from '../didcomm/attachments.js'
import { pack } from '../didcomm/envelope.js'
import { verkey, type Verkey } from '../didcomm/keys.js'
import { PREFIX } from '../didcomm/message.js'
import { UnreachableError, WalletError } from '../errors.js'
import { publicAddress, type Network } from '../network.js'
import { Received } from '../received.js'
import type { Change, JsonObject, Store } from '../store.js'
import type { KeyRing } from './key_ring.js'
import type { Outgoing } from './step.js'

const GIVE_UP_MS = 30 * 24 * 3600 * 1000

export class Outbox {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #network: Network
  /** Told of messages that nobody will ever take. */
  onRefused: (messageId: string, error: WalletError) => void = () => {}
  /** Takes what comes in the answer to a message; until that is done the message counts as not sent. */
  takes: (envelope: Uint8Array) => Promise<void> = () => Promise.resolve()
  /** What such a message was for ends with it. */
  ends: (from: Verkey, messageId: string, error: WalletError) => Promise<void> = () => Promise.resolve()
  #running: Promise<void> | undefined
  #isDirty = false

  constructor(store: Store, ring: KeyRing, network: Network) {
    this.#store = store
    this.#ring = ring
    this.#network = network
  }

  /** The row of a message, to be written with what it tells of. */
  static row({ from, to, message }: Outgoing): Change {
    return { kind: 'outbox', id: message['@id'] as string, value: { from, to: sealContact(to), message, at: Date.now() } }
  }

  /** Send what waits, each receiver's messages in their order. Resolves when everything was tried. */
  flush(): Promise<void> {
    this.#isDirty = true
    this.#running ??= this.#rounds().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #rounds(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false
      const away = new Set<string>()
      const waiting = await this.#store.list('outbox')
      await this.#store.settled?.() // of what is listed by now, and of nothing later
      for (const [id, row] of waiting) await this.#try(id, row, away)
    }
  }

  async #try(id: string, row: JsonObject, away: Set<string>): Promise<void> {
    const received = new Received(row, 'outbox')
    const to = unsealContact(received.member('to'))
    if (away.has(to.endpoint)) return
    let reply: Uint8Array | undefined
    try {
      const key = this.#ring.own(verkey(received.member('from').text(64), 'outbox.from'))
      reply = await this.#network.post(publicAddress(to.endpoint, 'endpoint').href, wrapped(JSON.stringify(asSent(row['message'] as JsonObject)), to, key))
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
      if (error instanceof UnreachableError && Date.now() - Number(row['at']) < GIVE_UP_MS) {
        away.add(to.endpoint)
        return
      }
      this.onRefused(id, error)
      await this.ends(verkey(received.member('from').text(64), 'outbox.from'), id, error)
    }
    if (reply) await this.takes(reply)
    await this.#store.write([{ kind: 'outbox', id, value: undefined }])
  }
}

/** An envelope for somebody, in a `forward` for each of their mediators (Aries RFC 0094). */
export function wrapped(content: string, { keys, routing }: Contact, from: Parameters<typeof pack>[2]): string {
  let to = keys[0] as Contact['keys'][number]
  let envelope = pack(content, to, from)
  for (const router of routing) {
    const forward = { '@type': `${PREFIX}routing/1.0/forward`, '@id': crypto.randomUUID(), to, msg: JSON.parse(envelope) as JsonObject }
    envelope = pack(JSON.stringify(forward), router, undefined)
    to = router
  }
  return envelope
}
