// The web socket to the mediator (Aries RFC 0092: what is asked over it is answered over it). It comes back by itself.
//
// A socket whose other end is gone (the phone went from one network to another) is often not told so for many minutes. So one over which
// nothing came for a minute, though something was asked, counts as closed; what takes long to come over a slow network does not fill a minute.
//
// A mediator closes a wallet's socket when the same wallet opens another one. So a phone asks whether it still has the book before it opens
// one again: two phones that both do would take it from each other, for ever.

import { compacted } from '../didcomm/compact.js'
import type { Network, Socket } from '../network.js'
import { SilentError, StateError, UnreachableError } from '../errors.js'

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000
const ANSWER_MS = 30_000
const DEAD_MS = 60_000
const PROBE_MS = 10_000

interface Waiting {
  readonly done: (answer: unknown) => void
  readonly failed: (error: UnreachableError) => void
}

export class Line {
  readonly #network: Network
  readonly url: string
  readonly #received: (envelope: Uint8Array) => void
  readonly #opened: () => Promise<void>
  readonly #waiting = new Map<string, Waiting>()
  #socket: Promise<Socket> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #wait = FIRST_WAIT_MS
  #isStopped = false
  #isOpen = false
  /** Until what is to be done first is under way, whatever else is asked waits. */
  #gate: Promise<void> | undefined
  #openGate = (): void => {}
  #isFirst = false
  /** When something came over the socket last, or it was opened. */
  #heardAt = 0
  /** Whether its other end takes compact envelopes (ADR 120). */
  isCompact = false
  /** Asked before the socket is opened again; who throws does not have it any more. */
  before: () => Promise<void> = () => Promise.resolve()
  /** Whether it did so before: then it is spoken to so from the first message on (ADR 124). */
  wasCompact = false

  /** @param opened what to do each time that the socket opened, before others ask */
  constructor(network: Network, url: string, received: (envelope: Uint8Array) => void, opened: () => Promise<void>) {
    this.#network = network
    this.url = url
    this.#received = received
    this.#opened = opened
  }

  /** Whether the socket is open, and what is to be done first was done. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** How long nothing came, while nothing was waited for. */
  get quietMs(): number {
    return this.#waiting.size === 0 ? Date.now() - this.#heardAt : 0
  }

  /** Open the socket, if it is not open; and do what is to be done first. */
  async open(): Promise<void> {
    if (this.#isStopped) throw new StateError('the wallet is closed')
    if (this.#socket) {
      await this.#socket
      return
    }
    clearTimeout(this.#timer)
    this.isCompact = this.wasCompact
    const received = (envelope: Uint8Array): void => {
      this.#heardAt = Date.now()
      this.#received(envelope)
    }
    this.#gate = new Promise((resolve) => (this.#openGate = resolve))
    const opening = this.#network.open(this.url, { received, closed: () => this.#closed(opening) })
    this.#socket = opening
    try {
      await opening
      this.#heardAt = Date.now()
      this.#isFirst = true
      const first = this.#opened()
      this.#isFirst = false
      await first
      this.#openGate()
      this.#isOpen = this.#socket === opening
      this.#wait = FIRST_WAIT_MS
    } catch (error) {
      this.#openGate()
      if (error instanceof UnreachableError) this.#closed(opening)
      throw error
    }
  }

  async send(envelope: string): Promise<void> {
    if (!this.#socket) throw new UnreachableError('the mediator is not connected')
    const isFirst = this.#isFirst
    const socket = await this.#socket
    if (!isFirst) await this.#gate
    socket.send(this.isCompact ? compacted(envelope) : new TextEncoder().encode(envelope))
    if (isFirst) this.#openGate()
  }

  /**
   * Send a message and wait for the answer that `answer` gets under one of these names.
   *
   * @param isProbe whether the answer is small and nothing else is under way: without it the socket is dead
   * @throws SilentError the time was over
   * @throws UnreachableError the socket closed first
   */
  async ask<T>(names: readonly string[], envelope: string, isProbe = false): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const socket = this.#socket
    const askedAt = Date.now()
    const answer = new Promise<unknown>((done, failed) => {
      const waiting = { done, failed }
      for (const name of names) this.#waiting.set(name, waiting)
      const silent = (): void => {
        failed(new SilentError('the mediator did not answer'))
        const isDead = isProbe ? this.#heardAt < askedAt : Date.now() - this.#heardAt >= DEAD_MS
        if (socket && this.#isOpen && isDead) this.#closed(socket)
      }
      timer = setTimeout(silent, isProbe ? PROBE_MS : ANSWER_MS)
    })
    answer.catch(() => undefined)
    try {
      await this.send(envelope)
      return (await answer) as T
    } finally {
      clearTimeout(timer)
      for (const name of names) this.#waiting.delete(name)
    }
  }

  /** Give an answer to whoever waits under one of these names; false: nobody does. */
  answer(names: readonly string[], value: unknown): boolean {
    const waiting = names.map((name) => this.#waiting.get(name)).find((each) => each !== undefined)
    waiting?.done(value)
    return waiting !== undefined
  }

  /** The device has no network: the socket is closed, though nobody has noticed yet, and opened again later. */
  lost(): void {
    if (this.#socket) this.#closed(this.#socket)
  }

  /** Whoever waits for a socket that is down waits no longer: it is opened now. */
  hurry(): void {
    if (!this.#socket && !this.#isStopped && this.#timer !== undefined) this.#again()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    void socket?.then((open) => open.close(), () => undefined)
    this.#fail()
  }

  #closed(which: Promise<Socket>): void {
    if (this.#socket !== which) return
    this.#socket = undefined
    void which.then((open) => open.close(), () => undefined)
    this.#fail()
    if (this.#isStopped) return
    clearTimeout(this.#timer)
    // Many wallets lose a mediator at once: they do not come back at once.
    this.#timer = setTimeout(() => this.#again(), this.#wait * (0.5 + Math.random()))
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS)
  }

  #again(): void {
    clearTimeout(this.#timer)
    void this.before().then(() => this.open()).catch(() => undefined)
  }

  #fail(): void {
    this.#isOpen = false
    this.#openGate()
    for (const { failed } of this.#waiting.values()) failed(new UnreachableError('the connection to the mediator closed'))
    this.#waiting.clear()
  }
}
