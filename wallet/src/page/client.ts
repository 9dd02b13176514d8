// The page's side of the worker: calls by name.

import { soonest, WAITS_MS } from './again.js'
import type { AnswerMessage, CallMessage, CallName, Calls, EventMessage } from './protocol.js'
import { RefusedError } from './refused.js'
import { scriptUrl } from './scripts.js'

const WORKER = '/worker.js'

export { RefusedError }

const begun = (): Worker => new Worker(scriptUrl(WORKER), { type: 'module' })
let first: Worker | undefined
/** Whether it could not be loaded before anybody listened to it. */
let isLost = false

/** Begin the worker, which otherwise begins with the first call. */
export function beginWorker(): Worker {
  if (first) return first
  first = begun()
  first.onerror = () => {
    isLost = true
  }
  return first
}

interface Waiting {
  readonly message: CallMessage
  readonly done: (answer: unknown) => void
  readonly failed: (error: Error) => void
}

export class Client {
  #worker: Worker | undefined
  readonly #waiting = new Map<number, Waiting>()
  #seq = 0
  /** Whether the worker was loaded. */
  #isHeard = false
  #times = 0
  /** Whether it was asked for as often as it is asked for. */
  #isOver = false
  onEvent: (event: EventMessage['event']) => void = () => {}

  call<Name extends CallName>(call: Name, ...told: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    const message = { seq: (this.#seq += 1), call, told: told[0] ?? null }
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(new RefusedError('broke', null))
      this.#waiting.set(message.seq, { message, done: resolve as (answer: unknown) => void, failed: reject })
      this.#listened().postMessage(message)
    })
  }

  #listened(): Worker {
    if (this.#worker) return this.#worker
    const worker = this.#listenTo(beginWorker())
    if (isLost) void this.#lost()
    return worker
  }

  #listenTo(worker: Worker): Worker {
    this.#worker = worker
    worker.onerror = () => void this.#lost()
    worker.onmessage = ({ data }: MessageEvent<AnswerMessage | EventMessage>) => {
      this.#isHeard = true
      if ('event' in data) return this.onEvent(data.event)
      const waiting = this.#waiting.get(data.seq)
      this.#waiting.delete(data.seq)
      if ('error' in data) waiting?.failed(new RefusedError(data.error.code, data.error.detail))
      else waiting?.done(data.answer)
    }
    return worker
  }

  // A worker that did not come is asked for again. One that fails, or never comes, answers nothing.
  async #lost(): Promise<void> {
    const wait = this.#isHeard ? undefined : WAITS_MS[this.#times++]
    if (wait === undefined) {
      this.#isOver = !this.#isHeard
      for (const { failed } of this.#waiting.values()) failed(new RefusedError('broke', null))
      this.#waiting.clear()
      return
    }
    this.#worker?.terminate()
    await soonest(wait)
    const worker = this.#listenTo(begun())
    for (const { message } of this.#waiting.values()) worker.postMessage(message)
  }
}
