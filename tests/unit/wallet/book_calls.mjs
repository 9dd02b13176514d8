// A book with many certificates that answers questions: what a proof costs; see `driver.mjs`. The mediator and who asks are simulated.

import { simulated } from './simulated.mjs'

export async function calls(load) {
  const { World, Peer, connected, pack, say } = await simulated(load)
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
    return { world, ask: (asked) => world.deliver([pack(JSON.stringify(asked), own, peer.key)]) }
  }

  return {
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
