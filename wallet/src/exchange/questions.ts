// Answering who asks: present-proof 2.0 (Aries RFC 0454) with AnonCreds attachments (RFC 0771), over a connection or without one.
//
// 1. A question comes over a connection, or in an invitation whose service says who asks.
// 2. Nothing is shown before the worker chose what; the choice is kept first. Without a connection the answer comes from a key that is
//    made for it alone, so that two answers cannot be linked by it.
// 3. The proof is kept with the message that carries it, and goes out then: cut short, that message goes out again, never another proof.
// 4. A verdict counts on the thread, to the key of the answer, from a key of who asked; the first one.
// 5. A yes does not wait for a second look at the status list. Of a list that was asked for at most 5 seconds ago the proof is made. Of an
//    older one it is made while the list is asked for once more: should that be another, what was made is thrown away before anybody has it.
// 6. A question that was read from codes on a screen ('isShown') is answered by codes: its proof is made and kept in one step, and shown
//    from there, so that there is never another one. What could not be made leaves the question open. No verdict comes.
// 7. Where something may be left out (`left_out`), the worker chooses that with the yes ('isLess'), and the proof is of the lesser request.
// 8. While a question is read, what a yes would send is committed to (`commitAhead`): numbers in memory that prove nothing, and from which a
//    yes makes one proof, once. A no, or the book's end, forgets them.

import { LONGEST_NAME } from '../anoncreds/parameters.js'
import { commitTo, ended, present, type Choice, type Committed } from '../anoncreds/presentation.js'
import type { Witness } from '../anoncreds/witness.js'
import { readPresentationRequest, type PresentationRequest } from '../anoncreds/presentation_request.js'
import type { Agent } from '../agent/agent.js'
import { contactOf } from '../agent/contacts.js'
import { connectionOf } from '../agent/did_exchange.js'
import type { Invitation } from '../agent/invitation.js'
import { rawKeys } from '../agent/mediator.js'
import { ifItCanBe, type Step } from '../agent/step.js'
import { sealContact, unsealContact, type Contact } from '../dids/contact.js'
import { attach, readAttached } from '../didcomm/attachments.js'
import { verkey, type Verkey } from '../didcomm/keys.js'
import { identifier, kindOf, message, told, type Incoming } from '../didcomm/message.js'
import { CannotProveError, CheckFailedError, MalformedError, StateError, UnreachableError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, JsonObject } from '../store.js'
import type { Credentials, Entry } from './credentials.js'
import { misfit, readRestrictions, type Restrictions } from './fitting.js'
import { leftOutIn, readLeftOut, withoutLeft } from './left_out.js'
import { linkSecretOf } from './link_secret.js'
import { readShownRequest, shownAnswer, withoutShown } from './shown.js'
import { emptied, makeRoom, type Unanswered } from './unanswered.js'

const PROTOCOL = 'present-proof/2.0'
const REQUEST_FORMAT = 'anoncreds/proof-request@v1.0'
const MOST_REQUEST = 128 * 1024
const MOST_OPEN = 16
/** How long an answer by codes waits for the newest status list, where a witness of an older one is kept. */
const PATIENCE_MS = 5_000
/** 5: what was looked up so lately counts as now; what is older than that is not worth a proof that may be thrown away. */
const FRESH_MS = 5_000
const WORTH_MS = 10 * 60_000
/** 5: what is asked of others goes out first; computing keeps it waiting. */
const OUT_MS = 20

/** 8: each costs as much as the rest of a proof, and who asks says how many there are. */
const MOST_PREDICATES_AHEAD = 8

/** Which credential answers which referent; a group of names is one referent. */
export type Answers = Readonly<Record<string, string>>

/** What is committed to, of one question (8); `committed` once it is whole. */
interface Ahead {
  readonly id: string
  readonly at: unknown
  readonly choices: readonly Choice[]
  readonly committing: Generator<void, Committed>
  committed?: Committed
}

/** What is asked, read. */
export interface Question {
  readonly request: PresentationRequest
  readonly restrictions: Map<string, Restrictions>
}

export class Questions {
  readonly #agent: Agent
  readonly #credentials: Credentials
  readonly #unanswered: Unanswered
  #ahead: Ahead | undefined
  /** Told who asks, if anybody says so, before that is looked up (5). */
  onAsked: (asker: string) => void = () => {}

  constructor(agent: Agent, credentials: Credentials, unanswered: Unanswered) {
    this.#agent = agent
    this.#unanswered = unanswered
    this.#credentials = credentials
    agent.inbox.handle(`${PROTOCOL}/request-presentation`, (incoming) => this.#takeRequest(incoming))
    agent.inbox.handle(`${PROTOCOL}/ack`, (incoming) => this.#takeVerdict(incoming))
    agent.inbox.handle(`${PROTOCOL}/problem-report`, (incoming) => this.#takeVerdict(incoming))
    agent.goesOn('question', (id) => this.advance(id))
  }

  /** Take the question that an invitation carries; the same one again is the same question. Gives its id. */
  async open(invitation: Invitation): Promise<string> {
    const asked = invitation.attached
    if (!asked || kindOf(asked) !== `${PROTOCOL}/request-presentation`) throw new MalformedError('invitation', 'a request for a presentation')
    const id = invitation.digest
    await this.#agent.locks.run(id, async () => {
      if (await this.#agent.store.get('question', id)) return
      const { service } = invitation
      const request = readRequest(asked)
      const reached = typeof service === 'string' ? contactOf(service, this.#agent.resolver) : service
      if (typeof service === 'string') this.onAsked(service)
      const contact = await reached
      const thread = asked.optional('~thread')?.optional('thid') ?? asked.member('@id')
      const more = { parent: invitation.id, asker: typeof service === 'string' ? service : null, goalCode: invitation.goalCode ?? null, own: null }
      const row = { ...request, ...more, thread: identifier(thread), contact: sealContact(contact) }
      await this.#unanswered.letIn('question', id, row)
      await this.#agent.commit({ changes: [at(id, row)] })
    })
    return id
  }

  /** Take a question that was read from codes; the same one again is the same question. Gives its id. */
  async openShown(bytes: Uint8Array): Promise<string> {
    const { digest: id, thread, asker, goalCode, request, mayLeaveOut } = readShownRequest(bytes)
    await this.#agent.locks.run(id, async () => {
      if (await this.#agent.store.get('question', id)) return
      const row = { ...rowOf(request), comment: null, thread, asker, goalCode: goalCode ?? null, own: null, contact: null, isShown: true, ...(mayLeaveOut && { mayLeaveOut }) }
      await this.#unanswered.letIn('question', id, row)
      const before = withoutShown(await this.#agent.store.list('question'))
      await this.#agent.commit({ changes: [...before.map(([each, rest]) => at(each, rest)), at(id, row)] })
    })
    return id
  }

  /** The answer to a question that was read from codes, to be shown as codes; undefined: it is not there any more. */
  async shown(id: string): Promise<string | undefined> {
    const text = (await this.#agent.store.get('question', id))?.['shown']
    return typeof text === 'string' ? text : undefined
  }

  /** What a question asks; at least, if `isLess`. */
  async read(id: string, isLess = false): Promise<Question> {
    const row = await this.#agent.store.get('question', id)
    if (!row) throw new StateError('there is no such question')
    if (row['request'] === undefined) throw new StateError('the question has ended')
    return questionIn(isLess ? { ...row, isLess } : row)
  }

  /** For each referent, the credentials that could answer it. Whether they are revoked is not looked at. */
  async candidates(id: string): Promise<Record<string, string[]>> {
    const { request, restrictions } = await this.read(id)
    const entries = await this.#credentials.all()
    const fitting = (referent: string): string[] =>
      entries.filter(({ credential }) => misfit(credential, request, restrictions, referent) === undefined).map((entry) => entry.id)
    return Object.fromEntries([...restrictions.keys()].map((referent) => [referent, fitting(referent)]))
  }

  /**
   * Say yes, with these credentials. When it resolves the proof is on its way or will be.
   *
   * @param seen when the question that was shown came, in milliseconds since 1970: a later one on the same thread is not answered
   * @param isLess without what may be left out (7)
   */
  async answer(id: string, answers: Answers, seen?: number, isLess = false): Promise<void> {
    await this.#change(id, (row) => {
      if (isLess && !leftOutIn(row)) throw new StateError('nothing may be left out')
      return { changes: [] }
    }, seen)
    const { request, restrictions } = await this.read(id, isLess)
    for (const referent of restrictions.keys()) {
      const entry = answers[referent] === undefined ? undefined : await this.#credentials.one(answers[referent])
      if (!entry || misfit(entry.credential, request, restrictions, referent)) throw new CannotProveError('a part of the request has no credential that fits')
      if (entry.isKnownRevoked) throw new CannotProveError('the credential is revoked')
    }
    if ((await this.#agent.store.get('question', id))?.['isShown'] === true) return this.#answerShown(id, answers, seen, isLess)
    await this.#change(id, (asked) => {
      const row = isLess ? { ...asked, isLess } : asked
      if (typeof row['own'] === 'string') return { changes: [at(id, { ...row, state: 'answering', answers })] }
      const { key, change } = this.#agent.ring.fresh()
      this.#agent.ring.add(key)
      return { changes: [{ ...change, value: { ...change.value, question: id } }, at(id, { ...row, state: 'answering', answers, own: key.verkey })] }
    }, seen)
    await this.advance(id)
  }

  /**
   * Commit to the proof that a yes with these credentials would send (8), if all that it needs is on this phone.
   *
   * @param goesOn waits until the next step may be made; false: nobody wants it any more
   */
  async commitAhead(id: string, answers: Answers, goesOn: () => Promise<boolean>): Promise<void> {
    const asked = await this.#agent.store.get('question', id)
    if (asked?.['state'] !== 'asked') return
    const choices = await this.#choices({ ...asked, answers }, (entry, notAfter) => this.#credentials.witnessAtHand(entry, notAfter))
    if (choices.some(({ predicates }) => predicates.length > MOST_PREDICATES_AHEAD)) return
    const secret = await linkSecretOf(this.#agent)
    const row = await this.#agent.store.get('question', id)
    if (row?.['state'] !== 'asked' || row['at'] !== asked['at']) return // it was answered meanwhile
    if (!this.#isAhead(id, row, choices)) this.#ahead = { id, at: row['at'], choices, committing: commitTo(questionIn(row).request, choices, new Map(), secret) }
    const ahead = this.#ahead as Ahead
    try {
      // Another may go on with the same one: what was true before the wait need not be true after it.
      while ((await goesOn()) && this.#ahead === ahead && !ahead.committed) {
        const step = ahead.committing.next()
        if (step.done) ahead.committed = step.value
      }
    } catch (error) {
      if (this.#ahead === ahead) this.#ahead = undefined
      throw error
    }
  }

  /**
   * Say no.
   *
   * @param isTold whether the asker learns it; else they learn nothing, as if nobody had answered
   */
  async decline(id: string, isTold: boolean): Promise<void> {
    await this.#change(id, (row) => {
      if (!isTold || row['isShown'] === true) return { changes: [at(id, { ...emptied(row), state: 'declined' })] }
      const { key, change } = this.#agent.ring.fresh()
      const own = typeof row['own'] === 'string' ? verkey(row['own'], 'own') : key.verkey
      if (own === key.verkey) this.#agent.ring.add(key)
      const declined = message(`${PROTOCOL}/problem-report`, { description: { code: 'abandoned', en: 'The holder declines.' } }, threadOf(row))
      const changes = [at(id, { ...emptied(row), state: 'declined', isTold, own }), ...(own === key.verkey ? [change] : [])]
      return { changes, send: [{ from: own, to: unsealContact(new Received(row['contact'], 'contact')), message: declined }] }
    })
    if (this.#ahead?.id === id) this.#ahead = undefined
  }

  /** Go on with a question that the worker said yes to (3). */
  async advance(id: string): Promise<void> {
    await this.#agent.locks.run(id, async () => {
      const row = await this.#agent.store.get('question', id)
      if (row?.['state'] === 'answering') await ifItCanBe(this.#agent, row, (changed) => at(id, changed['state'] === 'failed' ? emptied(changed) : changed), () => this.#present(id, row))
    })
  }

  // 6
  async #answerShown(id: string, answers: Answers, seen: number | undefined, isLess: boolean): Promise<void> {
    await this.#agent.locks.run(id, async () => {
      const asked = await this.#agent.store.get('question', id)
      const row = asked && isLess ? { ...asked, isLess } : asked
      if (row?.['state'] !== 'asked' || (seen !== undefined && row['at'] !== seen)) throw new StateError('the question is not open')
      const choices = await this.#choices({ ...row, answers }).catch((error: unknown) => {
        throw error instanceof UnreachableError ? new WalletError('not_ready', 'what the proof needs is not on this phone') : error
      })
      const proof = await this.#made(id, row, choices)
      await this.#agent.commit({ changes: [at(id, { ...row, state: 'answered', answers, shown: shownAnswer(String(row['thread']), proof) })] })
    })
  }

  async #present(id: string, row: JsonObject): Promise<void> {
    const own = verkey(String(row['own']), 'own')
    const contact = unsealContact(new Received(row['contact'], 'contact'))
    const service = row['parent'] === undefined ? Promise.resolve({}) : this.#service(own) // while the proof is made
    service.catch(() => undefined)
    const proof = await this.#proof(id, row)
    const attachment = attach('presentations~attach', 'anoncreds/proof@v1.0', proof, row['takesPacked'] === true)
    // The verdict may come in the answer, unless a mediator would have it (ADR 131).
    const isStraight = contact.routing.length === 0 && { '~transport': { return_route: 'all' } }
    const presentation = message(`${PROTOCOL}/presentation`, { ...attachment, ...isStraight, ...(await service) }, threadOf(row))
    await this.#agent.commit({ changes: [at(id, { ...row, state: 'answered' })], send: [{ from: own, to: contact, message: presentation }] })
  }

  // 5
  async #proof(id: string, row: JsonObject): Promise<object> {
    const made = (choices: readonly Choice[]): Promise<object> => this.#made(id, row, choices)
    const used = await Promise.all(Object.values(row['answers'] as Answers).map((id) => this.#credentials.one(id)))
    const notAfter = latestList(new Received(row['request'], 'request'))
    const age = Math.max(0, ...used.map((entry) => this.#credentials.lookedAgo(entry, notAfter)))
    const looked = age <= WORTH_MS ? this.#choices(row, (entry) => this.#credentials.lookedWitness(entry)) : undefined
    if (looked && age <= FRESH_MS) {
      const choices = await looked
      await pause(0)
      return made(choices)
    }
    const lately = await looked?.catch(() => undefined) // the newest list decides
    if (!lately) return made(await this.#choices(row))
    const now = this.#choices(row)
    now.catch(() => undefined)
    const came = await Promise.race([now, pause(OUT_MS)])
    if (came) return made(came)
    const early = await made(lately)
    const choices = await now
    return choices.every(({ witness }, index) => witness?.list.timestamp === lately[index]?.witness?.list.timestamp) ? early : made(choices)
  }

  // 8: what is not whole yet is made whole now.
  async #made(id: string, row: JsonObject, choices: readonly Choice[]): Promise<object> {
    const ahead = this.#ahead
    const isAhead = ahead && this.#isAhead(id, row, choices)
    this.#ahead = undefined
    return isAhead ? (ahead.committed ?? ended(ahead.committing)).answer() : present(questionIn(row).request, choices, new Map(), await linkSecretOf(this.#agent))
  }

  #isAhead(id: string, row: JsonObject, choices: readonly Choice[]): boolean {
    const ahead = this.#ahead
    return ahead?.id === id && ahead.at === row['at'] && row['isLess'] !== true && areSame(ahead.choices, choices)
  }

  // Where the verdict can be sent to. ACA-Py wants raw keys here.
  async #service(own: Verkey): Promise<JsonObject> {
    const address = await this.#agent.mediator.reachable(own)
    return { '~service': { recipientKeys: [own], routingKeys: rawKeys(address), serviceEndpoint: address.endpoint } }
  }

  async #choices(row: JsonObject, witness = (entry: Entry, notAfter: number) => this.#witness(entry, notAfter, row['isShown'] === true)): Promise<Choice[]> {
    const { request } = questionIn(row)
    const notAfter = latestList(new Received(row['request'], 'request'))
    const byCredential = new Map<string, string[]>()
    for (const [referent, id] of Object.entries(row['answers'] as Answers)) byCredential.set(id, [...(byCredential.get(id) ?? []), referent])
    return Promise.all([...byCredential].map(async ([id, referents]) => this.#choice(await this.#credentials.one(id), referents, request, (entry) => witness(entry, notAfter))))
  }

  async #choice(entry: Entry, referents: string[], request: PresentationRequest, witness: (entry: Entry) => Promise<Witness | undefined>): Promise<Choice> {
    const asked = referents.map((referent) => request.attributes.get(referent) ?? request.predicates.get(referent))
    const wantsNonRevocation = asked.some((part) => part?.wantsNonRevocation)
    return {
      credential: entry.credential,
      definition: entry.definition,
      revealed: referents.filter((referent) => request.attributes.has(referent)),
      unrevealed: [],
      predicates: referents.filter((referent) => request.predicates.has(referent)),
      witness: wantsNonRevocation ? await witness(entry) : undefined,
    }
  }

  // Without a network, or with one that keeps the worker waiting before a camera, the one that was kept.
  async #witness(entry: Entry, notAfter: number, isShown: boolean): Promise<Witness | undefined> {
    const kept = isShown ? await this.#keptWitness(entry, notAfter) : undefined
    if (kept && !this.#agent.mediator.isConnected) return kept
    const newest = this.#credentials.witness(entry, notAfter)
    if (!kept) return newest
    newest.catch(() => undefined)
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<Witness>((resolve) => (timer = setTimeout(() => resolve(kept), PATIENCE_MS)))
    try {
      return await Promise.race([newest, late])
    } catch (error) {
      if (error instanceof UnreachableError) return kept
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #keptWitness(entry: Entry, notAfter: number): Promise<Witness | undefined> {
    try {
      const kept = await this.#credentials.keptWitness(entry)
      return kept && kept.list.timestamp <= notAfter ? kept : undefined
    } catch (error) {
      if (error instanceof UnreachableError) return undefined
      throw error
    }
  }

  // 1
  async #takeRequest(incoming: Incoming): Promise<Step | undefined> {
    const connection = await connectionOf(this.#agent, incoming)
    if (!connection) return undefined
    const id = `${connection.id} ${incoming.thread}`
    if (await this.#agent.store.get('question', id)) return undefined
    const rows = await this.#agent.store.list('question')
    const open = rows.filter(([, row]) => row['own'] === connection.own && row['state'] === 'asked')
    if (open.length >= MOST_OPEN) throw new CheckFailedError('the connection has too many open questions')
    const more = { own: connection.own, asker: connection.inviter ?? null, goalCode: told(incoming.body.optional('goal_code'), 128) ?? null }
    const row = { ...readRequest(incoming.body), ...more, thread: incoming.thread, contact: sealContact(connection.theirs) }
    await this.#unanswered.letIn('question', id, row)
    return { changes: [...makeRoom('question', rows, connection.own), at(id, row)] }
  }

  // 4
  async #takeVerdict(incoming: Incoming): Promise<Step | undefined> {
    const rows = (await this.#agent.store.list('question')).filter(([, row]) => row['own'] === incoming.to && row['thread'] === incoming.thread)
    const [id, row] = rows[0] ?? []
    const isEnded = row !== undefined && incoming.kind.endsWith('/problem-report') && row['state'] === 'asked'
    if (id === undefined || row === undefined || (row['state'] !== 'answered' && !isEnded)) return undefined
    const { keys }: Contact = unsealContact(new Received(row['contact'], 'contact'))
    if (incoming.from === undefined || !keys.includes(incoming.from)) throw new CheckFailedError('a verdict from somebody who did not ask')
    if (incoming.kind === `${PROTOCOL}/problem-report`)
      return { changes: [at(id, { ...(isEnded ? emptied(row) : row), state: isEnded ? 'withdrawn' : 'refused', why: told(incoming.body.optional('description')?.optional('en')) ?? null })] }
    const [status, result] = ['status', 'verification_result'].map((name) => incoming.body.optional(name)?.value())
    // Most verifiers of others acknowledge every answer, without saying what they make of it: that is no yes (ADR 126).
    if (status !== 'FAIL' && (status !== 'OK' || result === undefined || result === null)) return undefined
    return { changes: [at(id, { ...row, state: status === 'OK' && result === 'true' ? 'accepted' : 'refused' })] }
  }

  async #change(id: string, step: (row: JsonObject) => Step, seen?: number): Promise<void> {
    await this.#agent.locks.run(id, async () => {
      const row = await this.#agent.store.get('question', id)
      if (row?.['state'] !== 'asked') throw new StateError('the question is not open')
      if (seen !== undefined && row['at'] !== seen) throw new StateError('another question came meanwhile')
      await this.#agent.commit(step(row))
    })
  }
}

/** Whether the same of the same credentials answers, with the same status list. */
function areSame(some: readonly Choice[], others: readonly Choice[]): boolean {
  const told = ({ credential, revealed, predicates, witness }: Choice): unknown[] => [credential, witness?.list.timestamp, JSON.stringify([revealed, predicates])]
  return some.length === others.length && some.every((choice, index) => told(choice).every((part, place) => part === told(others[index] as Choice)[place]))
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined))
}

function readRequest(body: Received): JsonObject {
  const takesPacked = body.optional('takes_packed')?.value() === true && { takesPacked: true }
  const request = readAttached(body, 'request_presentations~attach', REQUEST_FORMAT, MOST_REQUEST)
  const row = rowOf(request)
  const mayLeaveOut = readLeftOut(body, request)
  return { ...row, comment: told(body.optional('comment')) ?? null, ...takesPacked, ...(mayLeaveOut && { mayLeaveOut }) }
}

function rowOf(request: Received): JsonObject {
  readPresentationRequest(request)
  readRestrictions(request)
  return { state: 'asked', request: request.value() as JsonObject, at: Date.now() }
}

/** What an open question, or one that was answered, asks; of one that was answered without what may be left out, the rest. */
export function questionIn(row: JsonObject): Question {
  const received = new Received(row['request'], 'request')
  const request = readPresentationRequest(received)
  const left = row['isLess'] === true ? leftOutIn(row) : undefined
  return { request: left ? withoutLeft(request, left) : request, restrictions: readRestrictions(received) }
}

// The newest status list that all of a request takes, in seconds since 1970 (AnonCreds 1.0, Request Non-Revocation Proofs).
function latestList(request: Received): number {
  const parts = ['requested_attributes', 'requested_predicates'].flatMap((name) => request.member(name).entries(128, LONGEST_NAME))
  const intervals = [request, ...parts.map(([, part]) => part)].map((part) => part.optional('non_revoked')?.optional('to'))
  return Math.min(Infinity, ...intervals.map((to) => to?.integer(0, Number.MAX_SAFE_INTEGER) ?? Infinity))
}

function threadOf(row: JsonObject): { thid: string; pthid?: string } {
  const parent = row['parent']
  return { thid: String(row['thread']), ...(typeof parent === 'string' && { pthid: parent }) }
}

function at(id: string, value: JsonObject): Change {
  return { kind: 'question', id, value }
}
