// A wallet's agent among simulated others (`simulated.mjs`); see `driver.mjs`.

import { simulated } from './simulated.mjs'

export async function calls(load) {
  const { SecretKey, didKey, pack, unpack, makePeerDid, peerDocument, QUEUE, readContact, base64url, fromAnyBase64, UnreachableError, utf8, text, gate, DIDCOMM, say, World, Peer, connected, stateOf, fresh } = await simulated(load)

  return {
    // The mediator lies about itself, or does not take a key.
    mediator_lies: async () => {
      const outcomes = []
      const impostor = new World()
      impostor.signsWith = SecretKey.random()
      outcomes.push(await impostor.visit().then(() => 'met', (error) => error.code), (await impostor.rows('mediator')).length)
      const world = await fresh()
      world.listing = 'client_error'
      outcomes.push(await world.wallet.follow(new Peer().invitation()).then(() => 'asked', (error) => error.code), world.posted.length)
      return outcomes
    },
    // Who else than the inviter answers; each outcome is the state of the connection after it.
    responses: async () => {
      const world = await fresh()
      const { peer, id, request } = await connected(world)
      const stranger = SecretKey.random()
      const wrong = [
        { signer: stranger },
        { by: stranger },
        { thread: 'other' },
        { did: 'did:peer:4zQm' },
        { did: 'did:key:z6Mk' },
        { did: makePeerDid(stranger.verkey, QUEUE), signer: peer.key },
      ]
      const outcomes = []
      for (const how of wrong) outcomes.push(await world.deliver([peer.response(request, how)]), await stateOf(world, id))
      outcomes.push(await world.deliver([pack('not JSON', readContact(peerDocument(request.did)).keys[0], peer.key), 'not an envelope'])), outcomes.push(await stateOf(world, id))
      await world.deliver([peer.response(request)])
      outcomes.push(await stateOf(world, id))
      await world.deliver([peer.response(request, { key: SecretKey.random() })]) // a second answer, of somebody who has the invitation's key
      const row = await world.store.get('connection', id)
      outcomes.push(row.theirs.keys[0] === peer.key.verkey, (await world.rows('inbox')).length)
      return outcomes
    },
    // Offers from the connection and from elsewhere, the same one again, and many.
    offers: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const preview = { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: [{ name: 'a', value: '<b>1</b>' }] }
      const body = { cred_def_id: 'x', schema_id: 'y', nonce: '1', key_correctness_proof: {} }
      const attach = { formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: body } }] }
      const offer = (more = {}) => say('issue-credential/2.0/offer-credential', { credential_preview: preview, ...attach, ...more })
      const send = (message, by = peer.key) => world.deliver([pack(JSON.stringify(message), own, by)])
      const counts = []
      const first = offer()
      for (const [message, by] of [
        [offer(), SecretKey.random()],
        [offer({ credential_preview: {} }), peer.key],
        [offer({ formats: [] }), peer.key],
        [offer({ 'offers~attach': [{ '@id': '0', data: { base64: '!' } }] }), peer.key],
        [offer({ '@id': 'x'.repeat(200) }), peer.key],
        [first, peer.key],
        [first, peer.key],
      ])
        counts.push(await send(message, by), (await world.rows('offer')).length)
      for (let number = 0; number < 30; number++) await send(offer())
      counts.push((await world.rows('offer')).length)
      // A message bomb: more than a key's share at once, acknowledged and not kept.
      const bomb = Array.from({ length: 40 }, () => pack(JSON.stringify(say('basicmessage/1.0/message')), own, peer.key))
      counts.push(await world.deliver(bomb), (await world.rows('inbox')).length)
      // A delivery as large as a mediator makes one: messages of 2 MiB together.
      const large = Array.from({ length: 8 }, () => pack(JSON.stringify(say('basicmessage/1.0/message', { content: 'x'.repeat(180_000) })), own, peer.key))
      counts.push(await world.deliver(large))
      return counts
    },
    // What breaks the code here: the first message, the first connection that is gone on with. What came next, and what shows of the faults.
    poison: async () => {
      const shown = []
      const others = process.listeners('unhandledRejection')
      process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => shown.push(error.message))
      try {
        const world = await fresh()
        const { peer, request, own } = await connected(world)
        await world.deliver([peer.response(request)])
        const { agent } = world.wallet
        const taken = []
        agent.inbox.handle('basicmessage/1.0/message', async ({ body }) => {
          const content = body.member('content').text(16)
          if (content === 'bad') throw new TypeError('poison')
          taken.push(content)
          return { changes: [] }
        })
        const send = (content) => pack(JSON.stringify(say('basicmessage/1.0/message', { content })), own, peer.key)
        const isAcknowledged = await world.deliver([send('bad'), send('good')])
        await world.deliver([send('later')])
        const advanced = []
        await agent.store.write(['one', 'two'].map((id) => ({ kind: 'erasure', id, value: {} })))
        agent.goesOn('erasure', async (id) => {
          advanced.push(id)
          if (id === 'one') throw new TypeError('poisoned row')
        })
        await agent.goOn()
        await new Promise((resolve) => setImmediate(resolve))
        // The browser's storage fails once: the message waits.
        agent.inbox.handle('basicmessage/1.0/message', async () => { throw new DOMException('full', 'QuotaExceededError') })
        await world.deliver([send('kept')])
        return [isAcknowledged, taken, advanced, shown, (await world.rows('inbox')).length]
      } finally {
        process.removeAllListeners('unhandledRejection')
        for (const other of others) process.on('unhandledRejection', other)
      }
    },
    // A peer that is away; the page ends; the next visit sends the very same message.
    outbox: async () => {
      const world = await fresh()
      world.isAway = true
      const peer = new Peer()
      await world.wallet.follow(peer.invitation())
      await world.wallet.agent.outbox.flush()
      const waiting = (await world.rows('outbox')).map(([, row]) => row.message['@id'])
      world.isAway = false
      await world.visit()
      await world.wallet.agent.outbox.flush()
      const sent = world.opened(peer.invited).map((message) => message['@id'])
      return { same: sent.length === 1 && sent[0] === waiting[0], left: (await world.rows('outbox')).length, sockets: world.sockets }
    },
    // What is asked before the socket is open, of a mediator that was met before: how it speaks, and what goes first; then of an older one.
    asked_early: async () => {
      const { setTimeout: later } = globalThis
      const { SilentError } = await load('errors.js')
      const world = new World()
      world.compact = true
      await world.visit()
      world.wallet.stop()
      const seen = []
      const { open } = world
      const again = async () => {
        world.frames = []
        const opened = gate()
        world.open = async (...told) => (await opened.promise, open.apply(world, told))
        const visit = world.visit().then(() => 'live', (error) => error instanceof SilentError && 'silent')
        for (let turn = 0; turn < 20 && !world.wallet?.agent.mediator.mayAsk; turn++) await new Promise((resolve) => setImmediate(resolve))
        world.wallet.agent.mediator.request('egress/1.0/request', {}).catch(() => undefined)
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        const before = world.frames.length
        opened.resolve()
        const outcome = await visit
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        world.wallet.stop()
        seen.push([before, outcome, world.frames, (await world.store.get('mediator', 'silence')) === undefined])
      }
      try {
        world.wallet = undefined
        await again()
        world.compact = false
        globalThis.setTimeout = (run, wait, ...rest) => later(run, wait >= 10_000 ? 25 : wait, ...rest)
        world.wallet = undefined
        await again()
        globalThis.setTimeout = later
        world.wallet = undefined
        await again()
      } finally {
        globalThis.setTimeout = later
      }
      return seen
    },
    // What waits to go out, sent by whoever comes round: not before the vault has what came before it.
    held_back: async () => {
      const world = await fresh()
      const peer = new Peer()
      world.isAway = true
      await world.wallet.follow(peer.invitation(world))
      await world.wallet.agent.outbox.flush()
      world.isAway = false
      const held = gate()
      world.store.settled = () => held.promise
      const going = world.wallet.agent.goOn()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      const before = world.opened(peer.invited).length
      held.resolve()
      await going
      const after = world.opened(peer.invited).length
      world.wallet.stop()
      return [before, after]
    },
    // The mediator's line ended without a word; the device says that it has no network: nobody waits, and the socket comes back by itself.
    lost: async () => {
      const world = await fresh()
      const { mediator } = world.wallet.agent
      const before = mediator.isConnected
      world.mediate = () => {}
      const asked = mediator.request('egress/1.0/request', {}).then(() => 'answered', (error) => error.constructor.name)
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      const back = new Promise((resolve) => (world.onSocket = resolve))
      const silent = mediator.isConnected
      mediator.lost()
      const after = mediator.isConnected
      const outcome = await asked
      await back
      world.wallet.stop()
      return [before, silent, after, outcome, world.sockets]
    },
    // The phone went to another network, and nobody was told: who looks again finds out, and the socket comes back; one that is well stays.
    // What is asked in vain for a minute finds out too. A socket that is down opens as soon as somebody looks.
    dead: async () => {
      const { setTimeout: later } = globalThis
      const { now } = Date
      let ahead = 0
      globalThis.setTimeout = (run, wait, ...rest) => later(run, wait >= 10_000 ? 25 : wait, ...rest)
      Date.now = () => now() + ahead
      const world = await fresh()
      const { mediator } = world.wallet.agent
      const { mediate } = world
      const line = () => [mediator.isConnected, world.sockets]
      const back = async () => {
        world.mediate = mediate
        for (let turn = 0; turn < 400 && !mediator.isConnected; turn++) await new Promise((resolve) => later(resolve, 10))
      }
      const seen = []
      try {
        await mediator.look() // it was heard just now: nobody is asked
        ahead += 31_000
        await mediator.look()
        seen.push(line())
        ahead += 31_000
        world.mediate = () => {}
        await mediator.look()
        seen.push(line())
        await back()
        seen.push(line())
        world.mediate = () => {}
        const ask = () => mediator.request('egress/1.0/request', {}).then(() => 'answered', (error) => error.constructor.name)
        const first = await ask()
        seen.push([first, ...line()]) // it may be slow
        ahead += 61_000
        seen.push([await ask(), ...line()])
        world.mediate = mediate
        await mediator.look()
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        seen.push(line())
      } finally {
        globalThis.setTimeout = later
        Date.now = now
        world.wallet.stop()
      }
      return seen
    },
    // The socket closes; it comes back by itself, and what could not be sent goes out then.
    reconnects: async () => {
      const world = await fresh()
      world.isAway = true
      const peer = new Peer()
      await world.wallet.follow(peer.invitation())
      await world.wallet.agent.outbox.flush()
      const before = [world.posted.length, world.sockets]
      const back = new Promise((resolve) => (world.onSocket = resolve))
      const sent = new Promise((resolve) => {
        const { post } = world
        world.post = (...told) => post.apply(world, told).finally(resolve)
      })
      world.isAway = false
      world.events.closed()
      await back
      await sent
      const row = await connected(world)
      await world.deliver([row.peer.response(row.request)])
      world.wallet.stop()
      return [...before, world.posted.length > 0, await stateOf(world, row.id)]
    },
    // Another phone took the book over, and the mediator closed this one's socket: it is not opened again, whoever looks.
    overtaken: async () => {
      const world = await fresh()
      const { mediator } = world.wallet.agent
      const asked = []
      const told = () => new Promise((resolve) => (mediator.onAgain = () => (resolve(asked.push('asked')), asked.length === 1 ? Promise.reject(new Error('elsewhere')) : Promise.resolve())))
      const [before, first] = [world.sockets, told()]
      world.events.closed()
      await first
      await new Promise((resolve) => setTimeout(resolve, 20))
      const without = world.sockets - before
      // It is the one that has it: then it is opened.
      const [back, second] = [new Promise((resolve) => (world.onSocket = resolve)), told()]
      await mediator.look()
      await second
      await back
      world.wallet.stop()
      return [without, asked.length, world.sockets - before]
    },
    // The wallet is closed while it meets its mediator: no socket is opened any more.
    closed_early: async () => {
      const world = new World()
      const { get } = world
      const [asked, answered] = [gate(), gate()]
      world.get = async () => {
        asked.resolve()
        await answered.promise
        return get.call(world)
      }
      const met = world.visit().then(() => 'met', (error) => error.code)
      await asked.promise
      world.wallet.stop()
      answered.resolve()
      return [await met, world.sockets, (await world.rows('mediator')).length]
    },
    // What a mediator delivers that is not the mediator, and what opens under a key that is nobody's.
    strangers: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)], SecretKey.random())
      const before = (await world.rows('connection'))[0][1].state
      await world.deliver([pack(JSON.stringify(say('present-proof/2.0/ack')), SecretKey.random().verkey, peer.key)])
      await world.deliver([pack(JSON.stringify(say('present-proof/2.0/ack', { status: 'OK' })), own, peer.key)])
      return [before, (await world.rows('question')).length, (await world.rows('inbox')).length, world.dropped.length > 0]
    },
    // Each request by the mediator's egress, with what the mediator answers: what the wallet makes of it.
    egress: async ({ answers }) => {
      const world = new World()
      world.egress = true
      await world.visit()
      const { network } = world.wallet.agent
      const outcomes = []
      const seen = []
      for (const { method, url, told, kept, most = 20 } of answers) {
        const left = [...told]
        const push = world.egressed.push
        world.egressed.push = ({ asked, answer }) => {
          const { kind = 'response', ...members } = left.shift()
          outcomes.push([asked.method, asked.url, asked.text ?? (asked.body ? text(fromAnyBase64(asked.body, 'body')) : null)])
          seen.push({ accept: asked.accept_encoding, known: asked.known, isText: 'text' in asked })
          answer(`egress/1.0/${kind}`, members)
        }
        const doing = method === 'GET' ? network.get(url, most, kept === undefined ? undefined : utf8(kept)) : network.post(url, 'envelope')
        outcomes.push(await doing.then((bytes) => (bytes ? text(bytes) : null), (error) => error.code ?? error.stack))
        world.egressed.push = push
      }
      // More at once than mediators allow wait for their turn, and all are answered.
      let most = 0
      let now = 0
      world.egressed.push = ({ answer }) => {
        most = Math.max(most, ++now)
        setImmediate(() => (now--, answer('egress/1.0/response', { status: 200, body: 'YQ==' })))
      }
      const many = await Promise.all(Array.from({ length: 12 }, () => network.get('https://a.example.test/', 20)))
      return { outcomes, seen, most, many: many.length, posted: world.posted.length }
    },
    // Public files over visits: what is asked for with what is kept, and how much is kept at most.
    public_files: async () => {
      const { PublicFiles } = await load('public_files.js')
      const { MemoryStore } = await load('store.js')
      const { MalformedError } = await load('errors.js')
      const store = new MemoryStore()
      const asked = []
      let served = utf8('one')
      const network = { get: async (url, most, kept) => (asked.push(kept ? text(kept) : null), served) }
      const visit = () => new PublicFiles(network, store)
      const outcomes = {}
      const last = () => asked.splice(0)
      await visit().fetch('https://a.test/log', 100)
      outcomes.unchecked = [last(), (await store.list('object')).length]
      await visit().keep('https://a.test/log', await visit().fetch('https://a.test/log', 100))
      served = utf8('two')
      outcomes.changed = [text(await visit().fetch('https://a.test/log', 100)), last()]
      const read = (wanted) => (bytes) => {
        if (text(bytes) !== wanted) throw new MalformedError('file', wanted)
        return wanted
      }
      const lasting = (wanted) => visit().lasting('https://a.test/part', 100, read(wanted)).catch((error) => error.code)
      outcomes.lasting = [await lasting('one'), await lasting('two'), await lasting('two'), last()]
      served = utf8('three')
      outcomes.altered = [await lasting('three'), await lasting('four'), last()]
      const noise = (size) => Uint8Array.from({ length: size }, () => Math.floor(Math.random() * 256))
      const one = visit()
      for (let number = 0; number < 70; number++) await one.keep(`https://a.test/${number}`, noise(10))
      const kept = async (files, ...names) => Promise.all(names.map(async (name) => (await files.kept(`https://a.test/${name}`)) !== undefined))
      outcomes.many = [(await store.list('object')).length, await kept(visit(), 'log', '5', '6', '69')]
      const again = async (name) => one.keep(`https://a.test/${name}`, await one.kept(`https://a.test/${name}`))
      await again('6') // used: it stays
      await one.keep('https://a.test/more', noise(10))
      outcomes.used = await kept(visit(), '6', '7', '8')
      await one.keep('https://a.test/huge', noise(400_000))
      for (let number = 0; number < 4; number++) await one.keep(`https://a.test/large${number}`, noise(240_000))
      await again('large0')
      await one.keep('https://a.test/large4', noise(240_000))
      const size = (await store.list('object')).reduce((sum, [, row]) => sum + row.body.length, 0)
      outcomes.large = [size <= 1_536 * 1024, await kept(visit(), 'huge', '69', 'large0', 'large1', 'large2', 'large4')]
      await one.keep('https://a.test/large4', noise(400_000))
      outcomes.outgrown = await kept(visit(), 'large4')
      // Nobody's files by digest, however large or named, come in the place of the authority's.
      const theirs = visit().readAlsoWhile(() => true)
      const authority = ['current.jws', 'did.jsonl'].map((name) => `https://a.test/${name}`)
      for (const url of authority) await theirs.keep(url, utf8(url))
      await theirs.lasting('https://a.test/part', 100, read(text(served)))
      served = utf8('tails')
      await visit().lasting(authority[0], 100, () => undefined)
      served = noise(290_000)
      for (let number = 0; number < 8; number++) await visit().lasting(`https://a.test/tails${number}`, 300_000, () => undefined)
      served = utf8('tails')
      for (let number = 0; number < 70; number++) await visit().keep(`https://a.test/log${number}`, served)
      const there = visit().readAlsoWhile(() => true)
      last()
      await there.lasting('https://a.test/part', 100, () => undefined)
      outcomes.rooms = [await Promise.all(authority.map(async (url) => text((await there.kept(url)) ?? utf8('gone')) === url)), last()]
      return outcomes
    },
    // Connections that fill the book: large offers at once, offers that are withdrawn again and again, questions by links.
    filling: async () => {
      const { Views } = await load('page/views.js')
      const world = await fresh()
      const bytes = async () => (await Promise.all(['offer', 'question'].map((kind) => world.rows(kind)))).flat().reduce((sum, row) => sum + JSON.stringify(row).length, 0)
      const id = `did:webvh:Qm${'1'.repeat(44)}:centre.example.test/resources/z${'1'.repeat(46)}`
      const offer = (size) => {
        const preview = { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: [{ name: 'a', value: 'x'.repeat(size) }] }
        const attach = { formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: { cred_def_id: id, nonce: '1' } } }] }
        return say('issue-credential/2.0/offer-credential', { credential_preview: preview, ...attach, comment: 'filler' })
      }
      const seen = {}
      const peers = []
      for (let number = 0; number < 4; number++) {
        const { peer, request, own } = await connected(world)
        await world.deliver([peer.response(request)])
        peers.push((...messages) => world.deliver(messages.map((message) => pack(JSON.stringify(message), own, peer.key))))
      }
      for (const send of peers.slice(0, 3)) {
        await send(...Array.from({ length: 8 }, () => offer(60_000)))
        seen.most = [...(seen.most ?? []), (await world.rows('offer')).length]
      }
      seen.bytes = await bytes()
      const asked = { name: 'q', version: '1.0', nonce: '1', requested_attributes: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [String(index).padEnd(200, 'r'), { names: ['x'.repeat(200)] }])), requested_predicates: {} }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
      const outcomes = []
      for (let number = 0; number < 3; number++) {
        const employer = makePeerDid(SecretKey.random().verkey, { endpoint: 'https://centre.example.test/didcomm', routingKeys: [] })
        const question = say('present-proof/2.0/request-presentation', attached)
        const link = say('out-of-band/1.1/invitation', { services: [employer], 'requests~attach': [{ '@id': 'r', data: { json: question } }] })
        world.get = () => Promise.resolve(utf8(JSON.stringify(link)))
        outcomes.push(await world.wallet.follow('https://centre.example.test/i').then(({ kind }) => kind, (error) => error.code))
      }
      seen.links = [outcomes, (await bytes()) < 600_000]
      for (const [each] of await world.rows('offer')) await world.wallet.offers.decline(each)
      for (const [each] of await world.rows('question')) await world.wallet.questions.decline(each, true)
      seen.declined = (await bytes()) < 20_000
      for (let round = 0; round < 20; round++) {
        const one = offer(1_000)
        await peers[3](one)
        await peers[3](say('issue-credential/2.0/problem-report', { description: { en: 'no' } }, one['@id']))
      }
      const own = (await world.rows('offer')).at(-1)[1].own
      seen.withdrawn = (await world.rows('offer')).filter(([, row]) => row.own === own).length
      const views = new Views(world.wallet, undefined)
      const [offers, questions] = await Promise.all(['offer', 'question'].map(async (kind) => (await world.rows(kind)).map(([each]) => each)))
      const shown = [...(await Promise.all(offers.map((each) => views.offer(each)))), ...(await Promise.all(questions.map((each) => views.question(each))))]
      seen.shown = [...new Set(shown.map(({ state, values, parts, comment }) => [state, values?.length ?? parts.length, comment ?? null].join(' ')))]
      return seen
    },
    // One question from a link and one over a connection, both with a comment and a purpose: what the page is told of them.
    questions: async () => {
      const { Views } = await load('page/views.js')
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['level'] } }, requested_predicates: {} }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
      const question = (more = {}) => say('present-proof/2.0/request-presentation', { comment: 'Call 0700', ...attached, ...more })
      await world.deliver([pack(JSON.stringify(question({ goal_code: 'wanderbuch.verify.study' })), own, peer.key)])
      const employer = makePeerDid(SecretKey.random().verkey, { endpoint: 'https://centre.example.test/didcomm', routingKeys: [] })
      const link = say('out-of-band/1.1/invitation', { services: [employer], goal_code: 'wanderbuch.verify.study', 'requests~attach': [{ '@id': 'r', data: { json: question() } }] })
      await world.wallet.follow(`https://centre.example.test/i?oob=${base64url(utf8(JSON.stringify(link)))}`)
      const views = new Views(world.wallet, undefined)
      const seen = await Promise.all((await world.rows('question')).map(([id]) => views.question(id)))
      return seen.map(({ comment, purpose, isFromLink, asker }) => ({ comment, purpose, isFromLink, isNamed: asker.did !== null }))
    },
    // Links that are opened when nobody can be reached: kept, followed by the next visit, dead, dropped, too many, too old.
    links: async () => {
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['level'] } }, requested_predicates: {} }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
      const service = makePeerDid(SecretKey.random().verkey, { endpoint: 'https://centre.example.test/didcomm', routingKeys: [] })
      const invitation = say('out-of-band/1.1/invitation', { services: [service], 'requests~attach': [{ '@id': 'r', data: { json: say('present-proof/2.0/request-presentation', attached) } }] })
      const world = await fresh()
      const mediatorPage = world.get.bind(world)
      let page // what is behind a link; undefined: nobody is reached, null: there is none
      const { GoneError } = await load('errors.js')
      world.get = async (url) => {
        if (url.startsWith('https://mediator.example.test')) return mediatorPage()
        if (page === undefined) throw new UnreachableError('away')
        if (page === null) throw new GoneError('there is none')
        return utf8(page)
      }
      const links = () => world.wallet.links
      const open = (address, isOnline = true) => links().open(address, isOnline).then((opened) => opened?.kind ?? 'kept', (error) => error.code)
      const states = async () => (await world.rows('link')).map(([, { state, address }]) => [state, address ?? null])
      const questions = async () => (await world.rows('question')).map(([, { state }]) => state)
      const seen = {}
      seen.refused = [await open('https://127.0.0.1/i'), await open('https://127.0.0.1/i', false), await states()]
      page = 'no invitation'
      seen.wrong = [await open('https://centre.example.test/i/1'), await states()]
      seen.offline = [await open('https://centre.example.test/i/1', false), await open('https://centre.example.test/i/1', false), await states()]
      page = undefined
      await world.visit()
      seen.away = [await states(), await questions()]
      page = JSON.stringify(invitation)
      await world.visit()
      await world.wallet.agent.goOn()
      seen.there = [await states(), await questions()]
      page = undefined
      await open('https://centre.example.test/i/2')
      page = 'no invitation'
      await world.wallet.agent.goOn()
      seen.dead = await states()
      // Whoever made it says that there is nothing: at once, and of one that was kept with the first look.
      page = undefined
      await open('https://centre.example.test/i/gone')
      page = null
      seen.gone = [await open('https://centre.example.test/i/gone-too'), (await states()).length]
      await world.wallet.agent.goOn()
      seen.gone.push((await states()).at(-1))
      for (const [id] of await world.rows('link')) await links().drop(id)
      page = undefined
      await open('https://centre.example.test/i/3')
      seen.tries = []
      for (let look = 0; look < 8; look++) {
        await world.wallet.agent.goOn()
        seen.tries.push((await states())[0][0])
      }
      for (const [id] of await world.rows('link')) await links().drop(id)
      const many = []
      for (let number = 0; number < 20; number++) many.push(await open(`https://centre.example.test/i/${number}`))
      seen.many = [many.filter((each) => each === 'kept').length, many.at(-1), (await states()).length]
      // One that nobody reached for long; and one that is put away while it is followed.
      const [[old, row], [late]] = await world.rows('link')
      await world.store.write([{ kind: 'link', id: old, value: { ...row, at: Date.now() - 31 * 24 * 3600 * 1000 } }])
      await links().advance(old)
      seen.old = (await states())[0]
      page = 'no invitation'
      const following = links().advance(late)
      await links().drop(late)
      await following
      seen.dropped = (await world.rows('link')).some(([id]) => id === late)
      return seen
    },
    // A request whose restrictions and bounds tell more than it shows, by whom the authority lets ask for one attribute.
    untold: async () => {
      const { Views } = await load('page/views.js')
      const { toldNames } = await load('page/question_screen.js')
      const world = await fresh()
      const restrictions = [{ 'attr::Family Name::value': 'x', 'attr::birth_date::value': '19900101', 'attr::country_of_award::marker': '1', cred_def_id: 'd' }, { 'attr::birth_date::value': '19900102' }]
      const bound = (p_type) => ({ name: 'eqf_level', p_type, p_value: 3 })
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['occupation_isco08'], restrictions } }, requested_predicates: { l: bound('>='), u: bound('<=') } }
      const question = say('present-proof/2.0/request-presentation', { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] })
      const employer = makePeerDid(SecretKey.random().verkey, { endpoint: 'https://centre.example.test/didcomm', routingKeys: [] })
      const link = say('out-of-band/1.1/invitation', { services: [employer], goal_code: 'wanderbuch.verify.study', 'requests~attach': [{ '@id': 'r', data: { json: question } }] })
      await world.wallet.follow(`https://centre.example.test/i?oob=${base64url(utf8(JSON.stringify(link)))}`)
      const statement = { id: 'v', credentialType: 'qualification/1.0', attributes: ['occupation_isco08'], predicates: ['eqf_level'], purposes: ['study'], jurisdictions: [], intervals: [{ first: '2020-01-01', last: '9999-12-31' }] }
      const file = { name: 'A', verifications: new Map([[employer, [statement]]]), names: new Map(), division: undefined, loaded: new Set() }
      const governance = { snapshot: async () => ({ file, freshUntil: Infinity, freshFrom: undefined, recognised: new Map() }) }
      const [[id]] = await world.rows('question')
      const view = await new Views(world.wallet, governance).question(id)
      return [view.parts[0].learned, view.may.verdict, view.may.code, [...view.beyond].sort(), [...new Set(toldNames(view))].sort()]
    },
    // Questions that say what may be left out of an answer: what is kept and shown, by whom the authority lets ask the rest.
    left_out: async ({ told }) => {
      const { Views } = await load('page/views.js')
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const names = ['occupation_isco08', 'family_name', 'Birth_Date']
      const statement = { id: 'v', credentialType: 'qualification/1.0', attributes: ['occupation_isco08', 'family_name'], predicates: [], purposes: ['study', 'employment', 'regulated-profession'], jurisdictions: [], intervals: [{ first: '2020-01-01', last: '9999-12-31' }] }
      const file = { name: 'A', verifications: new Map([['did:x:v', [statement]]]), names: new Map(), division: undefined, loaded: new Set() }
      const governance = { snapshot: async () => ({ file, freshUntil: Infinity, freshFrom: undefined, recognised: new Map() }) }
      const seen = []
      for (const { left, more } of told) {
        const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names } }, requested_predicates: {}, ...more }
        const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
        const before = (await world.rows('question')).length
        await world.deliver([pack(JSON.stringify(say('present-proof/2.0/request-presentation', { ...attached, may_be_left_out: left })), own, peer.key)])
        const rows = await world.rows('question')
        if (rows.length === before) {
          seen.push('refused')
          continue
        }
        const [id, row] = rows.at(-1)
        await world.store.write([{ kind: 'question', id, value: { ...row, asker: 'did:x:v' } }])
        const view = await new Views(world.wallet, governance).question(id)
        const yes = await world.wallet.questions.answer(id, {}, undefined, true).then(() => 'said', (error) => error.code)
        seen.push({ left: view.left, mayLeave: view.mayLeave, may: view.may.verdict, beyond: view.beyond, shown: view.parts[0].shown, isKept: row.mayLeaveOut !== undefined, yes })
      }
      return seen
    },
    // A question and an offer that went and came again, with the same thread, after they were shown.
    swapped: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['level'] } }, requested_predicates: {} }
      const definition = `did:webvh:Qm${'1'.repeat(44)}:centre.example.test/resources/z${'1'.repeat(46)}`
      const kinds = {
        question: ['present-proof/2.0/', 'request-presentation', { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }],
        offer: ['issue-credential/2.0/', 'offer-credential', { credential_preview: { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: [{ name: 'family_name', value: 'x' }] }, formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: { cred_def_id: definition, nonce: '1' } } }] }],
      }
      const seen = []
      for (const [kind, [protocol, name, members]] of Object.entries(kinds)) {
        const send = async (type, more, thread) => {
          const sent = say(protocol + type, more, thread)
          await world.deliver([pack(JSON.stringify(sent), own, peer.key)])
          return thread ?? sent['@id']
        }
        const withdraw = (thread) => send('problem-report', { description: { en: 'no' } }, thread)
        const thread = await send(name, members)
        const [[id, before]] = await world.rows(kind)
        await withdraw(thread)
        for (let round = 0; round < 16; round++) await withdraw(await send(name, members))
        await new Promise((done) => setTimeout(done, 5))
        await send(name, members, thread)
        const after = await world.store.get(kind, id)
        const yes = (at) => (kind === 'question' ? world.wallet.questions.answer(id, {}, at) : world.wallet.offers.accept(id, at)).then(() => 'said', (error) => error.code)
        seen.push([kind, after.at !== before.at, await yes(before.at), await yes(after.at)])
      }
      return seen
    },
    // Two questions over a connection, one declined in silence and one aloud: what goes out for each.
    declines: async () => {
      const { Views } = await load('page/views.js')
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['level'] } }, requested_predicates: {} }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
      const seen = []
      for (const isTold of [false, true]) {
        const question = say('present-proof/2.0/request-presentation', attached)
        await world.deliver([pack(JSON.stringify(question), own, peer.key)])
        await world.wallet.agent.outbox.flush()
        const [before, keys] = [world.posted.length, (await world.rows('key')).length]
        const [id] = (await world.rows('question')).at(-1)
        const listed = async () => (await new Views(world.wallet, undefined).book()).questions.length
        const open = await listed()
        await world.wallet.questions.decline(id, isTold)
        await world.wallet.agent.outbox.flush()
        const view = await new Views(world.wallet, undefined).question(id)
        seen.push([world.posted.length - before, (await world.rows('key')).length - keys, view.state, view.isTold, view.parts.length, view.misfit, open, await listed()])
      }
      return seen
    },
    // An offer in which something is wrong: what the issuer is told, and what is kept.
    wrong_offer: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const id = `did:webvh:Qm${'1'.repeat(44)}:centre.example.test/resources/z${'1'.repeat(46)}`
      const preview = { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes: [{ name: 'family_name', value: 'Pereira' }] }
      const attach = { formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }], 'offers~attach': [{ '@id': '0', data: { json: { cred_def_id: id, nonce: '1' } } }] }
      await world.deliver([pack(JSON.stringify(say('issue-credential/2.0/offer-credential', { credential_preview: preview, ...attach })), own, peer.key)])
      const [offer] = (await world.rows('offer'))[0]
      await world.wallet.offers.decline(offer, new Map([['name', 'the name'], ['date', 'another date']]))
      await world.wallet.agent.outbox.flush()
      const [report] = world.opened(peer.key).filter((message) => message['@type'].endsWith('/problem-report'))
      const [, row] = (await world.rows('offer'))[0]
      return [report, row.state, row.isTold, JSON.stringify(row).includes('Pereira')]
    },
    // An answer that was given, and is to be erased: what is asked, and what counts as an answer to that.
    erasure: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const asked = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names: ['level'] } }, requested_predicates: {} }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: asked } }] }
      const question = say('present-proof/2.0/request-presentation', attached)
      await world.deliver([pack(JSON.stringify(question), own, peer.key)])
      const [id, row] = (await world.rows('question'))[0]
      const { erasures } = world.wallet
      const early = await erasures.ask(id).then(() => 'asked', (error) => error.code)
      await world.store.write([{ kind: 'question', id, value: { ...row, state: 'accepted', answers: {} } }])
      await erasures.ask(id)
      await erasures.ask(id)
      await world.wallet.agent.outbox.flush()
      const sent = world.opened(peer.key).filter((message) => message['@type'].endsWith('data-erasure/1.0/request'))
      const answer = (more = {}) => say('data-erasure/1.0/answer', { at: '2026-11-28T10:00:00Z', erased: ['values'], kept: [{ what: 'decision', law: 'Act 7', purpose: 'audit', until: '2031-05-01' }], ...more }, question['@id'])
      const states = []
      for (const [message, by] of [
        [answer(), SecretKey.random()],
        [answer({ kept: [{ until: 'never' }] }), peer.key],
        [answer(), peer.key],
        [answer({ kept: [] }), peer.key],
      ]) {
        await world.deliver([pack(JSON.stringify(message), own, by)])
        const { answeredAt, kept } = await erasures.of(id)
        states.push([answeredAt !== null, kept])
      }
      return { early, own, thread: question['@id'], signed: sent.map(({ signed }) => signed), threads: sent.map((message) => message['~thread'].thid), states }
    },
    words: async ({ catalogue, facts, type, values }) => {
      const { flat, Words } = await load('page/words.js')
      const words = new Words(catalogue, facts)
      return [words.values(type, values).map(({ text }) => flat(text)), ...['constructor', '__proto__'].map((name) => [words.say(name), words.has(name), words.type(name), words.label(name, name), flat(words.inWords('qualification/1.0', 'occupation_isco08', name))])]
    },
    private_addresses: async ({ addresses }) => {
      const world = await fresh()
      const outcomes = []
      for (const address of addresses) outcomes.push(await world.wallet.follow(address).then(() => 'followed', (error) => error.code))
      for (const endpoint of addresses) {
        const service = { id: '#inline', type: 'did-communication', recipientKeys: [didKey(SecretKey.random().verkey)], serviceEndpoint: endpoint }
        const invitation = say('out-of-band/1.1/invitation', { services: [service], handshake_protocols: [`${DIDCOMM}didexchange/1.1`] })
        await world.wallet.follow(`https://centre.example.test/i?oob=${base64url(utf8(JSON.stringify(invitation)))}`).catch(() => undefined)
      }
      await world.wallet.agent.outbox.flush()
      return [outcomes, world.posted.length]
    },
    invitations: async ({ invitations }) => {
      const { readInvitation } = await load('agent/invitation.js')
      return invitations.map((invitation) => {
        try {
          const { id, handshake, label } = readInvitation(utf8(invitation))
          return { id, handshake: handshake ?? null, label: label ?? null }
        } catch (error) {
          return error.code ?? error.stack
        }
      })
    },
  }
}
