// The worker: keys, credentials and proofs are here and nowhere else. The page calls by name and gets what it may show.
//
// Its larger part, `session.ts` with all that the book needs, is fetched once the page was told where the wallet stands, so that the
// first screen does not wait for it.

import { WalletError } from '../errors.js'
import { IndexedShelf } from '../keeping/indexed_shelf.js'
import { passkeyAt, statusAt } from './door.js'
import type { AnswerMessage, CallMessage, EventMessage, Settings } from './protocol.js'
import type { Session } from './session.js'

const LOCK = 'wanderbuch book'
const SETTINGS = '/settings.json'

interface WorkerScope {
  onmessage: ((message: MessageEvent<CallMessage>) => void) | null
  postMessage(message: AnswerMessage | EventMessage): void
}

interface Door {
  readonly shelf: IndexedShelf
  readonly settings: Settings
}

const scope = globalThis as unknown as WorkerScope
const tell = (event: EventMessage['event']): void => scope.postMessage({ event })

const door = atTheDoor()
let session: Promise<Session> | undefined
/** Whether `session.js` could not be fetched: many browsers do not fetch it again before the page is loaded again. */
let isBroken = false

scope.onmessage = ({ data }) => {
  void answer(data).then((message) => {
    scope.postMessage(message)
    whole().catch(() => undefined) // whoever calls next learns it
  })
}

async function atTheDoor(): Promise<Door> {
  if (!('locks' in navigator)) throw new Error('the browser has no locks')
  const settings = (await (await fetch(SETTINGS, { credentials: 'omit' })).json()) as Settings
  return { shelf: await IndexedShelf.open(), settings }
}

// What could not be fetched is fetched again when somebody asks for it.
function whole(): Promise<Session> {
  if (!session) {
    session = begin()
    session.catch(() => (session = undefined))
  }
  return session
}

async function begin(): Promise<Session> {
  const { shelf, settings } = await door
  const { Session, WebNetwork } = await import('./session.js').catch((error: unknown) => {
    isBroken = true
    tell('status')
    throw error
  })
  const made = await Session.begin(shelf, new WebNetwork(), settings, tell)
  await alone(() => made.leave())
  addEventListener('offline', () => made.offline())
  addEventListener('online', () => void made.look())
  return made
}

async function answer({ seq, call, told }: CallMessage): Promise<AnswerMessage> {
  try {
    if (isBroken) throw new Error('the page has to be loaded again')
    if (call === 'status' && !session) {
      const { shelf, settings } = await door
      return { seq, answer: await statusAt(shelf, settings) }
    }
    if (call === 'passkey') return { seq, answer: await passkeyAt((await door).shelf) }
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
