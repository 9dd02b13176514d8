// The mediator of a wallet without an address: Coordinate Mediation 1.0 (Aries RFC 0211) and Message Pickup 2.0, live
// (RFC 0685), all over one web socket.
//
// 1. It is met once, with a DID and key for it alone; what it granted is kept. Cut short, it is met again from the beginning.
// 2. Each time that the socket opens, live delivery is asked for. What is delivered is kept, dealt with, and acknowledged once all that is
//    in the vault, too; it is not waited for long.
// 3. A key is listed before anybody is given it.
// 4. A mediator that forgot this wallet is silent, for it knows no such sender. After three silent talks, an hour apart or more, it is met
//    anew; if it answers that and still not the old connection, the new one takes its place, and every key is listed again. A socket that
//    somebody closed tells nothing.

import { fromAnyBase64 } from '../base64.js'
import { readContact, sealContact, unsealContact, type Contact } from '../dids/contact.js'
import { makePeerDid, peerDocument, QUEUE, type Address } from '../dids/peer.js'
import { expanded } from '../didcomm/compact.js'
import { pack, unpack } from '../didcomm/envelope.js'
import { anyKey, didKey, SecretKey, verkey, type Verkey } from '../didcomm/keys.js'
import { message, readMessage, type Incoming } from '../didcomm/message.js'
import { readSignedText } from '../didcomm/signed_text.js'
import { CheckFailedError, MalformedError, SilentError, StateError, UnreachableError, WalletError } from '../errors.js'
import { MOST_FRAME_BYTES, publicAddress, type Network } from '../network.js'
import { Received } from '../received.js'
import type { Change, JsonObject, Store } from '../store.js'
import type { Inbox } from './inbox.js'
import { readInvitation } from './invitation.js'
import { Line } from './line.js'

const MOST_INVITATION = 64 * 1024
const MOST_ROUTING = 4
const MOST_DELIVERED = 64
const LONGEST_DELIVERED = 2 << 20
const BATCH = 10
const PATIENCE_MS = 5_000
const QUIET_MS = 30_000
const ROW = 'granted'
const SILENCE = 'silence'
const ANEW = 'anew'
const SILENT_TALKS = 3
const APART_MS = 3_600_000

interface Session {
  readonly key: SecretKey
  /** To whom and where; `keys` are those that may answer. */
  readonly contact: Contact
  readonly address: Address | undefined
}

export class Mediator {
  readonly #store: Store
  readonly #network: Network
  readonly #inbox: Inbox
  readonly #invitationUrl: string
  readonly #label: string
  #session: Session | undefined
  #line: Line | undefined
  #mayAsk = false
  #patience: ReturnType<typeof setTimeout> | undefined
  #isStopped = false
  /** Called when the socket has opened and live delivery is on: what could not be sent may be sent now. */
  onOpen: () => void = () => {}
  /** Called before its socket is opened again: whoever throws has no wallet any more, such as a phone whose book is open on another one. */
  onAgain: () => Promise<void> = () => Promise.resolve()
  /** Called when it may be asked (`mayAsk`), before `onOpen`. */
  onAskable: () => void = () => {}

  /** @param invitationUrl where the mediator has its invitation: `https://…/mediator` */
  constructor(store: Store, network: Network, inbox: Inbox, invitationUrl: string, label: string) {
    this.#store = store
    this.#network = network
    this.#inbox = inbox
    this.#invitationUrl = invitationUrl
    this.#label = label
  }

  /** Whether the wallet is connected now. */
  get isConnected(): boolean {
    return this.#line?.isOpen ?? false
  }

  /**
   * Whether it may be asked though the socket is not live, or not even open: it knows this wallet, and what it is asked goes out behind what
   * makes the socket live.
   */
  get mayAsk(): boolean {
    return this.#mayAsk
  }

  /** Where the socket leads; nothing of it is this wallet's alone. */
  get socketAddress(): string | undefined {
    return this.#line?.url
  }

  /** Connect, and go live. Throws UnreachableError if that does not work now; later it may. */
  async start(): Promise<void> {
    const row = await this.#store.get('mediator', ROW)
    if (row && (await this.#silentTalks()) >= SILENT_TALKS) return this.#startAnew(unsealSession(row))
    if (!row) return this.#startFirst()
    this.#session = unsealSession(row)
    const live = this.#openLine(() => this.#goLive(), row['compact'] === true)
    this.#mayAsk = true
    this.onAskable()
    await live
  }

  // What it is met over stays open: a further socket would be a further handshake.
  async #startFirst(): Promise<void> {
    const met = await this.#granted().catch((error: unknown) => {
      this.#hangUp()
      throw error
    })
    await this.#store.write([{ kind: 'mediator', id: ROW, value: { ...sealSession(met), compact: this.#line?.isCompact ?? false } }])
    this.#session = met
    try {
      await this.#goLive()
    } catch (error) {
      if (error instanceof UnreachableError) this.#line?.lost()
      throw error
    }
  }

  // 4
  async #startAnew(old: Session): Promise<void> {
    this.#hangUp()
    const met = await this.#meet()
    this.#session = old
    try {
      return await this.#openLine(() => this.#goLive())
    } catch (error) {
      if (!(error instanceof SilentError)) throw error
    }
    this.#hangUp()
    const changes: Change[] = [{ kind: 'mediator', id: ROW, value: sealSession(met) }, { kind: 'mediator', id: ANEW, value: {} }]
    await this.#store.write([...changes, { kind: 'mediator', id: SILENCE, value: undefined }])
    this.#session = met
    await this.#openLine(() => this.#goLive())
  }

  async #silentTalks(): Promise<number> {
    return Number((await this.#store.get('mediator', SILENCE))?.['talks'] ?? 0)
  }

  async #noteSilence(): Promise<void> {
    const row = await this.#store.get('mediator', SILENCE)
    if (row && Date.now() < Number(row['at']) + APART_MS) return
    await this.#store.write([{ kind: 'mediator', id: SILENCE, value: { talks: (await this.#silentTalks()) + 1, at: Date.now() } }])
  }

  // It was heard; and what it does not know any more it is told again.
  async #noteAnswer(): Promise<void> {
    if (await this.#store.get('mediator', SILENCE)) await this.#store.write([{ kind: 'mediator', id: SILENCE, value: undefined }])
    if (!(await this.#store.get('mediator', ANEW))) return
    for (const [key] of await this.#store.list('key')) {
      try {
        await this.#update(verkey(key, 'key'), 'add')
      } catch (error) {
        if (!(error instanceof WalletError) || error instanceof UnreachableError) throw error
      }
    }
    await this.#store.write([{ kind: 'mediator', id: ANEW, value: undefined }])
  }

  #hangUp(): void {
    this.#line?.stop()
    this.#line = undefined
  }

  /** The device has no network: who waits for an answer waits no longer. */
  lost(): void {
    this.#line?.lost()
  }

  /** Somebody looks at the wallet again, or there is a network again: a socket that is down opens now, and one that was quiet is tried. */
  async look(): Promise<void> {
    const line = this.#line
    line?.hurry()
    if (!line?.isOpen || line.quietMs < QUIET_MS) return
    try {
      const status = await this.#send(message('messagepickup/2.0/status-request', {}), undefined, undefined, true)
      this.#lookAt(status.body)
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
    }
  }

  /** For good: whatever is under way ends, and opens no further socket. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#patience)
    this.#line?.stop()
  }

  /** List a key with the mediator (3), and say where it is reached then. */
  async reachable(key: Verkey): Promise<Address> {
    const address = this.#session?.address
    if (!address) throw new UnreachableError('the wallet has no mediator yet')
    await this.#update(key, 'add')
    return address
  }

  /** Ask something of a protocol of the mediator's own; its answer may be a problem report. */
  request(kind: string, members: JsonObject, tail?: Uint8Array): Promise<Incoming> {
    return this.#send(message(kind, members), undefined, tail)
  }

  /** Whether bytes may follow what it is asked (ADR 120). */
  get takesTails(): boolean {
    return this.#line?.isCompact ?? false
  }

  /** Take a key off the list: nothing comes to it any more. */
  async forget(key: Verkey): Promise<void> {
    await this.#update(key, 'remove')
  }

  async #update(key: Verkey, action: 'add' | 'remove'): Promise<void> {
    const update = { updates: [{ recipient_key: didKey(key), action }] }
    const { body } = await this.#ask('coordinate-mediation/1.0/keylist-update', update, 'keylist-update-response')
    const [updated] = body.member('updated').items(1)
    const result = updated?.member('result').text(64)
    if (!updated || anyKey(updated.member('recipient_key').text(160), updated.path) !== key || (result !== 'success' && result !== 'no_change'))
      throw new CheckFailedError('the mediator does not take the key')
  }

  // 1: over a line of its own.
  async #meet(): Promise<Session & { address: Address }> {
    try {
      return await this.#granted()
    } finally {
      this.#hangUp()
    }
  }

  async #granted(): Promise<Session & { address: Address }> {
    const invitation = readInvitation(await this.#network.get(publicAddress(this.#invitationUrl, 'mediator').href, MOST_INVITATION))
    if (typeof invitation.service === 'string') throw new MalformedError('invitation of the mediator', 'a service with its keys')
    const inviter = invitation.service
    const key = SecretKey.random()
    this.#session = { key, contact: inviter, address: undefined }
    await this.#openLine(async () => {
      if (this.#session?.address) await this.#goLive() // it was met meanwhile, and the socket came back
    })
    if (this.#line) this.#line.isCompact = invitation.takesCompact
    const request = message('didexchange/1.1/request', { label: this.#label, did: makePeerDid(key.verkey, QUEUE) })
    const thread = { thid: request['@id'] as string, pthid: invitation.id }
    const { body } = await this.#send({ ...request, '~thread': thread })
    const did = body.member('did').text(16 * 1024)
    if (readSignedText(body.member('did_rotate~attach'), inviter.keys) !== did) throw new CheckFailedError("the mediator's DID is not the one that is signed")
    const theirs = readContact(peerDocument(did))
    this.#session = { key, contact: { ...theirs, endpoint: inviter.endpoint }, address: undefined }
    await this.#line?.send(this.#packed(message('didexchange/1.1/complete', {}, thread)))
    const grant = await this.#ask('coordinate-mediation/1.0/mediate-request', {}, 'mediate-grant')
    const routing = grant.body.member('routing_keys').items(MOST_ROUTING).map((each) => each.text(160))
    const address = { endpoint: grant.body.member('endpoint').text(2048), routingKeys: routing.map(asReference) }
    publicAddress(address.endpoint, 'endpoint')
    return { key, contact: this.#session.contact, address }
  }

  async #openLine(opened: () => Promise<void>, isCompact = false): Promise<void> {
    if (this.#isStopped) throw new StateError('the wallet is closed')
    const { endpoint } = (this.#session as Session).contact
    const url = publicAddress(endpoint.replace(/^https:/, 'wss:'), 'endpoint of the mediator', 'wss:').href
    if (!this.#line) {
      this.#line = new Line(this.#network, url, (envelope) => this.#received(envelope), opened)
      this.#line.before = () => atMost(PATIENCE_MS, this.onAgain())
      this.#line.wasCompact = isCompact
    }
    await this.#line.open()
  }

  // 2
  async #goLive(): Promise<void> {
    let body: Received
    try {
      body = (await this.#ask('messagepickup/2.0/live-delivery-change', { live_delivery: true, delivery_as: 'text' }, 'status')).body
    } catch (error) {
      if (error instanceof SilentError && this.#line?.wasCompact) await this.#noteCompact(false) // by text, next time
      else if (error instanceof SilentError) await this.#noteSilence()
      throw error
    }
    await this.#noteAnswer()
    const isCompact = body.optional('takes_compact')?.boolean() ?? false
    if (this.#line) this.#line.isCompact = isCompact
    this.#lookAt(body)
    this.onOpen()
    await this.#noteCompact(isCompact)
  }

  async #noteCompact(compact: boolean): Promise<void> {
    if (this.#line) this.#line.wasCompact = compact
    const row = await this.#store.get('mediator', ROW)
    if (row && (row['compact'] === true) !== compact) await this.#store.write([{ kind: 'mediator', id: ROW, value: { ...row, compact } }])
  }

  // A mediator may deliver what waited only when asked to.
  #lookAt(status: Received): void {
    clearTimeout(this.#patience)
    if (this.#isStopped) return
    const count = status.optional('message_count')?.integer(0, Number.MAX_SAFE_INTEGER) ?? 0
    if (count > 0) this.#patience = setTimeout(() => this.#tell('messagepickup/2.0/delivery-request', { limit: BATCH, delivery_as: 'text' }), PATIENCE_MS)
  }

  async #takeDelivery(incoming: Incoming): Promise<void> {
    clearTimeout(this.#patience)
    const delivered = incoming.body.member('~attach').items(MOST_DELIVERED).map((item) => ({
      id: item.member('@id').text(256),
      data: item.member('data'),
    }))
    let at = 0
    const envelopes = delivered.map(({ data }) => {
      const follows = data.optional('follows')
      if (!follows) return deliveredIn(data)
      const size = follows.integer(1, LONGEST_DELIVERED)
      const frame = incoming.tail?.subarray(at, (at += size))
      if (frame?.length !== size) throw new MalformedError(data.path, 'as many bytes as follow')
      return expanded(frame)
    })
    await this.#inbox.keep(envelopes)
    const work = this.#inbox.work()
    await atMost(PATIENCE_MS, work) // what takes longer is kept as it came
    await this.#store.settle?.()
    this.#tell('messagepickup/2.0/messages-received', { message_id_list: delivered.map(({ id }) => id) })
    await work
  }

  #received(envelope: Uint8Array): void {
    void this.#take(envelope).catch((error: unknown) => {
      if (!(error instanceof WalletError)) throw error
      this.#inbox.onDropped('mediator', error)
    })
  }

  async #take(envelope: Uint8Array): Promise<void> {
    const session = this.#session as Session
    const opened = unpack(expanded(envelope), (key) => (key === session.key.verkey ? session.key : undefined), MOST_FRAME_BYTES, true)
    const incoming = readMessage(opened, MOST_FRAME_BYTES)
    const { from, kind, thread } = incoming
    if (from === undefined) throw new CheckFailedError('a message of the mediator from nobody')
    const isConnecting = kind === 'didexchange/1.1/response' && session.address === undefined
    if (!session.contact.keys.includes(from) && !isConnecting) throw new CheckFailedError('a message of the mediator from another key')
    if (kind === 'messagepickup/2.0/delivery') return this.#takeDelivery(incoming)
    // ACA-Py's mediate-grant names no thread: there its type does.
    if (!this.#line?.answer([thread, kind], incoming) && kind === 'messagepickup/2.0/status') this.#lookAt(incoming.body)
    return undefined
  }

  #tell(kind: string, members: JsonObject): void {
    void this.#line?.send(this.#packed(message(kind, members))).catch(() => undefined)
  }

  async #ask(kind: string, members: JsonObject, answer: string): Promise<Incoming> {
    const protocol = kind.slice(0, kind.lastIndexOf('/'))
    const incoming = await this.#send(message(kind, members), `${protocol}/${answer}`)
    if (incoming.kind !== `${protocol}/${answer}`) throw new CheckFailedError(`expected ${answer} of the mediator`)
    return incoming
  }

  async #send(asked: JsonObject, answer?: string, tail?: Uint8Array, isProbe = false): Promise<Incoming> {
    if (!this.#line) throw new UnreachableError('the wallet is not connected to its mediator')
    const names = [asked['@id'] as string, ...(answer?.endsWith('mediate-grant') ? [answer] : [])]
    return this.#line.ask<Incoming>(names, this.#packed(asked, tail), isProbe)
  }

  #packed(asked: JsonObject, tail?: Uint8Array): string {
    const { key, contact } = this.#session as Session
    return pack(JSON.stringify({ ...asked, '~transport': { return_route: 'all' } }), contact.keys[0] as Verkey, key, tail)
  }
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await Promise.race([work, new Promise((done) => (timer = setTimeout(done, ms)))])
  } finally {
    clearTimeout(timer)
  }
}

// A mediator of ours gives text, which is a quarter shorter; others give base64.
function deliveredIn(data: Received): Uint8Array {
  const text = data.optional('text')
  return text ? new TextEncoder().encode(text.text(LONGEST_DELIVERED)) : fromAnyBase64(data.member('base64').text(LONGEST_DELIVERED), data.path)
}

// In a DID document routing keys are did:key URLs with a fragment.
function asReference(key: string): string {
  const did = didKey(anyKey(key, 'routing_keys'))
  return `${did}#${did.slice('did:key:'.length)}`
}

function sealSession({ key, contact, address }: Session & { address: Address }): JsonObject {
  return { seed: key.seal(), contact: sealContact(contact), endpoint: address.endpoint, routingKeys: address.routingKeys }
}

function unsealSession(row: JsonObject): Session {
  const received = new Received(row, 'mediator')
  const routingKeys = received.member('routingKeys').items(MOST_ROUTING).map((key) => key.text(160))
  return {
    key: SecretKey.unseal(received.member('seed')),
    contact: unsealContact(received.member('contact')),
    address: { endpoint: received.member('endpoint').text(2048), routingKeys },
  }
}

/** The raw keys of an address, as `~service` has them (Aries RFC 0056). */
export function rawKeys({ routingKeys }: Address): Verkey[] {
  return routingKeys.map((key) => verkey(anyKey(key, 'routing key'), 'routing key'))
}
