// A book with many certificates that answers questions: what a proof costs; see `driver.mjs`. The mediator and who asks are simulated.

import { simulated } from './simulated.mjs'

export async function calls(load) {
  const { World, Peer, SecretKey, connected, pack, unpack, say, fresh, gate, utf8, UnreachableError } = await simulated(load)
  const { StateError } = await load('errors.js')
  const { SealedStore } = await load('keeping/sealed_store.js')
  const { MemoryShelf } = await load('keeping/shelf.js')
  const { VaultKey } = await load('keeping/vault_key.js')
  const { Received } = await load('received.js')

  const cpuMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }

  // A wallet in whose book the same credential lies so many times; what is published is there without a network.
  async function bookOf(count, { credential, link_secret, definition, registry, lists }) {
    const world = new World()
    world.store = await SealedStore.open(new MemoryShelf(), VaultKey.of(new Uint8Array(32).fill(7)))
    await world.visit()
    const published = [definition, registry].map(({ id, json }) => ({ kind: 'object', id, value: { content: json } }))
    const entries = Array.from({ length: count }, (_, index) => ({ kind: 'credential', id: `credential ${index}`, value: { sealed: credential, connection: 'none', at: index } }))
    await world.store.write([...published, ...entries, { kind: 'link-secret', id: 'it', value: { sealed: link_secret } }])
    const links = lists.map(({ timestamp }) => ({ id: { id: String(timestamp) }, timestamp }))
    world.wallet.agent.resolver.resource = async (id) =>
      id === registry.id ? { content: new Received(registry.json, 'registry'), links } : { content: new Received(lists.find(({ timestamp }) => String(timestamp) === id), 'list'), links: [] }
    const { peer, request, own } = await connected(world)
    await world.deliver([peer.response(request)])
    return { world, peer, own, ask: (asked) => world.deliver([pack(JSON.stringify(asked), own, peer.key)]) }
  }

  return {
    // What is looked up while a question is read, by who asks: the asker's DID and where their agent is; `none`: no DID.
    foreseen: async ({ askers, request, ...told }) => {
      const { BookCalls } = await load('page/book_calls.js')
      const { Views } = await load('page/views.js')
      const { world, ask } = await bookOf(1, told)
      await ask(say('present-proof/2.0/request-presentation', { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] }))
      const [[id, row]] = await world.rows('question')
      const looked = []
      const { credentials } = world.wallet
      credentials.foresee = (entry) => looked.push(entry.id)
      const open = { wallet: world.wallet, views: new Views(world.wallet, undefined), preparing: undefined }
      const calls = new BookCalls(() => open)
      const seen = []
      for (const [asker, endpoint] of askers) {
        await world.store.write([{ kind: 'question', id, value: { ...row, asker, contact: { ...row.contact, endpoint } } }])
        const view = await calls.question({ id })
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        seen.push([view.answer !== null, looked.splice(0).length])
      }
      clearTimeout(open.preparing)
      // A visit looks at all lists: of an asker elsewhere, of the issuer, of the issuer who was told no without a word, of the issuer who asked long ago.
      const { Online } = await load('page/online.js')
      const visited = []
      const shelf = { note: async () => undefined, write: async () => undefined }
      credentials.isRevoked = async (entry) => visited.push(entry.id)
      const [elsewhere, , issuer] = askers
      const before = Date.now() - 2 * 3600 * 1000
      for (const [[asker, endpoint], at, state] of [[elsewhere, Date.now(), 'asked'], [issuer, Date.now(), 'asked'], [issuer, Date.now(), 'declined'], [issuer, before, 'asked']]) {
        await world.store.write([{ kind: 'question', id, value: { ...row, asker, at, state, contact: { ...row.contact, endpoint } } }])
        const online = new Online(shelf, world.wallet, () => undefined)
        online.begin(undefined, () => undefined)
        online.shown()
        await new Promise((resolve) => setTimeout(resolve, 2_500))
        online.stop()
        seen.push(visited.splice(0).length)
      }
      world.wallet.stop()
      return seen
    },
    // A book is opened before anybody can be asked: whether the authority is asked then all the same, and told of as away; whether it is asked
    // where the book is closed again at once; and how often somebody was connected to who has the book drawn again and again.
    first_look: async (told) => {
      const { BookCalls } = await load('page/book_calls.js')
      const { Online } = await load('page/online.js')
      const { Views } = await load('page/views.js')
      const { Wallet } = await load('wallet.js')
      const { world } = await bookOf(1, told)
      world.wallet.stop()
      const seen = []
      for (const isClosed of [false, true]) {
        const wallet = await Wallet.open(world.store, world, { mediator: 'https://mediator.example.test/mediator', label: 'Wallet', egress: true })
        const online = new Online({ note: async () => undefined, write: async () => undefined }, wallet, () => undefined)
        let [looks, away] = [0, 0]
        const snapshot = async () => {
          looks += 1
          await wallet.agent.files.fetch('https://authority.example.test/current.jws', 1_000).catch(() => (away += 1))
        }
        const open = { wallet, online, views: new Views(wallet, { isSettled: () => away > 0, snapshot }, () => undefined, () => online.askable), preparing: undefined }
        const calls = new BookCalls(() => open)
        const [asked, sockets] = [world.egressed.length, world.sockets]
        online.begin(undefined, () => undefined)
        if (isClosed) {
          await calls.book()
          online.stop()
          wallet.stop()
        }
        for (let turn = 0; turn < 15; turn++) {
          if (!isClosed) await calls.book()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        seen.push([looks > 0, away, world.egressed.length > asked, world.sockets - sockets])
        online.stop()
        wallet.stop()
      }
      return seen
    },
    // A new phone, on which nothing of what issuers published is yet: the issuer of one certificate is gone, and for another the first try fails.
    gone_issuer: async ({ credential, link_secret, definition, registry, lists, gone, request }) => {
      const { Views } = await load('page/views.js')
      const world = await fresh()
      const rows = [['gone', { ...credential, cred_def_id: gone }], ['first', credential], ['second', credential]]
      await world.store.write(rows.map(([id, sealed], at) => ({ kind: 'credential', id, value: { sealed, connection: 'none', at, issuer: null, revoked: false } })))
      await world.store.write([{ kind: 'link-secret', id: 'it', value: { sealed: link_secret } }, { kind: 'offer', id: 'gone', value: { state: 'kept', credential: 'gone', at: 1, preview: [], connection: 'none', own: 'k' } }])
      const asked = []
      world.wallet.agent.resolver.resource = async (id) => {
        asked.push(id)
        if (id === gone) throw new UnreachableError('gone')
        if (id === definition.id) return { content: new Received(definition.json, 'definition'), links: [] }
        if (id === registry.id) {
          // It is read for the entries, and looked at for each of them that is made ready.
          if (asked.filter((each) => each === registry.id).length === 2) throw new UnreachableError('away')
          return { content: new Received(registry.json, 'registry'), links: lists.map(({ timestamp }) => ({ id: { id: String(timestamp) }, timestamp })) }
        }
        return { content: new Received(lists.find(({ timestamp }) => String(timestamp) === id), 'list'), links: [] }
      }
      const views = new Views(world.wallet, undefined)
      const { entries, unread } = await views.book()
      // The authority's file does not come, and then cannot be had: the book is shown before, and told again after.
      const held = gate()
      const late = []
      let isSettled = false
      const governance = { isSettled: () => isSettled, snapshot: () => held.promise.then(() => Promise.reject(new UnreachableError('away'))).finally(() => (isSettled = true)) }
      const told = gate()
      const slow = new Views(world.wallet, governance, () => told.resolve(late.push('later')))
      late.push((await slow.book()).entries.map(({ worth, issuer }) => [worth, issuer.name]))
      held.resolve()
      await told.promise
      late.push((await slow.book()).entries.map(({ worth }) => worth.verdict))
      const { peer, request: their, own } = await connected(world)
      await world.deliver([peer.response(their)])
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] }
      await world.deliver([pack(JSON.stringify(say('present-proof/2.0/request-presentation', attached)), own, peer.key)])
      const [[id]] = await world.rows('question')
      const candidates = Object.values(await world.wallet.questions.candidates(id))
      const { answer } = await views.question(id)
      const before = await views.ready()
      const made = await world.wallet.credentials.makeReady().then(() => 'made', (error) => error.code)
      const { ready, missing } = await views.ready()
      const offer = await views.offer('gone')
      // A yes without a network: it is kept, and the book says that something is to be sent, though no message could be made.
      world.wallet.agent.resolver.resource = async () => {
        throw new UnreachableError('away')
      }
      const sending = [(await views.book()).isSending]
      const { now } = Date
      Date.now = () => now() + 6_000 // what was looked up just before would do
      const yes = await world.wallet.questions.answer(id, { [Object.keys(await world.wallet.questions.candidates(id))[0]]: 'first' }).then(() => 'sent', (error) => error.code).finally(() => (Date.now = now))
      sending.push(yes, (await views.question(id)).state, (await world.rows('outbox')).length, (await views.book()).isSending)
      world.wallet.stop()
      return { late, sending, entries: entries.map((each) => each.id), unread, candidates, answer: answer.id, before: [before.ready, before.missing], made, after: [ready, missing], offer: offer.state }
    },
    // An issuer whose offer was accepted sends what is no credential of it, each time with another registry.
    refusals: async ({ definition, registry, other }) => {
      const world = await fresh()
      const { peer, id, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      const row = { state: 'requested', connection: id, own, thread: 't', issuer: null, offer: { cred_def_id: definition.id }, secrets: {}, preview: [], at: 1 }
      await world.store.write([{ kind: 'offer', id: `${id} t`, value: row }, { kind: 'object', id: definition.id, value: { content: definition.json } }])
      const asked = []
      const [theirs] = registry.id.split('/resources/')
      world.wallet.agent.resolver.resource = async (id) => {
        asked.push(id)
        return { content: new Received(asked.length % 2 ? {} : { ...registry.json, credDefId: other }, 'registry'), links: [] }
      }
      const states = []
      for (let number = 0; number < 12; number++) {
        const [did, end] = [number % 3 ? theirs : other.split('/resources/')[0], 'ABCDEFGHJKLM'[number]]
        const body = { rev_reg_id: `${did}/resources/z${'1'.repeat(45)}${end}` }
        const attached = { formats: [{ attach_id: '0', format: 'anoncreds/credential@v1.0' }], 'credentials~attach': [{ '@id': '0', data: { json: body } }] }
        await world.deliver([pack(JSON.stringify(say('issue-credential/2.0/issue-credential', attached, 't')), own, peer.key)])
        states.push((await world.store.get('offer', `${id} t`)).state)
      }
      await world.wallet.agent.outbox.flush()
      const reports = world.opened(peer.key).filter((message) => message['@type'].endsWith('/problem-report')).length
      const { offer, secrets } = await world.store.get('offer', `${id} t`)
      world.wallet.stop()
      return { states, asked: asked.length, isAlwaysTheirs: asked.every((each) => each.startsWith(theirs)), objects: (await world.rows('object')).length, reports, isEmptied: !offer && !secrets, inbox: (await world.rows('inbox')).length }
    },
    // What was looked up before a yes: what is asked for again then, and of which list the proof is, or what became of the question.
    looked_up: async ({ steps, request, ...told }) => {
      const { world, peer, ask } = await bookOf(1, told)
      const { resolver, store, outbox } = world.wallet.agent
      const { resource } = resolver
      const { now } = Date
      let [asked, newest, ahead] = [0, 1, 0]
      resolver.resource = async (id, type) => {
        const found = await resource(id, type)
        if (id !== told.registry.id) return found
        asked += 1
        if (newest === 0) throw new UnreachableError('away')
        return { ...found, links: found.links.slice(0, newest) }
      }
      Date.now = () => now() + ahead
      const seen = []
      let count = 0
      try {
        for (const { looked, waited, at, to = 4_000_000_000 } of steps) {
          const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: { ...request, non_revoked: { to } } } }] }
          await ask(say('present-proof/2.0/request-presentation', attached))
          const { questions, credentials } = world.wallet
          const [id] = (await store.list('question')).find(([, row]) => row.state === 'asked')
          newest = looked
          if (looked) await credentials.isRevoked(await credentials.one('credential 0'))
          const before = asked
          ahead += waited
          newest = at
          const code = await questions.answer(id, Object.fromEntries(Object.entries(await questions.candidates(id)).map(([referent, ids]) => [referent, ids[0]]))).then(() => null, (error) => error.code)
          await outbox.flush()
          const sent = world.opened(peer.key).filter((each) => each['@type'].endsWith('/presentation'))
          const lists = sent.slice(count).map((each) => JSON.parse(atob(each['presentations~attach'][0].data.base64)).identifiers[0].timestamp)
          count = sent.length
          const { state } = await store.get('question', id)
          seen.push([code, state, lists, asked - before])
          if (state === 'answering') await store.write([{ kind: 'question', id, value: undefined }])
        }
      } finally {
        Date.now = now
        world.wallet.stop()
      }
      return seen
    },
    // What is committed to while a question is read, in each case what the yes sent, what had been sent before it, and how many random bytes
    // the yes drew: a proof that is made anew draws thousands.
    ahead: async ({ request, mixed, many, ...told }) => {
      const { world, peer, ask } = await bookOf(2, told)
      const { store, outbox } = world.wallet.agent
      const { questions, credentials } = world.wallet
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] }
      const asked = async () => {
        await ask(say('present-proof/2.0/request-presentation', attached))
        return (await store.list('question')).find(([, row]) => row.state === 'asked')[0]
      }
      const with_ = (entry) => Object.fromEntries(Object.keys(request.requested_attributes).concat(Object.keys(request.requested_predicates)).map((referent) => [referent, entry]))
      const sent = () => world.opened(peer.key).filter((each) => each['@type'].endsWith('/presentation'))
      const steps = (most) => {
        let count = 0
        return async () => ++count <= most
      }
      let drawn = 0
      const { getRandomValues } = crypto
      crypto.getRandomValues = (bytes) => {
        drawn += bytes.length
        return getRandomValues.call(crypto, bytes)
      }
      const seen = {}
      const late = []
      const saysYes = async (name, id, entry, looked = true) => {
        const answers = typeof entry === 'string' ? with_(entry) : entry
        if (looked) await credentials.isRevoked(await credentials.one('credential 0'))
        const [before, drawnBefore] = [sent().length, drawn]
        await questions.answer(id, answers)
        await outbox.flush()
        const made = sent().slice(before).map((each) => JSON.parse(atob(each['presentations~attach'][0].data.base64)))
        seen[name] = { made, before, drawn: drawn - drawnBefore }
      }
      const looks = async () => credentials.isRevoked(await credentials.one('credential 0'))
      try {
        let id = await asked()
        await saysYes('without', id, 'credential 0')
        id = await asked()
        await looks()
        await questions.commitAhead(id, with_('credential 0'), steps(Infinity))
        await questions.commitAhead(id, with_('credential 0'), steps(Infinity)) // it is drawn again: nothing is made anew
        await saysYes('whole', id, 'credential 0')
        id = await asked()
        await looks()
        await questions.commitAhead(id, with_('credential 0'), steps(3))
        await saysYes('half', id, 'credential 0')
        id = await asked()
        await looks()
        await questions.commitAhead(id, with_('credential 0'), steps(Infinity))
        await saysYes('another', id, 'credential 1')
        id = await asked()
        await looks()
        await questions.commitAhead(id, with_('credential 0'), steps(Infinity))
        await questions.decline(id, false)
        await questions.commitAhead(id, with_('credential 0'), steps(Infinity)) // it is over
        id = await asked()
        await saysYes('declined', id, 'credential 0')
        id = await asked()
        await looks()
        await Promise.all([1, 2].map(() => questions.commitAhead(id, with_('credential 0'), steps(1_000))))
        await saysYes('at once', id, 'credential 0')
        // A yes, or a no, while what is needed is looked up: nothing is committed to after it.
        for (const ends of [() => saysYes('before', id, 'credential 0'), () => questions.decline(id, false)]) {
          id = await asked()
          await looks()
          const { witnessAtHand } = credentials
          credentials.witnessAtHand = async (...told) => {
            credentials.witnessAtHand = witnessAtHand
            await ends()
            return witnessAtHand.call(credentials, ...told)
          }
          const drawnBefore = drawn
          await questions.commitAhead(id, with_('credential 0'), steps(Infinity))
          late.push(drawn - drawnBefore - (seen.before && late.length === 0 ? seen.before.drawn : 0))
        }
        // Nor after a no that is not kept yet when it begins.
        id = await asked()
        await looks()
        const { write } = store
        let goesThrough
        store.write = async (...told) => {
          await new Promise((resolve) => (goesThrough = resolve))
          return write.apply(store, told)
        }
        const declining = questions.decline(id, false)
        const drawnBefore = drawn
        await questions.commitAhead(id, with_('credential 0'), async () => {
          store.write = write
          while (!goesThrough) await new Promise((resolve) => setImmediate(resolve))
          goesThrough()
          await declining
          return true
        })
        late.push(drawn - drawnBefore)
        // Nor of what costs far more than others ask.
        attached['request_presentations~attach'][0].data.json = many
        id = await asked()
        await looks()
        const drawnByNow = drawn
        await questions.commitAhead(id, Object.fromEntries(Object.keys(many.requested_predicates).map((referent) => [referent, 'credential 0'])), steps(Infinity))
        late.push(drawn - drawnByNow)
        await questions.decline(id, false)
        // The same names in another division among two certificates.
        const [first, second] = Object.keys(mixed.requested_attributes)
        attached['request_presentations~attach'][0].data.json = mixed
        id = await asked()
        await looks()
        await questions.commitAhead(id, { [first]: 'credential 0', [second]: 'credential 0', [`${first}\n${second}`]: 'credential 1' }, steps(Infinity))
        await saysYes('mixed', id, { [`${first}\n${second}`]: 'credential 0', [first]: 'credential 1', [second]: 'credential 1' })
      } finally {
        crypto.getRandomValues = getRandomValues
        world.wallet.stop()
      }
      return { seen, late }
    },
    // Verdicts in the answer to what was posted: of somebody else; while the book cannot keep it; one that has to wait; none. For each: what was
    // posted, how the question stands, what waits to go out, what is kept of what came. Then what a mediator of theirs would see.
    answered: async ({ request, ...told }) => {
      const { world, peer, own, ask } = await bookOf(1, told)
      const { store, outbox, inbox } = world.wallet.agent
      const { questions } = world.wallet
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] }
      const messageIn = (envelope, key = peer.key) => JSON.parse(unpack(envelope, (kid) => (kid === key.verkey ? key : undefined)).content)
      const verdict = (envelope, by = peer.key) => utf8(pack(JSON.stringify(say('present-proof/2.0/ack', { status: 'OK', verification_result: 'true' }, messageIn(envelope)['~thread'].thid)), own, by))
      const saysYes = async (replies, change = (row) => row) => {
        world.posted.length = 0
        await ask(say('present-proof/2.0/request-presentation', attached))
        const [id, row] = (await store.list('question')).find(([, row]) => row.state === 'asked')
        await store.write([{ kind: 'question', id, value: change(row) }])
        world.replies = replies
        await questions.answer(id, Object.fromEntries(Object.entries(await questions.candidates(id)).map(([referent, ids]) => [referent, ids[0]])))
        await outbox.flush().catch((error) => error.code)
        return id
      }
      const seen = async (id) => {
        const ids = world.posted.map(({ envelope }) => messageIn(envelope)).map((each) => [each['@id'], each['~transport']?.return_route])
        return [ids.length, new Set(ids.map(String)).size, ids[0][1], (await store.get('question', id)).state, (await world.rows('outbox')).length, (await world.rows('inbox')).length]
      }
      const outcomes = []
      outcomes.push(await seen(await saysYes((envelope) => verdict(envelope, SecretKey.random()))))
      const { write } = store
      const closed = await saysYes((envelope) => {
        store.write = () => Promise.reject(new StateError('the book is closed'))
        return verdict(envelope)
      })
      outcomes.push(await seen(closed))
      store.write = write
      world.replies = verdict
      await outbox.flush()
      outcomes.push(await seen(closed))
      outcomes.push(await seen(await saysYes(() => undefined)))
      const takes = 'present-proof/2.0/ack'
      inbox.handle(takes, () => Promise.reject(new UnreachableError('away')))
      outcomes.push(await seen(await saysYes(verdict)))
      const router = SecretKey.random()
      await saysYes(() => undefined, (row) => ({ ...row, contact: { ...row.contact, routing: [router.verkey] } }))
      const { msg } = messageIn(world.posted[0].envelope, router)
      world.wallet.stop()
      return [outcomes, messageIn(JSON.stringify(msg))['~transport'] ?? null]
    },
    // For each size of the book: what it costs to read it the first time, and then each proof, in ms of CPU. The sizes take turns.
    cost_of_proofs: async ({ counts, proofs, request, ...told }) => {
      const books = []
      for (const count of counts) {
        const book = await bookOf(count, told)
        const began = cpuMs()
        await book.world.wallet.credentials.all()
        books.push({ ...book, count, read: cpuMs() - began, proofs: [] })
      }
      const attached = { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] }
      for (let round = 0; round <= proofs; round++)
        for (const { world, ask, count, proofs } of books) {
          await ask(say('present-proof/2.0/request-presentation', attached))
          const { questions, agent } = world.wallet
          const [id] = (await agent.store.list('question')).find(([, row]) => row.state === 'asked')
          const began = cpuMs()
          const candidates = await questions.candidates(id)
          if (Object.values(candidates).some((each) => each.length !== count)) throw new Error('not all of them fit')
          await questions.answer(id, Object.fromEntries(Object.entries(candidates).map(([referent, ids]) => [referent, ids.at(-1)])))
          await agent.outbox.flush()
          const { state } = await agent.store.get('question', id)
          if (state !== 'answered') throw new Error(`the question is ${state}`)
          if (round) proofs.push(cpuMs() - began) // the first one warms
        }
      for (const { world } of books) world.wallet.stop()
      return books.map(({ count, read, proofs }) => ({ count, read, proofs }))
    },
  }
}
