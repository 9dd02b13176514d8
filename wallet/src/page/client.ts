// The page's side of the worker: calls by name.

import type { AnswerMessage, CallName, Calls, EventMessage } from './protocol.js'
import { RefusedError } from './refused.js'
import { scriptUrl } from './scripts.js'

const WORKER = '/worker.js'

export { RefusedError }

let worker: Worker | undefined
/** Whether it could not be loaded before anybody called it. */
let isLost = false

/** Begin the worker, which otherwise begins with the first call. */
export function beginWorker(): Worker {
  if (worker) return worker
  worker = new Worker(scriptUrl(WORKER), { type: 'module' })
  worker.onerror = () => {
    isLost = true
  }
  return worker
}

export class Client {
  readonly #waiting = new Map<number, { readonly done: (answer: unknown) => void; readonly failed: (error: Error) => void }>()
  #seq = 0
  #worker: Worker | undefined
  onEvent: (event: EventMessage['event']) => void = () => {}

  #begun(): Worker {
    if (this.#worker) return this.#worker
    this.#worker = beginWorker()
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
    return this.#worker
  }

  call<Name extends CallName>(call: Name, ...told: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    const seq = (this.#seq += 1)
    return new Promise((resolve, reject) => {
      if (isLost) return reject(new RefusedError('broke', null))
      const begun = this.#begun()
      this.#waiting.set(seq, { done: resolve as (answer: unknown) => void, failed: reject })
      begun.postMessage({ seq, call, told: told[0] ?? null })
    })
  }
}
