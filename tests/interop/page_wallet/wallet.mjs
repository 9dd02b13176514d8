// The wallet of `wallet/` as a program that obeys lines of JSON: {"seq": 1, "do": name, "with": {…}} -> {"seq": 1, "result": …} or
// {"seq": 1, "error": {"code", "message"}}. It knows the machine's names and ports by CONNECT, and its private CA by NODE_EXTRA_CA_CERTS.
//
// A visit ends as a page does that a phone ends: from one moment on nothing that it asked for comes back, and nothing of it goes out.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const places = new Map(JSON.parse(process.env.CONNECT).map((line) => line.split(':443=')))
const tls = createRequire(import.meta.url)('node:tls')
const { connect } = tls
tls.connect = (options, ...more) => {
  const place = places.get(options.host ?? options.servername)
  if (!place) throw new Error(`nobody is called ${options.host}`)
  const [host, port] = place.split(':')
  return connect({ ...options, host, port: Number(port), servername: options.servername ?? options.host }, ...more)
}

const built = pathToFileURL(`${process.argv[2]}/`)
const load = (name) => import(new URL(name, built))
const { Wallet } = await load('wallet.js')
const { MemoryStore } = await load('store.js')
const { FrameCollector, framesOf } = await load('codes/frames.js')
const { WebNetwork } = await load('web_network.js')
const { Governance } = await load('governance/following.js')
const { Views } = await load('page/views.js')

const NEVER = new Promise(() => {})

// Counts what a visit asks of the store and the network, and ends it after `last` such steps.
class Life {
  steps = 0
  isOver = false

  constructor(last) {
    this.last = last
    this.over = new Promise((resolve) => (this.end = resolve))
  }

  async step(work) {
    if (this.isOver) return NEVER
    const done = await work()
    this.count()
    return this.isOver ? NEVER : done
  }

  count() {
    this.steps += 1
    if (this.steps !== this.last) return
    this.isOver = true
    this.end()
  }
}

function mortal(network, life) {
  return {
    get: (...told) => life.step(() => network.get(...told)),
    post: (...told) => life.step(() => network.post(...told)),
    open: (url, events) =>
      life.step(async () => {
        const alive = (call) => (...told) => life.isOver || call(...told)
        const socket = await network.open(url, { received: alive(events.received), closed: alive(events.closed) })
        void life.over.then(() => socket.close())
        const send = alive((envelope) => {
          socket.send(envelope)
          life.count()
        })
        return { send, close: socket.close }
      }),
  }
}

let store = new MemoryStore()
const counts = { bytes: 0, dropped: [] }
let life
let wallet
// What the page would show, by the governance file that a visit is told of.
let views
const listeners = new Set()

function mortalStore() {
  return {
    get: (...told) => (life.isOver ? NEVER : store.get(...told)),
    list: (...told) => (life.isOver ? NEVER : store.list(...told)),
    write: (...told) => life.step(() => store.write(...told)),
  }
}

const rows = async (kind) => Object.fromEntries(await store.list(kind))

const calls = {
  // Begin a visit; with `last`, it ends after so many steps. Gives whether it is over already.
  visit: async ({ mediator, last, egress, governance }) => {
    life = new Life(last ?? Infinity)
    wallet = await Wallet.open(mortalStore(), mortal(new WebNetwork(), life), { mediator, egress, label: 'Wallet' })
    const { files, store: book, resolver } = wallet.agent
    views = new Views(wallet, governance ? new Governance(governance, files, book, resolver) : undefined)
    wallet.agent.inbox.onDropped = (kind, error) => counts.dropped.push(`${kind}: ${error.message}`)
    wallet.agent.outbox.onRefused = (id, error) => counts.dropped.push(`refused: ${error.message}`)
    wallet.agent.onChange((changes) => listeners.forEach((listener) => listener(changes)))
    return Promise.race([wallet.start().then(() => false), life.over.then(() => true)])
  },
  leave: async () => {
    wallet.stop()
    return life.steps
  },
  // End this visit after so many steps from now on.
  end_after: ({ steps }) => {
    life.last = life.steps + steps
  },
  // Do something that this visit may not live to see the end of; gives whether it did.
  try: ({ call, told }) => Promise.race([Promise.resolve(calls[call](told)).then(() => true), life.over.then(() => false)]),
  // End this visit now, if it has not ended.
  end: () => {
    const wasOver = life.isOver
    life.isOver = true
    life.end()
    return wasOver
  },
  forget: () => {
    store = new MemoryStore()
  },
  follow: ({ address }) => wallet.follow(address),
  // As the page does: what cannot be followed now is kept.
  open: ({ address }) => wallet.links.open(address, wallet.agent.mediator.isConnected),
  view_offer: ({ id }) => views.offer(id),
  view_question: ({ id }) => views.question(id),
  accept: ({ id }) => wallet.offers.accept(id),
  decline_offer: ({ id, wrong }) => wallet.offers.decline(id, new Map(Object.entries(wrong ?? {}))),
  candidates: ({ id }) => wallet.questions.candidates(id),
  answer: ({ id, answers, isLess }) => wallet.questions.answer(id, answers, undefined, isLess),
  make_ready: () => wallet.credentials.makeReady(),
  // Take a question from codes, and give the codes of its answer.
  read_codes: async ({ frames }) => {
    const collector = new FrameCollector('request')
    for (const frame of frames) collector.add(frame)
    return wallet.questions.openShown(await collector.message())
  },
  codes: async ({ id }) => framesOf('answer', new TextEncoder().encode(await wallet.questions.shown(id))),
  decline: ({ id, isTold }) => wallet.questions.decline(id, isTold ?? true),
  revoked: async ({ id }) => wallet.credentials.isRevoked(await wallet.credentials.one(id)),
  rows: ({ kind }) => rows(kind),
  dropped: () => counts.dropped,
  // Wait until a row of this kind has this state (or this member that is true); gives its id. Or for so many rows.
  until: ({ kind, id, state, is, count = 1 }) =>
    new Promise((resolve) => {
      const fits = ([name, row]) =>
        (id === undefined || name === id) && (state === undefined || row.state === state) && (is === undefined || row[is] === true)
      const look = async () => {
        const fitting = (await store.list(kind)).filter(fits)
        if (fitting.length < count) return
        listeners.delete(look)
        resolve(fitting.at(-1)[0])
      }
      listeners.add(look)
      void look()
    }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { seq, do: call, with: told } = JSON.parse(line)
  const say = (said) => process.stdout.write(`${JSON.stringify({ seq, ...said })}\n`)
  void (async () => calls[call](told))().then(
    (result) => say({ result: result ?? null }),
    (error) => say({ error: { code: error.code ?? 'broke', message: error.code ? error.message : error.stack } }),
  )
}
process.exit(0)
