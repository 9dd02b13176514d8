// Having an answer erased (GDPR article 17; EUDI TS7 1.0): data-erasure 1.0, as `plugins/exchange/erasure_messages.py` of our agents
// has it. The request is signed by the key that answered, so whoever has that key is who showed something.
//
// 1. It is signed once and kept before it goes out: asking again sends the same text.
// 2. What they did counts on the thread, to the key of the answer, from a key of who asked; a part that a law kept may be erased later,
//    so a later answer takes the place of an earlier one.

import { base64url } from '../base64.js'
import type { Agent } from '../agent/agent.js'
import { rawKeys } from '../agent/mediator.js'
import type { Step } from '../agent/step.js'
import { unsealContact } from '../dids/contact.js'
import { didKey, multikey, verkey } from '../didcomm/keys.js'
import { message, told, type Incoming } from '../didcomm/message.js'
import { CheckFailedError, StateError } from '../errors.js'
import { isDay } from '../governance/days.js'
import { Received } from '../received.js'
import type { Change, JsonObject } from '../store.js'

const PROTOCOL = 'data-erasure/1.0'
const TYPE = 'wanderbuch-erasure+jws'
const ANSWERED = ['answered', 'accepted', 'refused']
const MOST_KEPT = 8

/** That somebody was asked to erase an answer, and what they did. */
export interface Erasure {
  /** When it was asked, in milliseconds since 1970. */
  readonly at: number
  readonly answeredAt: number | null
  /** What is not erased, since a law asks for it: until which day (YYYYMMDD). */
  readonly kept: readonly { readonly until: string; readonly law: string }[]
}

export class Erasures {
  readonly #agent: Agent

  constructor(agent: Agent) {
    this.#agent = agent
    agent.inbox.handle(`${PROTOCOL}/answer`, (incoming) => this.#takeAnswer(incoming))
    agent.goesOn('erasure', (id) => this.advance(id))
  }

  /** Ask who was answered to erase it. When it resolves that is kept, and the request is on its way or will be. */
  async ask(id: string): Promise<void> {
    await this.#agent.locks.run(`erasure ${id}`, async () => {
      const known = await this.#agent.store.get('erasure', id)
      const question = await this.#question(id)
      const row = known ?? { ...this.#signed(question), answeredAt: null, kept: [] }
      await this.#agent.commit({ changes: [at(id, { ...row, state: 'asking' })] })
    })
    await this.advance(id)
  }

  async of(id: string): Promise<Erasure | null> {
    const row = await this.#agent.store.get('erasure', id)
    return row ? { at: Number(row['at']), answeredAt: row['answeredAt'] as number | null, kept: row['kept'] as unknown as Erasure['kept'] } : null
  }

  /** Send what was asked for (1). */
  async advance(id: string): Promise<void> {
    await this.#agent.locks.run(`erasure ${id}`, async () => {
      const row = await this.#agent.store.get('erasure', id)
      if (row?.['state'] !== 'asking') return
      const question = await this.#question(id)
      const own = verkey(String(question['own']), 'own')
      const service = question['parent'] === undefined ? {} : await this.#service(own)
      const asked = message(`${PROTOCOL}/request`, { signed: row['signed'] as string, ...service }, { thid: String(question['thread']) })
      const to = unsealContact(new Received(question['contact'], 'contact'))
      await this.#agent.commit({ changes: [at(id, { ...row, state: 'asked' })], send: [{ from: own, to, message: asked }] })
    })
  }

  #signed(question: JsonObject): JsonObject {
    const key = this.#agent.ring.own(verkey(String(question['own']), 'own'))
    const now = Date.now()
    const text = (value: JsonObject): string => base64url(new TextEncoder().encode(JSON.stringify(value)))
    const kid = `${didKey(key.verkey)}#${multikey(key.verkey)}`
    const signed = `${text({ alg: 'EdDSA', kid, typ: TYPE })}.${text({ erase: String(question['thread']), at: new Date(now).toISOString() })}`
    return { signed: `${signed}.${base64url(key.sign(new TextEncoder().encode(signed)))}`, at: now }
  }

  async #service(own: ReturnType<typeof verkey>): Promise<JsonObject> {
    const address = await this.#agent.mediator.reachable(own)
    return { '~service': { recipientKeys: [own], routingKeys: rawKeys(address), serviceEndpoint: address.endpoint } }
  }

  async #question(id: string): Promise<JsonObject> {
    const row = await this.#agent.store.get('question', id)
    if (!row || !ANSWERED.includes(String(row['state']))) throw new StateError('nothing was shown there')
    return row
  }

  // 2
  async #takeAnswer(incoming: Incoming): Promise<Step | undefined> {
    const questions = (await this.#agent.store.list('question')).filter(([, row]) => row['own'] === incoming.to && row['thread'] === incoming.thread)
    const [id, question] = questions[0] ?? []
    const row = id === undefined ? undefined : await this.#agent.store.get('erasure', id)
    if (id === undefined || !question || !row) return undefined
    const { keys } = unsealContact(new Received(question['contact'], 'contact'))
    if (incoming.from === undefined || !keys.includes(incoming.from)) throw new CheckFailedError('an answer from somebody who did not ask')
    const kept = incoming.body.member('kept').items(MOST_KEPT).map((part) => {
      const until = part.member('until').text(10)
      if (!isDay(until)) throw new CheckFailedError('no day until which it is kept')
      return { until: until.replaceAll('-', ''), law: told(part.member('law')) ?? '' }
    })
    return { changes: [at(id, { ...row, state: 'answered', answeredAt: Date.now(), kept })] }
  }
}

function at(id: string, value: JsonObject): Change {
  return { kind: 'erasure', id, value }
}
