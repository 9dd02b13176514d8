// The worker: keys, credentials and proofs are here and nowhere else. The page calls by name and gets what it may show.
//
// Its larger part, `session.ts` with all that the book needs, is loaded when the first screen stands, and nobody waits for it: not that
// screen, nor a PIN, which is stretched without it. Where a book is on this phone the mediator's socket opens while the worker types.

import { WalletError } from '../errors.js'
import { EarlySocket } from '../early_socket.js'
import { IndexedShelf } from '../keeping/indexed_shelf.js'
import { foresee, whileStretching } from '../keeping/stretching.js'
import { again, imported } from './again.js'
import { passkeyAt, phaseAt, statusAt } from './door.js'
import type { AnswerMessage, CallMessage, EventMessage, Settings } from './protocol.js'
import type { Session } from './session.js'

const LOCK = 'wanderbuch book'
const SETTINGS = '/settings.json'
/** Until the first screen stands: what is computed here would keep it waiting. */
const FIRST_MS = 300

interface WorkerScope {
  onmessage: ((message: MessageEvent<CallMessage>) => void) | null
  postMessage(message: AnswerMessage | EventMessage): void
}

const scope = globalThis as unknown as WorkerScope
const tell = (event: EventMessage['event']): void => scope.postMessage({ event })

const sessionModule = imported('./session.js', () => import('./session.js'))
/** Whether `session.js` could not be fetched, asked for again and again: the page has to be loaded again. */
let isBroken = false
let loading: Promise<typeof import('./session.js')> | undefined
let session: Promise<Session> | undefined
/** What this host says: a book that is here is locked before that is known. */
let settingsAsked: Promise<Settings> | undefined
const shelf = atTheDoor()
const early = shelf.then(soonOpen)
early.catch(() => undefined) // who needs it learns it
let isSet = false
settings().then(({ mediator }) => {
  if (mediator === null) tell('status')
}, () => undefined)

scope.onmessage = ({ data }) => {
  void answer(data).then((message) => {
    scope.postMessage(message)
    setTimeout(() => void whole().catch(() => undefined), FIRST_MS) // whoever calls next learns it
  })
}

async function atTheDoor(): Promise<IndexedShelf> {
  if (!('locks' in navigator)) throw new Error('the browser has no locks')
  return IndexedShelf.open()
}

async function soonOpen(shelf: IndexedShelf): Promise<EarlySocket | undefined> {
  const [phase, line] = await Promise.all([phaseAt(shelf), shelf.note('line')])
  if (phase !== 'locked') return undefined
  whileStretching(() => void larger().catch(() => undefined)) // who needs it learns it
  if (typeof line !== 'string' || !navigator.onLine) return undefined
  const early = new EarlySocket(line)
  addEventListener('offline', () => early.close()) // it would count as open for a while yet
  return early
}

function larger(): Promise<typeof import('./session.js')> {
  loading ??= again(sessionModule).catch((error: unknown) => {
    isBroken = true
    tell('status')
    throw error
  })
  return loading
}

// What could not be fetched is fetched again when somebody asks for it.
function settings(): Promise<Settings> {
  if (!settingsAsked) {
    settingsAsked = asked()
    settingsAsked.then(() => (isSet = true), () => (settingsAsked = undefined))
  }
  return settingsAsked
}

async function asked(): Promise<Settings> {
  const told = await again(async () => {
    const response = await fetch(SETTINGS, { credentials: 'omit' })
    return response.ok ? ((await response.json()) as Settings) : undefined // a host that gives none says so: it is not asked for again
  })
  if (!told) throw new Error('the host gives no settings')
  return told
}

function whole(): Promise<Session> {
  if (!session) {
    session = begin()
    session.catch(() => (session = undefined))
  }
  return session
}

async function begin(): Promise<Session> {
  const [{ Session, WebNetwork }, set] = await Promise.all([larger(), settings()])
  const made = await Session.begin(await shelf, new WebNetwork(await early), set, tell)
  await alone(() => made.leave())
  addEventListener('offline', () => made.offline())
  addEventListener('online', () => void made.look())
  return made
}

async function answer({ seq, call, told }: CallMessage): Promise<AnswerMessage> {
  try {
    if (isBroken) throw new Error('the page has to be loaded again')
    if (call === 'status' && !session) {
      const known = isSet ? await settings() : undefined
      const here = await statusAt(await shelf, known)
      return { seq, answer: known || here.phase === 'locked' ? here : await statusAt(await shelf, await settings()) }
    }
    if (call === 'passkey') return { seq, answer: await passkeyAt(await shelf) }
    if (call === 'typed') {
      await foresee(await shelf, (told as { pin: string }).pin)
      void whole().then((made) => made.rehearse(), () => undefined) // who needs it learns it
      return { seq, answer: null }
    }
    const open = await whole()
    const step = open[call] as (told: unknown) => unknown
    return { seq, answer: (await step.call(open, told)) ?? null }
  } catch (error) {
    if (!(error instanceof WalletError)) return { seq, error: { code: 'broke', detail: null } }
    return { seq, error: { code: error.code, detail: error.detail } }
  }
}

// One tab at a time: the newest one has the book, and whoever had it leaves.
function alone(leave: () => void): Promise<void> {
  return new Promise((resolve) => {
    navigator.locks
      .request(LOCK, { steal: true }, () => {
        resolve()
        return new Promise<never>(() => {})
      })
      .catch(leave)
  })
}
