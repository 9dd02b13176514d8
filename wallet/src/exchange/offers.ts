// Taking credentials: issue-credential 2.0 (Aries RFC 0453) with AnonCreds attachments (RFC 0771).
//
// 1. An offer counts over a connection, from a key of its other end. A connection has at most 16 open ones,
//    of no more bytes than `unanswered.ts` lets in. What ended without a yes keeps nothing of what was offered.
// 2. Nothing is requested before the worker says yes; that is kept first, then the request with its secrets, then it goes out.
// 3. A credential is kept if it is what was offered, value by value, and passes all checks of `anoncreds/credential.ts`; with the
//    acknowledgement, at once. The same one again is acknowledged again.
// 4. One that does not is refused with a problem report; the request stands, so that the right one can still come. After 8 of them it has
//    failed: each may name what is to be looked up.
// 5. What is not signed within 30 days of the yes is waited for no more, and the worker is told to ask whoever was to sign it. One that was
//    asked for and comes after all is still taken: it may have been signed in time, and waited for this wallet to be opened. The worker can
//    put either away, and everything that ended after a yes; then the issuer is told that nobody waits.

import { keyName } from '../anoncreds/attributes.js'
import { receiveCredential, sealCredential } from '../anoncreds/credential.js'
import { checkedOffer, requestCredential, sealSecrets, unsealSecrets } from '../anoncreds/credential_request.js'
import { LONGEST_IDENTIFIER, LONGEST_NAME, MOST_ATTRIBUTES } from '../anoncreds/parameters.js'
import type { Agent } from '../agent/agent.js'
import { connectionOf, readConnection, type Connection } from '../agent/did_exchange.js'
import { ifItCanBe, type Step } from '../agent/step.js'
import { attach, readAttached } from '../didcomm/attachments.js'
import { message, told, type Incoming } from '../didcomm/message.js'
import { CheckFailedError, MalformedError, StateError, UnreachableError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, JsonObject } from '../store.js'
import { linkSecretOf } from './link_secret.js'
import type { Objects } from './objects.js'
import { emptied, makeRoom, type Unanswered } from './unanswered.js'

const PROTOCOL = 'issue-credential/2.0'
const MOST_OFFER = 128 * 1024
const MOST_CREDENTIAL = 256 * 1024
const LONGEST_VALUE = 64 * 1024
const MOST_OPEN = 16
const MOST_REFUSED = 8
const GIVE_UP_MS = 30 * 24 * 3600 * 1000
/** Said yes to, and not here. */
const WAITING = ['accepting', 'requested']

export class Offers {
  readonly #agent: Agent
  readonly #objects: Objects
  readonly #unanswered: Unanswered

  constructor(agent: Agent, objects: Objects, unanswered: Unanswered) {
    this.#agent = agent
    this.#unanswered = unanswered
    this.#objects = objects
    agent.inbox.handle(`${PROTOCOL}/offer-credential`, (incoming) => this.#takeOffer(incoming))
    agent.inbox.handle(`${PROTOCOL}/issue-credential`, (incoming) => this.#takeCredential(incoming))
    agent.inbox.handle(`${PROTOCOL}/problem-report`, (incoming) => this.#takeReport(incoming))
    agent.goesOn('offer', (id) => this.advance(id))
  }

  /**
   * Say yes to an offer. When it resolves that is kept, and the request is on its way or will be.
   *
   * @param seen when the offer that was shown came, in milliseconds since 1970: a later one on the same thread is not accepted
   */
  async accept(id: string, seen?: number): Promise<void> {
    await this.#change(id, ['offered'], (row) => {
      if (seen !== undefined && row['at'] !== seen) throw new StateError('another offer came meanwhile')
      return { changes: [at(id, { ...row, state: 'accepting', yesAt: Date.now() })] }
    })
    await this.advance(id)
  }

  /**
   * Say no to an offer.
   *
   * @param wrong what is not right in it, by its word for programs, in English; the issuer is told
   */
  async decline(id: string, wrong: ReadonlyMap<string, string> = new Map()): Promise<void> {
    await this.#change(id, ['offered'], async (row) => {
      const connection = await this.#connection(row)
      const said = wrong.size ? `The holder declines. Something is wrong: ${[...wrong.values()].join('; ')}.` : 'The holder declines.'
      const items = [...wrong.keys()].map((word) => ({ wrong: word }))
      return { changes: [at(id, { ...emptied(row), state: 'declined', isTold: wrong.size > 0 })], send: [this.#report(connection, id, 'issuance-abandoned', said, items)] }
    })
  }

  /** Go on with an offer that was accepted (2, 5). */
  async advance(id: string): Promise<void> {
    await this.#locked(id, async (found) => {
      if (!WAITING.includes(String(found['state']))) return
      const row: JsonObject = { ...found, yesAt: found['yesAt'] ?? Date.now() }
      if (found['yesAt'] === undefined) await this.#agent.commit({ changes: [at(id, row)] }) // an older page wrote it
      else if (Date.now() - Number(row['yesAt']) >= GIVE_UP_MS)
        return this.#agent.commit({ changes: [at(id, row['state'] === 'requested' ? { ...row, state: 'unsigned' } : { ...emptied(row), state: 'failed', why: 'unreachable' })] })
      if (row['state'] === 'accepting') await ifItCanBe(this.#agent, row, (changed) => at(id, changed['state'] === 'failed' ? emptied(changed) : changed), () => this.#request(id, row))
    })
  }

  /** Put away what was said yes to and did not come (5). */
  async drop(id: string): Promise<void> {
    await this.#locked(id, async (row) => {
      if (!isOver(row)) return // it came meanwhile
      const connection = await readConnection(this.#agent, String(row['connection']))
      const send = row['state'] === 'unsigned' && connection ? [this.#report(connection, id, 'issuance-abandoned', 'The holder waits no more.')] : []
      await this.#agent.commit({ changes: [{ kind: 'offer', id, value: undefined }], send })
    })
  }

  async #request(id: string, row: JsonObject): Promise<void> {
    const connection = await this.#connection(row)
    const offer = new Received(row['offer'], 'offer')
    const definition = await this.#objects.definition(offer.member('cred_def_id').text(LONGEST_IDENTIFIER))
    const { request, secrets } = requestCredential(offer, definition, await linkSecretOf(this.#agent), row['isKeyChecked'] === true)
    const attachment = attach('requests~attach', 'anoncreds/credential-request@v1.0', request, row['takesPacked'] === true)
    await this.#agent.commit({
      changes: [at(id, { ...row, state: 'requested', secrets: sealSecrets(secrets) as JsonObject })],
      send: [{ from: connection.own, to: connection.theirs, message: message(`${PROTOCOL}/request-credential`, attachment, { thid: row['thread'] as string }) }],
    })
  }

  // 1
  async #takeOffer(incoming: Incoming): Promise<Step | undefined> {
    const connection = await connectionOf(this.#agent, incoming)
    if (!connection) return undefined
    const id = idOf(connection, incoming)
    if (await this.#agent.store.get('offer', id)) return undefined
    const rows = await this.#agent.store.list('offer')
    const open = rows.filter(([, row]) => row['connection'] === connection.id && row['state'] === 'offered')
    if (open.length >= MOST_OPEN) throw new CheckFailedError('the issuer has too many open offers')
    const offer = readAttached(incoming.body, 'offers~attach', 'anoncreds/credential-offer@v1.0', MOST_OFFER)
    offer.member('cred_def_id').text(LONGEST_IDENTIFIER)
    const [attached] = incoming.body.member('offers~attach').items(1)
    const row = {
      state: 'offered',
      connection: connection.id,
      own: connection.own,
      thread: incoming.thread,
      issuer: connection.inviter ?? null,
      ...(await this.#ifChecked(offer, connection)),
      ...(attached?.member('data').optional('packed') && { takesPacked: true }),
      preview: readPreview(incoming.body.member('credential_preview')),
      comment: told(incoming.body.optional('comment')) ?? null,
      at: Date.now(),
    }
    await this.#unanswered.letIn('offer', id, row)
    return { changes: [...makeRoom('offer', rows, connection.own), at(id, row)] }
  }

  // The proof of the issuer's key is most of an offer. It is checked at once where the definition is of who offers, who is known to be
  // asked anyway, and can be had; then it need not be kept. Else it is kept, and checked when the worker says yes.
  async #ifChecked(offer: Received, { inviter }: Connection): Promise<JsonObject> {
    const id = offer.member('cred_def_id').text(LONGEST_IDENTIFIER)
    try {
      if (inviter && id.startsWith(`${inviter}/`)) return { offer: checkedOffer(offer, await this.#objects.definition(id)), isKeyChecked: true }
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
    }
    return { offer: offer.value() as JsonObject }
  }

  async #takeCredential(incoming: Incoming): Promise<Step | undefined> {
    const connection = await connectionOf(this.#agent, incoming)
    const id = connection && idOf(connection, incoming)
    const row = id === undefined ? undefined : await this.#agent.store.get('offer', id)
    if (!connection || id === undefined || !row) return undefined
    const acknowledgement = { from: connection.own, to: connection.theirs, message: message(`${PROTOCOL}/ack`, { status: 'OK' }, { thid: incoming.thread }) }
    if (row['state'] === 'kept') return { changes: [], send: [acknowledgement] }
    if (row['state'] !== 'requested' && row['state'] !== 'unsigned') return undefined
    try {
      const credential = await this.#checked(incoming, row)
      const { secrets: _, offer: __, ...rest } = row
      const kept = { sealed: credential, connection: connection.id, issuer: row['issuer'] ?? null, at: Date.now(), revoked: false }
      return {
        changes: [at(id, { ...rest, state: 'kept', credential: id }), { kind: 'credential', id, value: kept }],
        send: [acknowledgement],
      }
    } catch (error) {
      if (!(error instanceof WalletError) || error instanceof UnreachableError) throw error
      const report = this.#report(connection, incoming.thread, 'issuance-abandoned', 'The credential is not what was offered, or not properly signed.')
      const refusals = Number(row['refusals'] ?? 0) + 1
      const refused = refusals < MOST_REFUSED ? { ...row, refused: error.code, refusals } : { ...emptied(row), state: 'failed', why: error.code }
      return { changes: [at(id, refused)], send: [report] }
    }
  }

  // 3
  async #checked(incoming: Incoming, row: JsonObject): Promise<JsonObject> {
    const received = readAttached(incoming.body, 'credentials~attach', 'anoncreds/credential@v1.0', MOST_CREDENTIAL)
    const offer = new Received(row['offer'], 'offer')
    const definition = await this.#objects.definition(offer.member('cred_def_id').text(LONGEST_IDENTIFIER))
    const registryId = received.optional('rev_reg_id')?.text(LONGEST_IDENTIFIER)
    const registry = registryId === undefined ? undefined : await this.#objects.registry(registryId, definition.id)
    const secrets = unsealSecrets(new Received(row['secrets'], 'secrets'))
    const credential = receiveCredential(received, secrets, await linkSecretOf(this.#agent), definition, registry)
    const preview = row['preview'] as readonly (readonly [string, string])[]
    const values = new Map([...credential.attributes.values()].map(({ name, raw }) => [name, raw]))
    if (preview.length !== values.size || preview.some(([name, value]) => values.get(name) !== value))
      throw new CheckFailedError('the credential says something else than the offer')
    return sealCredential(credential) as JsonObject
  }

  async #takeReport(incoming: Incoming): Promise<Step | undefined> {
    const connection = await connectionOf(this.#agent, incoming)
    const id = connection && idOf(connection, incoming)
    const row = id === undefined ? undefined : await this.#agent.store.get('offer', id)
    if (id === undefined || !row || !['offered', ...WAITING, 'unsigned'].includes(String(row['state']))) return undefined
    return { changes: [at(id, { ...emptied(row), state: 'withdrawn', why: told(incoming.body.optional('description')?.optional('en')) ?? null })] }
  }

  async #change(id: string, from: string[], step: (row: JsonObject) => Step | Promise<Step>): Promise<void> {
    await this.#locked(id, async (row) => {
      if (!from.includes(String(row['state']))) throw new StateError('the offer is not open')
      await this.#agent.commit(await step(row))
    })
  }

  // Messages are dealt with one at a time for each key of ours; what the worker does takes its turn among them.
  async #locked(id: string, step: (row: JsonObject) => Promise<void>): Promise<void> {
    const own = (await this.#agent.store.get('offer', id))?.['own']
    if (typeof own !== 'string') throw new StateError('there is no such offer')
    await this.#agent.locks.run(own, async () => step((await this.#agent.store.get('offer', id)) as JsonObject))
  }

  async #connection(row: JsonObject): Promise<Connection> {
    const connection = await readConnection(this.#agent, String(row['connection']))
    if (!connection) throw new StateError('the connection of the offer is gone')
    return connection
  }

  // What the problem is about stands in its items (Aries RFC 0035).
  #report({ own, theirs }: Connection, thread: string, code: string, en: string, items: readonly JsonObject[] = []) {
    const [, name = thread] = thread.split(' ')
    const told = { description: { code, en }, ...(items.length && { problem_items: [...items] }) }
    return { from: own, to: theirs, message: message(`${PROTOCOL}/problem-report`, told, { thid: name }) }
  }
}

/** Whether it ended after a yes, and without a credential. */
export function isOver({ state, yesAt }: JsonObject): boolean {
  return state === 'unsigned' || (yesAt !== undefined && (state === 'failed' || state === 'withdrawn'))
}

// Threads are named by their sender: two connections may name theirs alike.
function idOf(connection: Connection, { thread }: Incoming): string {
  return `${connection.id} ${thread}`
}

function readPreview(preview: Received): [string, string][] {
  const attributes = preview.member('attributes').items(MOST_ATTRIBUTES).map((attribute): [string, string] => {
    const type = attribute.optional('mime-type')?.text(128)
    if (type !== undefined && !type.startsWith('text/')) throw new MalformedError(attribute.path, 'a text')
    return [attribute.member('name').text(LONGEST_NAME), attribute.member('value').text(LONGEST_VALUE)]
  })
  // As AnonCreds compares names: of two spellings a worker would see one.
  if (new Set(attributes.map(([name]) => keyName(name))).size !== attributes.length) throw new MalformedError(preview.path, 'each attribute once')
  return attributes
}

function at(id: string, value: JsonObject): Change {
  return { kind: 'offer', id, value }
}
