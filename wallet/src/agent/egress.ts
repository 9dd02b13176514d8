// The way out by the mediator (`egress/1.0`, docs/wallet-developers.md): whom the wallet asks then sees the mediator's network address
// and not the phone's, and needs no CORS. The mediator sees whom is asked; it proves nothing of what came, and could change it.
//
// What is public comes in few bytes (ADR 118): deflated, and not at all if it is what is kept here, which the mediator finds out by its
// digest; the host is told nothing of it. What is posted is not deflated, nor its answer: those are for one wallet alone.
//
// The mediator itself is reached directly. At most 4 requests are under way, as mediators allow. Redirects are followed, three at most.

import { base64, base64url, fromAnyBase64 } from '../base64.js'
import { toHex } from '../bytes.js'
import { inflated } from '../deflate.js'
import { compacted } from '../didcomm/compact.js'
import type { Incoming } from '../didcomm/message.js'
import { CheckFailedError, GoneError, MalformedError, UnreachableError } from '../errors.js'
import { GONE, publicAddress, type Network, type Socket, type SocketEvents } from '../network.js'
import type { Received } from '../received.js'
import type { JsonObject } from '../store.js'

const AT_ONCE = 4
const MOST_REDIRECTS = 3
const MOST_REPLY = 1 << 20
const DEFLATE = 'deflate'
const JWS_DEFLATE = 'jws+deflate'
const REDIRECTS = [301, 302, 303, 307, 308]
const AGAIN = [408, 425, 429]
const NEVER = ['e.m.egress.address', 'e.m.egress.malformed', 'e.m.egress.off']

/** Asks the mediator something, and gives its answer or its problem report. */
export interface AskMediator {
  (kind: string, members: JsonObject, tail?: Uint8Array): Promise<Incoming>
  /** Whether bytes may follow what it is asked (ADR 120). */
  readonly takesTails: () => boolean
}

interface Answer {
  readonly body: Received
  readonly tail: Uint8Array | undefined
}

export class EgressNetwork implements Network {
  readonly #direct: Network
  readonly #mediatorHost: string
  readonly #ask: AskMediator
  readonly #waiting: (() => void)[] = []
  #underWay = 0
  /** Whether the mediator said that what is posted may be told as text: in base64 it would be a third longer. */
  #takesText = false

  constructor(direct: Network, mediatorUrl: string, ask: AskMediator) {
    this.#direct = direct
    this.#mediatorHost = publicAddress(mediatorUrl, 'mediator').host
    this.#ask = ask
  }

  async get(url: string, mostBytes: number, kept?: Uint8Array): Promise<Uint8Array> {
    if (new URL(url).host === this.#mediatorHost) return this.#direct.get(url, mostBytes)
    const few = { accept_encoding: DEFLATE, takes_jws: true, ...(kept && { known: await digestOf(kept) }) }
    let next = url
    for (let count = 0; count <= MOST_REDIRECTS; count++) {
      const answer = await this.#request({ method: 'GET', url: next, headers: { accept: 'application/json' }, ...few })
      const status = statusOf(answer)
      if (kept && status === 200 && answer.body.optional('unchanged')?.boolean()) return kept
      if (status >= 200 && status < 300) return publicBody(answer, mostBytes)
      if (GONE.includes(status)) throw new GoneError('there is no such public file')
      const location = answer.body.optional('headers')?.optional('location')
      if (!REDIRECTS.includes(status) || !location) throw new UnreachableError('a public file could not be fetched')
      next = publicAddress(new URL(location.text(2048), next).href, 'location').href
    }
    throw new UnreachableError('a public file could not be fetched: too many redirects')
  }

  async post(url: string, envelope: string): Promise<Uint8Array | undefined> {
    if (new URL(url).host === this.#mediatorHost) return this.#direct.post(url, envelope)
    const tail = this.#ask.takesTails() ? compacted(envelope) : undefined
    const body = tail ? { body_follows: true } : this.#takesText ? { text: envelope } : { body: base64(new TextEncoder().encode(envelope)) }
    const answer = await this.#request({ method: 'POST', url, ...body, headers: { 'content-type': 'application/didcomm-envelope-enc' } }, tail)
    const status = statusOf(answer)
    if (status >= 500 || AGAIN.includes(status)) throw new UnreachableError('the other side cannot take the message now')
    if (status < 200 || status >= 300) throw new CheckFailedError('the other side does not take the message')
    const reply = bodyOf(answer, MOST_REPLY)
    return reply.length ? reply : undefined
  }

  open(url: string, events: SocketEvents): Promise<Socket> {
    return this.#direct.open(url, events)
  }

  async #request(members: JsonObject, tail?: Uint8Array): Promise<Answer> {
    if (this.#underWay >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#underWay++
    try {
      const { kind, body, tail: follows } = await this.#ask('egress/1.0/request', members, tail)
      if (kind === 'egress/1.0/response') {
        this.#takesText = body.optional('takes_text')?.boolean() ?? false
        return { body, tail: follows }
      }
      const code = body.optional('description')?.optional('code')?.value()
      if (typeof code === 'string' && NEVER.includes(code)) throw new CheckFailedError('the mediator does not pass the request on')
      throw new UnreachableError('the other side cannot be reached by the mediator')
    } finally {
      this.#underWay--
      this.#waiting.shift()?.()
    }
  }
}

function statusOf({ body }: Answer): number {
  return body.member('status').integer(100, 599)
}

async function publicBody(answer: Answer, mostBytes: number): Promise<Uint8Array> {
  const encoding = answer.body.optional('content_encoding')
  const body = bodyOf(answer, mostBytes)
  if (!encoding) return body
  const isJws = encoding.text(16) === JWS_DEFLATE
  if (!isJws && encoding.text(16) !== DEFLATE) throw new MalformedError(encoding.path, DEFLATE)
  const content = await inflated(body, mostBytes, DEFLATE)
  return isJws ? compactJws(content, mostBytes, encoding.path) : content
}

// Three parts, each after its length in four bytes: base64 does not shrink as what is in it does.
function compactJws(content: Uint8Array, mostBytes: number, path: string): Uint8Array {
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  const parts: string[] = []
  let at = 0
  while (at + 4 <= content.length) {
    const end = at + 4 + view.getUint32(at)
    if (end > content.length) break
    parts.push(base64url(content.subarray(at + 4, end)))
    at = end
  }
  const jws = new TextEncoder().encode(parts.join('.'))
  if (at !== content.length || parts.length !== 3 || jws.length > mostBytes) throw new MalformedError(path, 'the parts of a JWS')
  return jws
}

function bodyOf({ body: answer, tail }: Answer, mostBytes: number): Uint8Array {
  if (answer.optional('body_follows')?.boolean()) {
    if ((tail?.length ?? 0) > mostBytes) throw new UnreachableError(`a file has more than ${mostBytes} bytes`)
    return tail ?? new Uint8Array()
  }
  const body = answer.member('body')
  const text = body.value()
  if (typeof text === 'string' && text.length > Math.ceil(mostBytes / 3) * 4) throw new UnreachableError(`a file has more than ${mostBytes} bytes`)
  return fromAnyBase64(body.text(Math.ceil(mostBytes / 3) * 4), body.path)
}

// By the browser itself: in a page's own code it takes a slow phone a hundredth of a second and more.
async function digestOf(bytes: Uint8Array): Promise<string> {
  return `sha256:${toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)))}`
}
