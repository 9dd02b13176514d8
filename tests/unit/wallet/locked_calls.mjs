// What is left of a book once it is locked: objects of its kinds in this process, as its garbage collector finds them, and what is
// remembered beside them; see `driver.mjs`.

import { queryObjects } from 'node:v8'
import { simulated } from './simulated.mjs'

export async function calls(load) {
  const { World, Peer, UnreachableError } = await simulated(load)
  const { Session } = await load('page/session.js')
  const { MemoryShelf } = await load('keeping/shelf.js')
  const { agreementKey } = await load('didcomm/box.js')

  const ORIGIN = 'https://wallet.example.test'
  const SETTINGS = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: true, governance: null }
  const KINDS = {
    VaultKey: 'keeping/vault_key.js',
    SealedStore: 'keeping/sealed_store.js',
    Backup: 'keeping/backup.js',
    SecretKey: 'didcomm/keys.js',
    KeyRing: 'agent/key_ring.js',
    Agent: 'agent/agent.js',
    Wallet: 'wallet.js',
    Views: 'page/views.js',
  }
  const failure = (work) => Promise.resolve().then(work).then(() => 'none', (error) => error.code ?? error.name)
  const moment = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms))
  const isRemembered = (verkey) => agreementKey(verkey) === agreementKey(verkey)

  async function counted() {
    await moment()
    const counts = {}
    for (const [name, file] of Object.entries(KINDS)) counts[name] = queryObjects((await load(file))[name])
    return counts
  }

  // A host that takes what it is given; it is away, or it says that somebody else has the book.
  function host() {
    const told = { isAway: false, isTaken: false }
    let number = 0
    const fetch = async (_url, { method, headers }) => {
      if (told.isAway) throw new TypeError('away')
      if (told.isTaken) return method === 'GET' ? new Response(new Uint8Array([0, 0, 0, 1, 7]), { status: 200, headers: { ETag: `"${number + 7}"`, 'Vault-Base': String(number + 7) } }) : new Response(null, { status: 412, headers: { ETag: `"${number + 7}"` } })
      if (method === 'GET') return number ? new Response(null, { status: 304, headers: { ETag: `"${number}"` } }) : new Response(null, { status: 404 })
      number = 1 + (headers['If-None-Match'] === '*' ? 0 : Number(JSON.parse(headers['If-Match'])))
      return new Response(null, { status: 204, headers: { ETag: `"${number}"` } })
    }
    return Object.assign(told, { fetch })
  }

  let waiting // see `accepted`

  async function until(holds) {
    while (!(await holds())) await moment(1)
  }

  return {
    // What is left after a lock, by what was done with the book: opened by PIN, by passkey; an offer awaited; taken over elsewhere.
    left_after_lock: async () => {
      const before = globalThis.fetch
      const vaults = host()
      globalThis.fetch = vaults.fetch
      const seen = {}
      try {
        const world = new World()
        const peer = new Peer()
        const network = { get: (url) => world.get(url), post: (...told) => world.post(...told), open: (...told) => world.open(...told) }
        const one = await Session.begin(new MemoryShelf(), network, SETTINGS, () => {})
        const base = await counted()
        const look = async (name) => {
          const counts = await counted()
          seen[name] = [one.status().phase, Object.keys(counts).filter((kind) => counts[kind] > base[kind]), isRemembered(peer.invited.verkey)]
        }
        one.newCode()
        await one.create({ pin: '246810' })
        await until(() => one.status().isOnline && one.status().backup === 'kept')
        const secret = new Uint8Array(32).fill(7)
        await one.keepPasskey({ id: new Uint8Array(1), salt: new Uint8Array(32), secret })
        const { id } = await one.follow({ address: peer.invitation(world) })
        await until(() => world.opened(peer.invited).length)
        isRemembered(peer.invited.verkey) // computed once, if it is to be
        await look('open')
        const awaited = failure(() => one.offerOf({ connection: id }))
        await one.lock()
        seen.awaited = await Promise.race([awaited, moment(1_000).then(() => 'still waited for')])
        world.events = undefined
        await look('locked')
        await one.unlock({ secret })
        await until(() => one.status().isOnline)
        await one.lock()
        world.events = undefined
        await look('by passkey')
        // Somebody else has it: known when it is opened, and the key is for using it here again, until it is locked.
        vaults.isTaken = true
        await one.unlock({ pin: '246810' })
        seen.taken = one.status().phase
        await one.lock()
        await look('elsewhere')
        // Closed while it opens.
        vaults.isTaken = false
        const opening = failure(() => one.unlock({ pin: '246810' }))
        one.leave()
        await opening
        world.events = undefined
        await look('other tab')
        return seen
      } finally {
        globalThis.fetch = before
      }
    },
    // Requests for a connection that nobody will ever take, or that were refused: how long an offer is waited for.
    hopeless: async () => {
      const { CheckFailedError } = await load('errors.js')
      const { newestOffer } = await load('exchange/awaited_offer.js')
      const outcomes = []
      const soon = (work) => Promise.race([failure(work), moment(1_000).then(() => 'still waited for')])
      const world = new World()
      await world.visit()
      world.post = () => Promise.reject(new CheckFailedError('the mediator does not pass the request on'))
      const peer = new Peer()
      const link = peer.invitation(world)
      const { id } = await world.wallet.follow(link)
      outcomes.push(await soon(() => newestOffer(world.wallet.agent, id)), (await world.store.get('connection', id)).state, (await world.rows('outbox')).length)
      const other = new World()
      await other.visit()
      other.post = () => Promise.reject(new UnreachableError('away'))
      const opened = await other.wallet.follow(new Peer().invitation(other))
      const row = await other.store.get('connection', opened.id)
      await other.wallet.agent.commit({ changes: [{ kind: 'connection', id: opened.id, value: { ...row, state: 'refused', why: 'request_not_accepted' } }] })
      outcomes.push(await soon(() => newestOffer(other.wallet.agent, opened.id)))
      // A link that hangs on a wall: it is followed again when all is well.
      delete world.post
      const again = await world.wallet.follow(link)
      await world.wallet.agent.outbox.flush()
      await world.deliver([peer.response(world.opened(peer.invited).at(-1))])
      outcomes.push([again.id === id, (await world.store.get('connection', id)).state])
      world.wallet.stop()
      other.wallet.stop()
      return outcomes
    },
    // An invitation to connect that carries something: what is there before the connection stands, after it, and after the link was opened again.
    carried: async ({ kind }) => {
      const { DIDCOMM, base64url, didKey, fresh, say, utf8 } = await simulated(load)
      const world = await fresh()
      const peer = new Peer()
      const service = { id: '#inline', type: 'did-communication', recipientKeys: [didKey(peer.invited.verkey)], serviceEndpoint: 'https://centre.example.test/didcomm' }
      const preview = { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: [{ name: 'a', value: '1' }] }
      const body = { cred_def_id: 'x', schema_id: 'y', nonce: '1', key_correctness_proof: {} }
      const offer = { credential_preview: preview, formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: body } }] }
      const carried = say(kind, offer)
      const invitation = say('out-of-band/1.1/invitation', { services: [service], handshake_protocols: [`${DIDCOMM}didexchange/1.1`], 'requests~attach': [{ '@id': '0', data: { json: carried } }] })
      const link = `https://centre.example.test/i?oob=${base64url(utf8(JSON.stringify(invitation)))}`
      const { id } = await world.wallet.follow(link)
      await world.wallet.agent.outbox.flush()
      const counts = async () => [(await world.rows('offer')).length, (await world.rows('question')).length, (await world.rows('inbox')).length]
      const seen = [await counts()]
      await world.deliver([peer.response(world.opened(peer.invited).at(-1))])
      seen.push(await counts(), (await world.rows('offer')).map(([, row]) => [row.state, row.connection === id, row.thread === carried['@id']]))
      await world.wallet.follow(link)
      seen.push(await counts(), 'attached' in (await world.store.get('connection', id)))
      world.wallet.stop()
      return seen
    },
    // Invitations that carry an offer: what is kept of each, before its connection ends without an answer and after.
    carried_ends: async () => {
      const { connected, fresh, pack, say } = await simulated(load)
      const world = await fresh()
      const { agent } = world.wallet
      const offer = say('issue-credential/2.0/offer-credential', { comment: 'x' })
      const seen = []
      const look = async (id) => {
        const row = await world.store.get('connection', id)
        seen.push([row.state, 'attached' in row])
      }
      const refusing = await connected(world, offer)
      await look(refusing.id)
      const report = say('didexchange/1.1/problem_report', { description: { code: 'request_not_accepted' } }, refusing.request['@id'])
      await world.deliver([pack(JSON.stringify(report), refusing.own, refusing.peer.invited)])
      await look(refusing.id)
      const gone = await connected(world, offer)
      await agent.outbox.ends(gone.own, gone.request['@id'], { code: 'not_public' })
      await look(gone.id)
      world.listing = 'client_error'
      await world.wallet.follow(new Peer().invitation(world, offer)).catch(() => undefined)
      const [id] = (await world.rows('connection')).at(-1)
      await look(id)
      world.wallet.stop()
      return seen
    },
    // Invitations that carry as much as one may, or nothing, followed at once: what comes of each, and whether there is room when one ended.
    carried_together: async ({ bytes }) => {
      const { fresh, fromAnyBase64, say } = await simulated(load)
      const world = await fresh()
      const invitations = new Map()
      world.get = (address) => Promise.resolve(invitations.get(address))
      const follow = (size) => {
        const link = new Peer().invitation(world, size ? say('issue-credential/2.0/offer-credential', { comment: 'x'.repeat(size) }) : undefined)
        // As a short link leads to it: one with its invitation in itself has no room for as much.
        const invitation = fromAnyBase64(new URL(link).searchParams.get('oob'), 'invitation')
        const address = `https://centre.example.test/i/${invitations.size}`
        invitations.set(address, invitation)
        return failure(() => world.wallet.follow(address))
      }
      const seen = [await Promise.all(bytes.map(follow)), (await world.rows('connection')).length]
      const [id, row] = (await world.rows('connection')).find(([, { attached }]) => attached)
      await world.wallet.agent.outbox.ends(row.own, row.request, { code: 'not_public' })
      seen.push((await world.store.get('connection', id)).state, await follow(bytes[0]))
      world.wallet.stop()
      return seen
    },
    // Connections that nobody answers, one of them with an offer: after a month, put away, answered after all, and followed once more.
    unanswered: async () => {
      const { fresh, say } = await simulated(load)
      const { Views } = await load('page/views.js')
      const { dropConnection } = await load('agent/did_exchange.js')
      const world = await fresh()
      const { wallet } = world
      const views = new Views(wallet, undefined)
      const book = async () => (await views.book()).links.map(({ state, at }) => [state, Date.now() - at < 60_000])
      const begin = async (carried) => {
        const peer = new Peer()
        const link = peer.invitation(world, carried)
        const { id } = await wallet.follow(link)
        await wallet.agent.outbox.flush()
        return { peer, link, id, response: peer.response(world.opened(peer.invited).at(-1)) }
      }
      const offer = say('issue-credential/2.0/offer-credential', { comment: 'x'.repeat(20 * 1024) })
      const [plain, large] = [await begin(), await begin(offer)]
      const state = async ({ id }) => {
        const row = await world.store.get('connection', id)
        return row ? [row.state, 'attached' in row] : 'none'
      }
      const seen = { asked: [await book(), await state(plain), await state(large)] }
      const row = await world.store.get('connection', large.id)
      const aged = (days) => world.store.write([{ kind: 'connection', id: large.id, value: { ...row, at: Date.now() - days * 24 * 3600 * 1000 } }])
      // As a page wrote it that knew nothing of that.
      const { at: _, ...older } = row
      await world.store.write([{ kind: 'connection', id: large.id, value: older }])
      seen.older = [(await book()).length]
      await wallet.agent.goOn()
      seen.older.push(await book())
      await aged(29)
      await wallet.agent.goOn()
      seen.before = await state(large)
      await aged(30)
      await wallet.agent.goOn()
      seen.after = [await state(large), (await book()).map(([each]) => each).sort()]
      await world.deliver([large.response]) // it counts no more
      seen.late = [await state(large), (await world.rows('offer')).length]
      for (const { id } of [plain, large]) await dropConnection(wallet.agent, id)
      seen.dropped = [await book(), await state(plain), await state(large)]
      await world.deliver([plain.response])
      seen.afterDrop = await state(plain)
      await wallet.follow(plain.link)
      await wallet.agent.outbox.flush()
      await world.deliver([plain.peer.response(world.opened(plain.peer.invited).at(-1))])
      seen.again = [await state(plain), await book()]
      await dropConnection(wallet.agent, plain.id) // one that stands is none of these
      seen.stands = await state(plain)
      // What could not go out does not go out any more once it is put away.
      world.isAway = true
      const far = await wallet.follow(new Peer().invitation(world))
      await wallet.agent.outbox.flush()
      seen.waits = (await world.rows('outbox')).length
      await dropConnection(wallet.agent, far.id)
      seen.putAway = (await world.rows('outbox')).length
      wallet.stop()
      return seen
    },
    // An offer that was accepted: what its issuer is asked for; without a definition, that cannot be had. `unsigned` goes on with it.
    accepted: async ({ offer, definition, values }) => {
      const { DIDCOMM, connected, fresh, fromAnyBase64, pack, say, text } = await simulated(load)
      const world = await fresh()
      if (definition) await world.store.write([{ kind: 'object', id: definition.id, value: { content: definition.json } }])
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const preview = { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: Object.entries(values).map(([name, value]) => ({ name, value })) }
      const told = { credential_preview: preview, formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: offer } }] }
      const message = say('issue-credential/2.0/offer-credential', told)
      await world.deliver([pack(JSON.stringify(message), own, peer.key)])
      const [[id]] = await world.rows('offer')
      if (!definition) world.get = () => Promise.reject(new UnreachableError('away'))
      const outcome = await failure(() => world.wallet.offers.accept(id))
      await world.wallet.agent.outbox.flush()
      const said = () => world.opened(peer.key).filter((each) => each['@type'].includes('issue-credential'))
      const deliver = (type, members) => world.deliver([pack(JSON.stringify(say(type, members, message['@id'])), own, peer.key)])
      waiting = { world, id, said, deliver }
      const data = said()[0]?.['requests~attach'][0].data.base64
      return [outcome, data === undefined ? null : JSON.parse(text(fromAnyBase64(data, 'request')))]
    },
    // Days pass without a credential; then it is put away, or the credential comes, or the offer is withdrawn, or none of these.
    unsigned: async ({ then, credential }) => {
      const { Views } = await load('page/views.js')
      const { world, id, said, deliver } = waiting
      const { wallet, store } = world
      const views = new Views(wallet, undefined)
      const look = async () => [(await store.get('offer', id))?.state ?? 'none', (await views.book()).offers.map(({ isOver }) => isOver)]
      const aged = async (days) => {
        const row = await store.get('offer', id)
        await store.write([{ kind: 'offer', id, value: { ...row, yesAt: Date.now() - days * 24 * 3600 * 1000 } }])
        await wallet.agent.goOn()
        return look()
      }
      // As a page wrote it that knew nothing of that.
      const { yesAt: _, ...older } = await store.get('offer', id)
      await store.write([{ kind: 'offer', id, value: older }])
      await wallet.agent.goOn()
      const seen = { older: [...(await look()), Date.now() - (await store.get('offer', id)).yesAt < 60_000], before: await aged(29) }
      await wallet.offers.drop(id) // what is waited for is not put away
      seen.after = await aged(30)
      if (then === 'put away') await wallet.offers.drop(id)
      if (then === 'withdrawn') await deliver('issue-credential/2.0/problem-report', { description: { en: 'closed' } })
      if (credential) await deliver('issue-credential/2.0/issue-credential', { formats: [{ attach_id: '0', format: 'anoncreds/credential@v1.0' }], 'credentials~attach': [{ '@id': '0', data: { json: credential } }] })
      await wallet.agent.outbox.flush()
      seen.then = [(await store.get('offer', id))?.state ?? 'none', (await world.rows('credential')).length]
      seen.told = said().slice(1).map((each) => [each['@type'].split('/').at(-1), each['~thread'].thid === id.split(' ')[1]])
      seen.left = 'secrets' in ((await store.get('offer', id)) ?? {})
      wallet.stop()
      return seen
    },
    // An invitation that says where its inviter is: which are waited for, and what is said of the others.
    inline_addresses: async ({ addresses }) => {
      const { readInvitation } = await load('agent/invitation.js')
      const { DIDCOMM, didKey, say, utf8 } = await simulated(load)
      const read = (serviceEndpoint) => {
        const service = { id: '#inline', type: 'did-communication', recipientKeys: [didKey(new Peer().invited.verkey)], serviceEndpoint }
        return readInvitation(utf8(JSON.stringify(say('out-of-band/1.1/invitation', { services: [service], handshake_protocols: [`${DIDCOMM}didexchange/1.1`] }))))
      }
      return Promise.all(addresses.map((address) => failure(() => read(address))))
    },
    // Links of these lengths, with an invitation in themselves or an address alone: what comes of them.
    link_lengths: async ({ lengths }) => {
      const { linkAddress } = await load('agent/invitation.js')
      const link = (head, length) => head + 'A'.repeat(length - head.length)
      return Promise.all(lengths.flatMap((length) => ['https://a.example.test/i?oob=', 'https://a.example.test/i?x='].map((head) => failure(() => linkAddress(link(head, length))))))
    },
    // Long links that wait: how many are kept, and what is said of the next.
    long_links: async ({ length }) => {
      const world = new World()
      await world.visit()
      const { links } = world.wallet
      const outcomes = []
      for (let number = 0; number < 4; number++) {
        const head = `https://a.example.test/${number}?oob=`
        outcomes.push(await failure(() => links.open(head + 'A'.repeat(length - head.length), false)))
      }
      world.wallet.stop()
      return [outcomes, (await world.rows('link')).length]
    },
  }
}
