// A web socket that is opened before its time: its handshakes take longer than a PIN's digits, and say nothing about whose it is.
//
// A mediator of ours closes one over which nobody whom it knows has written for 30 seconds, and gives it up sooner where places are few.

const LASTS_MS = 25_000

export class EarlySocket {
  readonly #url: string
  readonly #until = Date.now() + LASTS_MS
  #socket: WebSocket | undefined

  constructor(url: string) {
    this.#url = url
    this.#socket = new WebSocket(url)
    setTimeout(() => this.#socket?.close(), LASTS_MS)
  }

  /** The socket, for who wants one to this address; once, and only one that may still open, or is open. */
  take(url: string): WebSocket | undefined {
    const socket = this.#socket
    if (!socket || url !== this.#url || Date.now() >= this.#until || socket.readyState > WebSocket.OPEN) return undefined
    this.#socket = undefined
    return socket
  }
}
