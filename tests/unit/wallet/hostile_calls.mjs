// Who lies to a wallet on its way: a mediator that repeats, swaps and keeps back, and others who call themselves what they are not; called
// by `tests/abuse/test_hostile_to_the_page.py`, see `driver.mjs`.

import { simulated } from './simulated.mjs'

export async function calls(load) {
  const { SecretKey, didKey, pack, unpack, makePeerDid, fromAnyBase64, utf8, text, DIDCOMM, say, connected, stateOf, fresh } = await simulated(load)
  const { Views } = await load('page/views.js')
  const { MemoryStore } = await load('store.js')
  const { HistoryMemory } = await load('webvh/history.js')
  const { WebvhResolver } = await load('webvh/resolver.js')
  const { PublicFiles } = await load('public_files.js')
  const { UnreachableError } = await load('errors.js')

  const definition = `did:webvh:Qm${'1'.repeat(44)}:centre.example.test/resources/z${'1'.repeat(46)}`
  const offered = (attributes = [{ name: 'family_name', value: 'x' }]) =>
    say('issue-credential/2.0/offer-credential', {
      comment: 'Ministry of Labour',
      credential_preview: { '@type': `${DIDCOMM}issue-credential/2.0/credential-preview`, attributes },
      formats: [{ attach_id: '0', format: 'anoncreds/credential-offer@v1.0' }],
      'offers~attach': [{ '@id': '0', data: { json: { cred_def_id: definition, nonce: '1' } } }],
    })
  const asked = (...names) => {
    const request = { name: 'q', version: '1.0', nonce: '1234567890', requested_attributes: { a: { names } }, requested_predicates: {} }
    return say('present-proof/2.0/request-presentation', { formats: [{ attach_id: '0', format: 'anoncreds/proof-request@v1.0' }], 'request_presentations~attach': [{ '@id': '0', data: { json: request } }] })
  }
  const link = (service, question, more = {}) => utf8(JSON.stringify(say('out-of-band/1.1/invitation', { services: [service], 'requests~attach': [{ '@id': 'r', data: { json: question } }], ...more })))
  const reached = (key) => makePeerDid(key.verkey, { endpoint: 'https://yard.example.test/didcomm', routingKeys: [] })
  // The authority's file as it is read: it knows one employer.
  const knows = (employer) => {
    const statement = { id: 'v', credentialType: 'qualification/1.0', attributes: ['eqf_level'], predicates: [], purposes: ['study'], jurisdictions: [], intervals: [{ first: '2020-01-01', last: '9999-12-31' }] }
    const file = { name: 'A', verifications: new Map([[employer, [statement]]]), names: new Map([[employer, 'Shipyard']]), accreditations: new Map(), division: undefined, loaded: new Set() }
    return { snapshot: async () => ({ file, freshUntil: Infinity, freshFrom: undefined, recognised: new Map() }) }
  }

  return {
    // Somebody calls themselves the ministry, in an invitation, an offer and a question: all that the page gets of it.
    faked_labels: async () => {
      const world = await fresh()
      const { peer, request, own } = await connected(world)
      await world.deliver([peer.response(request)])
      await world.deliver([pack(JSON.stringify({ ...offered(), label: 'Ministry of Labour' }), own, peer.key)])
      world.get = () => Promise.resolve(link(reached(SecretKey.random()), { ...asked('level'), comment: 'Ministry of Labour' }, { label: 'Ministry of Labour', goal: 'Ministry of Labour' }))
      await world.wallet.follow('https://centre.example.test/i')
      const views = new Views(world.wallet, undefined)
      const [[offer]] = await world.rows('offer')
      const [[question]] = await world.rows('question')
      const seen = [await views.offer(offer), await views.question(question), await views.book()]
      return [seen[0].issuer.name, seen[1].asker.name, JSON.stringify(seen).includes('Ministry')]
    },
    // Messages out of order, lost, and again: after a no, after a yes, in a later visit.
    replays: async () => {
      const world = await fresh()
      const { peer, id, request, own } = await connected(world)
      const states = async () => [...(await world.rows('offer')), ...(await world.rows('question'))].map(([, row]) => row.state)
      const seal = (message) => pack(JSON.stringify(message), own, peer.key)
      const offer = seal(offered())
      const early = await world.deliver([offer])
      const seen = [[early, await stateOf(world, id), await states()]] // before the connection is made: nobody's
      const response = peer.response(request)
      await world.deliver([response, response])
      const question = asked('level')
      const [one, two] = [seal(offered()), seal(question)]
      await world.deliver([two, one, two, one])
      seen.push([await stateOf(world, id), await states()])
      const [[offerId]] = await world.rows('offer')
      const [[questionId]] = await world.rows('question')
      await world.wallet.offers.decline(offerId)
      await world.wallet.questions.decline(questionId, false)
      await world.visit()
      await world.deliver([one, two, response])
      seen.push([await stateOf(world, id), await states()])
      // A verdict that comes after another one, and one for what was not answered.
      const row = await world.store.get('question', questionId)
      const ended = async (state, told = { status: 'OK', verification_result: 'true' }) => {
        await world.store.write([{ kind: 'question', id: questionId, value: { ...row, state } }])
        await world.deliver([seal(say('present-proof/2.0/ack', told, question['@id']))])
        if (state === 'answered' && told.verification_result === undefined) return (await world.store.get('question', questionId)).state
        await world.deliver([seal(say('present-proof/2.0/problem-report', { description: { en: 'no' } }, question['@id']))])
        return (await world.store.get('question', questionId)).state
      }
      seen.push([await ended('declined'), await ended('answered')])
      // What says no result is no yes, and what says that it went wrong is none whatever its result.
      const words = [{ status: 'OK' }, { status: 'PENDING' }, {}, { status: 'fail' }, { status: 'FAIL' }]
      seen.push([])
      for (const told of words) seen.at(-1).push(await ended('answered', told))
      seen.at(-1).push(await ended('answered', { status: 'FAIL', verification_result: 'true' }), await ended('answered', { status: 'OK', verification_result: 'false' }))
      return seen
    },
    // The mediator fetches a short link for the wallet, and gives another question for it: of its own, and in the name of who asked.
    swapped_link: async () => {
      const [employer, mediator] = [SecretKey.random(), SecretKey.random()]
      const governance = knows(reached(employer))
      const seen = []
      for (const [key, names] of [[employer, ['eqf_level']], [employer, ['eqf_level', 'birth_date']], [mediator, ['eqf_level']]]) {
        const world = await fresh()
        world.get = () => Promise.resolve(link(reached(key), asked(...names), { goal_code: 'wanderbuch.verify.study' }))
        const { id } = await world.wallet.follow('https://yard.example.test/i')
        const view = await new Views(world.wallet, governance).question(id)
        await world.wallet.questions.decline(id, true)
        await world.wallet.agent.outbox.flush()
        // What goes out is for whom the page named, and for nobody on the way.
        const recipients = world.posted.map(({ envelope }) => JSON.parse(text(fromAnyBase64(JSON.parse(envelope).protected, 'header'))).recipients.map(({ header }) => header.kid)).flat()
        const opens = await Promise.resolve().then(() => unpack(world.posted[0].envelope, () => mediator)).then(() => true, () => false)
        seen.push([view.asker.name, view.may.verdict, view.may.code, view.isFromLink, view.beyond, recipients.every((kid) => kid === key.verkey), opens])
      }
      return seen
    },
    // A mediator that forgets a wallet, one that closes instead, and one that is silent for some hours: sockets and keys at the end.
    forgets: async () => {
      const { setTimeout: later } = globalThis
      const { now } = Date
      let ahead = 0
      globalThis.setTimeout = (run, wait, ...rest) => later(run, wait === 30_000 ? 25 : wait, ...rest)
      Date.now = () => now() + ahead
      const seen = []
      try {
        for (const how of ['forgets', 'silent for two hours', 'silent for one hour', 'closes']) {
          const world = await fresh()
          const { own } = await connected(world)
          const first = world.known
          if (how !== 'closes') world.forgotten.add(first)
          else {
            const { mediate } = world
            world.mediate = () => world.events.closed()
            world.back = () => (world.mediate = mediate)
          }
          const outcomes = []
          for (let visit = 0; visit < 4; visit++) {
            ahead += how === 'silent for one hour' ? 60_000 : 3_600_000
            if (visit === 2 && how === 'silent for two hours') world.forgotten.clear()
            world.wallet.stop()
            world.listed = []
            outcomes.push(await world.visit().then(() => 'live', (error) => error.code))
          }
          world.back?.()
          const { seed } = await world.store.get('mediator', 'granted')
          const key = SecretKey.unseal(new (await load('received.js')).Received(seed, 'seed')).verkey
          const rows = (await world.rows('mediator')).map(([id]) => id).sort()
          seen.push([how, outcomes, key === first, world.listed.includes(didKey(own)), rows])
          world.wallet.stop()
        }
      } finally {
        globalThis.setTimeout = later
        Date.now = now
      }
      return seen
    },
    // A log that was seen whole, then cut, then forked, by a resolver of a later visit; then a registry's list that was kept back.
    kept_back: async ({ did, logs }) => {
      const store = new MemoryStore()
      const outcomes = []
      for (const log of logs) {
        const network = { get: async () => fromAnyBase64(log, 'log') }
        const resolver = new WebvhResolver(new PublicFiles(network, store), new HistoryMemory(store))
        outcomes.push(await resolver.resolve(did).then(({ versionIds }) => versionIds.length, (error) => error.code))
      }
      for (const lists of [[[10, 'a'], [20, 'b']], [[10, 'a']], [[10, 'a'], [20, 'c']], [[10, 'a'], [20, 'b'], [30, 'd']]])
        outcomes.push(await new HistoryMemory(store).accept('registry', new Map(lists)).then(() => 'taken', (error) => error.code))
      // Read while away: what rests on it is counted each time, and after some seconds the network is asked again.
      const [now, counts] = [Date.now, []]
      let [isAway, ahead, gets] = [false, 0, 0]
      Date.now = () => now() + ahead
      try {
        const get = async () => {
          gets += 1
          if (isAway) throw new UnreachableError('away')
          return fromAnyBase64(logs[1], 'log')
        }
        const files = new PublicFiles({ get }, store).readAlsoWhile(() => isAway)
        await new WebvhResolver(files, new HistoryMemory(store)).resolve(did)
        const resolver = new WebvhResolver(files, new HistoryMemory(store))
        for (const [away, seconds] of [[true, 0], [false, 2], [false, 4], [false, 20]]) {
          isAway = away
          ahead += seconds * 1_000
          await resolver.resolve(did)
          counts.push([files.oldReads, gets])
        }
      } finally {
        Date.now = now
      }
      outcomes.push(counts)
      // Two at once, the newer one first, whichever resolver has them.
      const lists = [[10, 'a'], [20, 'b'], [30, 'd'], [40, 'e'], [50, 'f']]
      const atOnce = [lists, lists.slice(0, 4)].map((each) => new HistoryMemory(store).accept('registry', new Map(each)))
      outcomes.push(...(await Promise.all(atOnce.map((each) => each.then(() => 'taken', (error) => error.code)))))
      outcomes.push((await store.get('seen', 'registry')).number)
      return outcomes
    },
  }
}
