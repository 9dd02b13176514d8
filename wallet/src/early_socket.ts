// A web socket that is opened before its time: its handshakes take longer than a PIN's digits, and say nothing about whose it is.
//
// What the browser does not let be opened (the page's policy names another mediator by now), or what the network went away from, is none.
//
// A mediator of ours closes one over which nobody whom it knows has written for 30 seconds, and gives it up sooner where places are few.

const LASTS_MS = 25_000

export class EarlySocket {
  readonly #url: string
  readonly #until = Date.now() + LASTS_MS
  #socket: WebSocket | undefined

  constructor(url: string) {
    this.#url = url
    try {
      this.#socket = new WebSocket(url)
    } catch (error) {
      if (!(error instanceof DOMException)) throw error
    }
    setTimeout(() => this.close(), LASTS_MS)
  }

  /** Close it, unless somebody took it. */
  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  /** The socket, for who wants one to this address; once, and only one that may still open, or is open. */
  take(url: string): WebSocket | undefined {
    const socket = this.#socket
    if (!socket || url !== this.#url || Date.now() >= this.#until || socket.readyState > WebSocket.OPEN) return undefined
    this.#socket = undefined
    return socket
  }
}
