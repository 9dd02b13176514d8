// The page's side of the worker: calls by name.

import type { AnswerMessage, CallName, Calls, EventMessage } from './protocol.js'
import { RefusedError } from './refused.js'
import { scriptUrl } from './scripts.js'

const WORKER = '/worker.js'

export { RefusedError }

// It begins while the page's words are fetched.
const worker = new Worker(scriptUrl(WORKER), { type: 'module' })
/** Whether it could not be loaded before anybody called it. */
let isLost = false
worker.onerror = () => {
  isLost = true
}

export class Client {
  readonly #worker = worker
  readonly #waiting = new Map<number, { readonly done: (answer: unknown) => void; readonly failed: (error: Error) => void }>()
  #seq = 0
  onEvent: (event: EventMessage['event']) => void = () => {}

  constructor() {
    // A worker that could not be loaded answers nothing.
    this.#worker.onerror = () => {
      for (const { failed } of this.#waiting.values()) failed(new RefusedError('broke', null))
      this.#waiting.clear()
    }
    this.#worker.onmessage = ({ data }: MessageEvent<AnswerMessage | EventMessage>) => {
      if ('event' in data) return this.onEvent(data.event)
      const waiting = this.#waiting.get(data.seq)
      this.#waiting.delete(data.seq)
      if ('error' in data) waiting?.failed(new RefusedError(data.error.code, data.error.detail))
      else waiting?.done(data.answer)
    }
  }

  call<Name extends CallName>(call: Name, ...told: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    const seq = (this.#seq += 1)
    return new Promise((resolve, reject) => {
      if (isLost) return reject(new RefusedError('broke', null))
      this.#waiting.set(seq, { done: resolve as (answer: unknown) => void, failed: reject })
      this.#worker.postMessage({ seq, call, told: told[0] ?? null })
    })
  }
}
