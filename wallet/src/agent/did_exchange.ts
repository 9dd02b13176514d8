// DID Exchange 1.1 as the one who was invited (Aries RFC 0023).
//
// 1. A key is made and kept; the mediator lists it; then a request goes out, from a DID that nobody else has seen.
// 2. The response must be on the request's thread, to its key; its DID is signed by a key of the invitation; and it comes from a key of
//    that DID, or of the invitation (as agents answer on the same connection).
// 3. The first one counts; it is kept with `complete`. The same one again is answered again.
// 4. An offer that the invitation carries (RFC 0434) is dealt with as if it came then. Whoever made the invitation wrote it; what comes of
//    a yes goes to whom the connection is with, and a credential is checked as any other is. It is kept for as long as an answer may come:
//    all that are, together, have at most so many bytes, and a connection that ended otherwise has none.
// 5. An answer comes within 30 days, or counts no more. The worker is told who has not answered, and may put that away: following the
//    same invitation begins anew then.

import { makePeerDid } from '../dids/peer.js'
import { sealContact, unsealContact, type Contact } from '../dids/contact.js'
import { verkey, type Verkey } from '../didcomm/keys.js'
import { kindOf, message, told, type Incoming } from '../didcomm/message.js'
import { readSignedText } from '../didcomm/signed_text.js'
import { CheckFailedError, StateError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { Change, JsonObject } from '../store.js'
import type { Agent } from './agent.js'
import { contactOf } from './contacts.js'
import type { Invitation } from './invitation.js'
import { ifItCanBe, type Step } from './step.js'

const LONGEST_DID = 16 * 1024
const MOST_CARRIED = 256 * 1024
const GIVE_UP_MS = 30 * 24 * 3600 * 1000
const WAITING = ['preparing', 'requested']
/** What the worker is told of, and may put away (5). */
const UNANSWERED = ['requested', 'unanswered']
/** Nothing comes of it any more: following the same invitation begins anew. */
const ENDED = ['failed', 'refused']
const VERSIONS = ['1.0', '1.1']
const OFFER = /^issue-credential\/2\.[0-9]{1,3}\/offer-credential$/

/** A connection that stands. */
export interface Connection {
  readonly id: string
  readonly own: Verkey
  readonly theirs: Contact
  /** Who invited, if they said so by a DID. It is for the governance file to say who that is. */
  readonly inviter: string | undefined
}

export function registerDidExchange(agent: Agent): void {
  for (const version of VERSIONS) {
    agent.inbox.handle(`didexchange/${version}/response`, (incoming) => takeResponse(agent, incoming))
    agent.inbox.handle(`didexchange/${version}/problem_report`, (incoming) => takeReport(agent, incoming))
  }
  agent.outbox.ends = (from, messageId, error) => endRequest(agent, from, messageId, error.code)
}

/**
 * Ask for the connection that an invitation is for; the same invitation leads to the same one, unless that one has failed. Gives its id.
 *
 * @throws WalletError 'carried': there is no room for the offer that it carries (4)
 */
export async function connect(agent: Agent, invitation: Invitation): Promise<string> {
  const id = invitation.digest
  if (invitation.handshake === undefined) throw new StateError('the invitation is for no connection')
  await agent.locks.run(id, async () => {
    const before = await agent.store.get('connection', id)
    if (before && !ENDED.includes(String(before['state']))) return
    const { key, change } = agent.ring.fresh()
    const service = typeof invitation.service === 'string' ? { did: invitation.service } : { contact: sealContact(invitation.service) }
    const { attached } = invitation
    const offer = attached && OFFER.test(kindOf(attached)) ? { attached: attached.value() as JsonObject } : {}
    const row = { state: 'preparing', own: key.verkey, invitation: invitation.id, protocol: `didexchange/${invitation.handshake}`, at: Date.now(), ...service, ...offer }
    const write = (): Promise<void> => agent.commit({ changes: [{ ...change, value: { ...change.value, connection: id } }, at(id, row)] })
    // Several may be followed at once: one is counted when those before it are written.
    if (!offer.attached) await write()
    else
      await agent.locks.run('carried', async () => {
        await letIn(agent, offer.attached)
        await write()
      })
    agent.ring.add(key)
  })
  await advanceConnection(agent, id)
  return id
}

/** Go on with a connection that was begun (1); does nothing where its request is on its way. */
export async function advanceConnection(agent: Agent, id: string): Promise<void> {
  const own = (await agent.store.get('connection', id))?.['own']
  if (typeof own !== 'string') return
  await agent.locks.run(own, async () => {
    const found = await agent.store.get('connection', id)
    if (!found || !WAITING.includes(String(found['state']))) return
    const row: JsonObject = { ...found, at: found['at'] ?? Date.now() }
    if (found['at'] === undefined) await agent.commit({ changes: [at(id, row)] }) // an older page wrote it
    else if (Date.now() - Number(row['at']) >= GIVE_UP_MS) return agent.commit({ changes: [at(id, { ...emptied(row), state: row['state'] === 'requested' ? 'unanswered' : 'failed' })] })
    if (row['state'] !== 'preparing') return
    await ifItCanBe(agent, row, (changed) => at(id, emptied(changed)), () => ask(agent, id, row))
  })
}

async function ask(agent: Agent, id: string, row: JsonObject): Promise<void> {
  const own = ownOf(row)
  const inviter = typeof row['did'] === 'string' ? await contactOf(row['did'], agent.resolver) : unsealContact(new Received(row['contact'], 'contact'))
  const did = makePeerDid(own, await agent.mediator.reachable(own))
  const request = message(`${String(row['protocol'])}/request`, { label: agent.label, did, takes_packed: true })
  const requestId = request['@id'] as string
  const threaded = { ...request, '~thread': { thid: requestId, pthid: row['invitation'] as string } }
  await agent.commit({
    changes: [at(id, { ...row, state: 'requested', request: requestId, inviterKeys: sealContact(inviter) })],
    send: [{ from: own, to: inviter, message: threaded }],
  })
}

/** Connections that were asked for and not answered, each with when that was (5). */
export async function unansweredConnections(agent: Agent): Promise<{ id: string; state: string; at: number }[]> {
  const rows = (await agent.store.list('connection')).filter(([, row]) => UNANSWERED.includes(String(row['state'])) && row['at'] !== undefined)
  return rows.map(([id, row]) => ({ id, state: String(row['state']), at: Number(row['at']) }))
}

/** Put away a connection that was not answered; an answer counts no more (5). */
export async function dropConnection(agent: Agent, id: string): Promise<void> {
  const own = (await agent.store.get('connection', id))?.['own']
  if (typeof own !== 'string') return
  await agent.locks.run(own, async () => {
    const row = await agent.store.get('connection', id)
    if (!UNANSWERED.includes(String(row?.['state']))) return // they answered meanwhile
    await agent.commit({ changes: [at(id, undefined), { kind: 'outbox', id: String(row?.['request']), value: undefined }] })
  })
}

/** The connection that a message came over; undefined if it came from somebody else than it should. */
export async function connectionOf(agent: Agent, incoming: Incoming): Promise<Connection | undefined> {
  const found = await rowOf(agent, incoming.to)
  if (found?.[1]['state'] !== 'complete') return undefined
  const connection = connectionIn(...found)
  return incoming.from !== undefined && connection.theirs.keys.includes(incoming.from) ? connection : undefined
}

/** A connection by its id; undefined while it does not stand. */
export async function readConnection(agent: Agent, id: string): Promise<Connection | undefined> {
  const row = await agent.store.get('connection', id)
  return row?.['state'] === 'complete' ? connectionIn(id, row) : undefined
}

async function takeResponse(agent: Agent, incoming: Incoming): Promise<Step | undefined> {
  const [id, row] = (await rowOf(agent, incoming.to)) ?? []
  if (id === undefined || row === undefined || incoming.thread !== row['request']) return undefined
  if (row['state'] !== 'requested' && row['state'] !== 'complete') return undefined // 5
  const inviter = unsealContact(new Received(row['inviterKeys'], 'inviterKeys'))
  const did = incoming.body.member('did').text(LONGEST_DID)
  if (row['state'] === 'complete' && row['theirDid'] !== did) throw new CheckFailedError('a second answer to a request')
  // 2
  if (readSignedText(incoming.body.member('did_rotate~attach'), inviter.keys) !== did)
    throw new CheckFailedError('the DID of the response is not the one that is signed')
  const theirs = await contactOf(did, agent.resolver)
  if (incoming.from === undefined || ![...theirs.keys, ...inviter.keys].includes(incoming.from))
    throw new CheckFailedError('the response comes from a key that neither DID names')
  // 3
  const complete = message(`${String(row['protocol'])}/complete`, {}, { thid: incoming.thread, pthid: row['invitation'] as string })
  // 4
  const { attached, ...rest } = row
  const carried: Change[] = attached === undefined ? [] : [{ kind: 'inbox', id: `carried ${id}`, value: { to: incoming.to, from: theirs.keys[0] as Verkey, content: JSON.stringify(attached), at: Date.now() } }]
  return {
    changes: [at(id, { ...rest, state: 'complete', theirDid: did, theirs: sealContact(theirs) }), ...carried],
    send: [{ from: incoming.to, to: theirs, message: complete }],
  }
}

async function takeReport(agent: Agent, incoming: Incoming): Promise<Step | undefined> {
  const [id, row] = (await rowOf(agent, incoming.to)) ?? []
  if (id === undefined || row?.['state'] !== 'requested' || incoming.thread !== row['request']) return undefined
  const inviter = unsealContact(new Received(row['inviterKeys'], 'inviterKeys'))
  if (incoming.from === undefined || !inviter.keys.includes(incoming.from)) throw new CheckFailedError('a report from somebody else')
  const why = told(incoming.body.optional('description')?.optional('code')) ?? 'other'
  return { changes: [at(id, { ...emptied(row), state: 'refused', why })] }
}

// Nobody will ever take the request: whoever waits for the connection learns it now.
async function endRequest(agent: Agent, own: Verkey, request: string, why: string): Promise<void> {
  await agent.locks.run(own, async () => {
    const [id, row] = (await rowOf(agent, own)) ?? []
    if (id !== undefined && row?.['state'] === 'requested' && row['request'] === request) await agent.commit({ changes: [at(id, { ...emptied(row), state: 'failed', why })] })
  })
}

async function letIn(agent: Agent, attached: JsonObject): Promise<void> {
  const waiting = (await agent.store.list('connection')).filter(([, row]) => row['attached'] && WAITING.includes(String(row['state'])))
  const sizes = [attached, ...waiting.map(([, row]) => row['attached'])].map((one) => new TextEncoder().encode(JSON.stringify(one)).length)
  if (sizes.reduce((sum, size) => sum + size) > MOST_CARRIED) throw new WalletError('carried', 'too many offers wait for their connections')
}

function emptied({ attached: _, ...row }: JsonObject): JsonObject {
  return row
}

async function rowOf(agent: Agent, own: Verkey): Promise<[string, JsonObject] | undefined> {
  const named = await agent.store.get('key', own)
  const id = named?.['connection']
  const row = typeof id === 'string' ? await agent.store.get('connection', id) : undefined
  return row && [id as string, row]
}

function connectionIn(id: string, row: JsonObject): Connection {
  const did = row['did']
  return { id, own: ownOf(row), theirs: unsealContact(new Received(row['theirs'], 'theirs')), inviter: typeof did === 'string' ? did : undefined }
}

function ownOf(row: JsonObject): Verkey {
  return verkey(String(row['own']), 'own')
}

function at(id: string, value: JsonObject | undefined): Change {
  return { kind: 'connection', id, value }
}
