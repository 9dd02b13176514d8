// The network by what pages and Node.js have: fetch and WebSocket.

import { concat } from './bytes.js'
import { CheckFailedError, GoneError, UnreachableError } from './errors.js'
import type { EarlySocket } from './early_socket.js'
import { GONE, MOST_FRAME_BYTES, type Network, type Socket, type SocketEvents } from './network.js'

const DEADLINE_MS = 30_000
const MOST_REPLY = 1 << 20
const AGAIN = [408, 425, 429]
const CANNOT_SEND = 'the connection is closed'

export class WebNetwork implements Network {
  readonly #early: EarlySocket | undefined

  /** @param early a socket that was opened before anybody asked for it */
  constructor(early?: EarlySocket) {
    this.#early = early
  }

  async get(url: string, mostBytes: number): Promise<Uint8Array> {
    const response = await this.#fetch(url, { headers: { Accept: 'application/json' } })
    if (GONE.includes(response.status)) throw new GoneError('there is no such public file')
    if (!response.ok) throw new UnreachableError('a public file could not be fetched')
    return bodyOf(response, mostBytes)
  }

  async post(url: string, envelope: string): Promise<Uint8Array | undefined> {
    const headers = { 'Content-Type': 'application/didcomm-envelope-enc' }
    const response = await this.#fetch(url, { method: 'POST', body: envelope, headers })
    if (response.status >= 500 || AGAIN.includes(response.status)) throw new UnreachableError('the other side cannot take the message now')
    if (!response.ok) throw new CheckFailedError('the other side does not take the message')
    const reply = await bodyOf(response, MOST_REPLY)
    return reply.length ? reply : undefined
  }

  open(url: string, events: SocketEvents): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = this.#early?.take(url) ?? new WebSocket(url)
      socket.binaryType = 'arraybuffer'
      const encoder = new TextEncoder()
      const timer = setTimeout(() => socket.close(), DEADLINE_MS)
      const opened = (): void => {
        clearTimeout(timer)
        resolve({
          send: (frame) => {
            if (socket.readyState !== WebSocket.OPEN) throw new UnreachableError(CANNOT_SEND)
            socket.send(frame as Uint8Array<ArrayBuffer>)
          },
          close: () => socket.close(),
        })
      }
      if (socket.readyState === WebSocket.OPEN) opened()
      else socket.onopen = opened
      socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
        const frame = typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data)
        if (frame.length <= MOST_FRAME_BYTES) events.received(frame)
      }
      socket.onclose = () => {
        clearTimeout(timer)
        reject(new UnreachableError('the mediator cannot be reached'))
        events.closed()
      }
    })
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, { ...init, credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-cache', signal: AbortSignal.timeout(DEADLINE_MS) })
    } catch {
      throw new UnreachableError('the other side cannot be reached')
    }
  }
}

async function bodyOf(response: Response, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for (const reader = response.body?.getReader(); reader; ) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > mostBytes) {
        await reader.cancel()
        throw new UnreachableError(`a file has more than ${mostBytes} bytes`)
      }
      parts.push(value)
    }
  } catch (error) {
    if (error instanceof UnreachableError) throw error
    throw new UnreachableError('the connection broke')
  }
  return concat(...parts)
}
