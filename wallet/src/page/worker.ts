// The worker: keys, credentials and proofs are here and nowhere else. The page calls by name and gets what it may show.

import { WalletError } from '../errors.js'
import { IndexedShelf } from '../keeping/indexed_shelf.js'
import { PinError } from '../keeping/phone.js'
import { RecoveryCodeError } from '../keeping/recovery_code.js'
import { WebNetwork } from '../web_network.js'
import type { AnswerMessage, CallMessage, EventMessage, Settings } from './protocol.js'
import { Session } from './session.js'

const LOCK = 'wanderbuch book'
const SETTINGS = '/settings.json'

interface WorkerScope {
  onmessage: ((message: MessageEvent<CallMessage>) => void) | null
  postMessage(message: AnswerMessage | EventMessage): void
}

const scope = globalThis as unknown as WorkerScope
const tell = (event: EventMessage['event']): void => scope.postMessage({ event })

const session = begin()
scope.onmessage = ({ data }) => {
  void answer(data).then((message) => scope.postMessage(message))
}

async function begin(): Promise<Session> {
  const settings = (await (await fetch(SETTINGS, { credentials: 'omit' })).json()) as Settings
  const made = await Session.begin(await IndexedShelf.open(), new WebNetwork(), settings, tell)
  await alone(() => made.leave())
  return made
}

async function answer({ seq, call, told }: CallMessage): Promise<AnswerMessage> {
  try {
    const open = await session
    const step = open[call] as (told: unknown) => unknown
    return { seq, answer: (await step.call(open, told)) ?? null }
  } catch (error) {
    if (!(error instanceof WalletError)) return { seq, error: { code: 'broke', detail: null } }
    const detail = error instanceof PinError ? error.left : error instanceof RecoveryCodeError ? error.group : null
    return { seq, error: { code: error.code, detail } }
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
