// A mediator that says what it is told, and peers with keys of their own: the world of `agent_calls.mjs` and `hostile_calls.mjs`.
// The network is simulated; store, envelopes, DIDs and protocols are the wallet's.

export async function simulated(load) {
  const { MemoryStore } = await load('store.js')
  const { Wallet } = await load('wallet.js')
  const { SecretKey, didKey, publicKey } = await load('didcomm/keys.js')
  const { pack, unpack } = await load('didcomm/envelope.js')
  const { makePeerDid, peerDocument, QUEUE } = await load('dids/peer.js')
  const { readContact } = await load('dids/contact.js')
  const { expanded } = await load('didcomm/compact.js')
  const { base64, base64url, fromAnyBase64 } = await load('base64.js')
  const { UnreachableError } = await load('errors.js')

  const utf8 = (text) => new TextEncoder().encode(text)
  const gate = () => {
    let resolve
    return { promise: new Promise((open) => (resolve = open)), resolve }
  }
  const text = (bytes) => new TextDecoder().decode(bytes)

  const DIDCOMM = 'https://didcomm.org/'
  const HOST = 'https://mediator.example.test/didcomm'
  let counter = 0
  const say = (type, members = {}, thread) => ({ '@type': DIDCOMM + type, '@id': `m-${++counter}`, ...(thread && { '~thread': { thid: thread } }), ...members })

  // A DID signed by the key of an invitation.
  function rotation(did, key) {
    const kid = didKey(key.verkey)
    const header = base64url(utf8(JSON.stringify({ alg: 'EdDSA', kid, jwk: { kty: 'OKP', crv: 'Ed25519', x: base64url(publicKey(key.verkey)), kid } })))
    const payload = base64url(utf8(did))
    return { '@id': 'did', data: { base64: payload, jws: { header: { kid }, protected: header, signature: base64url(key.sign(utf8(`${header}.${payload}`))) } } }
  }

  class World {
    store = new MemoryStore()
    posted = []
    acknowledged = []
    dropped = []
    listed = []
    egress = false
    egressed = []
    isAway = false
    mediator = { invited: SecretKey.random(), key: SecretKey.random(), routing: SecretKey.random() }
    sockets = 0
    /** Whether the mediator takes compact envelopes; and what came, with whether it was one. */
    compact = false
    frames = []
    waiting = []
    forgotten = new Set()

    async visit() {
      this.wallet = await Wallet.open(this.store, this, { mediator: 'https://mediator.example.test/mediator', label: 'Wallet', egress: this.egress })
      this.wallet.agent.inbox.onDropped = (kind, error) => this.dropped.push(`${kind}: ${error.message}`)
      await this.wallet.start()
    }

    get() {
      const service = { id: '#inline', type: 'did-communication', recipientKeys: [didKey(this.mediator.invited.verkey)], serviceEndpoint: HOST }
      return Promise.resolve(utf8(JSON.stringify(say('out-of-band/1.1/invitation', { services: [service], handshake_protocols: [`${DIDCOMM}didexchange/1.1`] }))))
    }

    post(url, envelope) {
      if (this.isAway) return Promise.reject(new UnreachableError('away'))
      this.posted.push({ url, envelope })
      return Promise.resolve(this.replies?.(envelope))
    }

    open(url, events) {
      this.sockets += 1
      this.events = events
      this.onSocket?.()
      return Promise.resolve({ send: (envelope) => queueMicrotask(() => this.mediate(envelope)), close: () => {} })
    }

    // The mediator. `lies` changes what it answers.
    mediate(frame) {
      const { invited, key, routing } = this.mediator
      const envelope = expanded(frame)
      const isCompact = envelope !== frame
      if (isCompact && !this.compact) return this.frames.push(['not understood', true])
      const { from, content } = unpack(envelope, (kid) => [invited, key].find((each) => each.verkey === kid))
      const asked = JSON.parse(content)
      if (this.forgotten.has(from)) return
      this.known = from
      const kind = asked['@type'].slice(DIDCOMM.length)
      this.frames.push([kind, isCompact])
      const answer = (type, members) => this.tell(from, say(type, members, asked['@id']))
      if (kind === 'didexchange/1.1/request') {
        const did = makePeerDid(key.verkey, { endpoint: HOST, routingKeys: [] })
        answer('didexchange/1.1/response', { did, 'did_rotate~attach': rotation(did, this.signsWith ?? invited) })
      }
      if (kind === 'coordinate-mediation/1.0/mediate-request') answer('coordinate-mediation/1.0/mediate-grant', { endpoint: HOST, routing_keys: [didKey(routing.verkey)] })
      if (kind === 'coordinate-mediation/1.0/keylist-update') {
        this.listed.push(asked.updates[0].recipient_key)
        answer('coordinate-mediation/1.0/keylist-update-response', { updated: [{ ...asked.updates[0], result: this.listing ?? 'success' }] })
      }
      if (kind === 'messagepickup/2.0/live-delivery-change') {
        answer('messagepickup/2.0/status', { message_count: 0, ...(this.compact && { takes_compact: true }) })
        if (this.waiting.length) this.deliver(this.waiting)
      }
      if (kind === 'messagepickup/2.0/status-request') answer('messagepickup/2.0/status', { message_count: 0 })
      if (kind === 'egress/1.0/request') this.egressed.push({ asked, answer })
      if (kind === 'messagepickup/2.0/messages-received') this.acknowledged.push(...asked.message_id_list)
    }

    tell(to, message, by = this.mediator.key) {
      this.events.received(utf8(pack(JSON.stringify(message), to, by)))
    }

    // Deliver envelopes; it resolves when they were acknowledged and dealt with.
    async deliver(envelopes, by) {
      const granted = await this.store.get('mediator', 'granted')
      const own = SecretKey.unseal(new (await load('received.js')).Received(granted.seed, 'seed')).verkey
      const ids = envelopes.map(() => `d-${++counter}`)
      const attached = envelopes.map((envelope, index) => ({ '@id': ids[index], data: index % 2 ? { text: envelope } : { base64: base64(utf8(envelope)) } }))
      this.tell(own, say('messagepickup/2.0/delivery', { '~attach': attached }), by)
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
      return ids.every((id) => this.acknowledged.includes(id))
    }

    // What the wallet posted to a peer: the forward of its envelope opened.
    opened(peer) {
      const isFor = ({ envelope }) => JSON.parse(text(fromAnyBase64(JSON.parse(envelope).protected, 'header'))).recipients[0].header.kid === peer.verkey
      return this.posted.filter(isFor).map(({ envelope }) => JSON.parse(unpack(envelope, () => peer).content))
    }

    rows = (kind) => this.store.list(kind)
  }

  // An issuer that invites by a key, and answers to the wallet's request.
  class Peer {
    invited = SecretKey.random()
    key = SecretKey.random()

    // `carried`: the message that it carries.
    invitation(world, carried) {
      const service = { id: '#inline', type: 'did-communication', recipientKeys: [didKey(this.invited.verkey)], serviceEndpoint: 'https://centre.example.test/didcomm' }
      const attached = carried && { 'requests~attach': [{ '@id': '0', data: { json: carried } }] }
      const invitation = say('out-of-band/1.1/invitation', { services: [service], handshake_protocols: [`${DIDCOMM}didexchange/1.1`], ...attached })
      return `https://centre.example.test/i?oob=${base64url(utf8(JSON.stringify(invitation)))}`
    }

    response(request, { signer = this.invited, key = this.key, did = makePeerDid(key.verkey, { endpoint: 'https://centre.example.test/didcomm', routingKeys: [] }), by = key, thread = request['@id'] } = {}) {
      const their = readContact(peerDocument(request.did)).keys[0]
      const message = say('didexchange/1.1/response', { did, 'did_rotate~attach': rotation(did, signer) }, thread)
      return pack(JSON.stringify(message), their, by)
    }
  }

  async function connected(world, carried) {
    const peer = new Peer()
    const { id } = await world.wallet.follow(peer.invitation(world, carried))
    await world.wallet.agent.outbox.flush()
    const request = world.opened(peer.invited).at(-1)
    const own = readContact(peerDocument(request.did)).keys[0]
    return { peer, id, request, own }
  }
  const stateOf = async (world, id) => (await world.store.get('connection', id)).state
  const fresh = async () => {
    const world = new World()
    await world.visit()
    return world
  }

  return { SecretKey, didKey, pack, unpack, makePeerDid, peerDocument, QUEUE, readContact, base64url, fromAnyBase64, UnreachableError, utf8, text, gate, DIDCOMM, say, World, Peer, connected, stateOf, fresh }
}
