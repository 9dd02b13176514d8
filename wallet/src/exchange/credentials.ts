// The credentials that the wallet has, whether they are revoked, and their witnesses; revocation notification 2.0 (Aries RFC 0721).
//
// A notice is a hint: what counts is the status list, which is looked at then. Its sender must be the issuer's connection.
//
// The newest witness that was made is kept ('object'): it is all that a proof without a network needs beside what is kept anyway.

import { unsealCredential, type Credential } from '../anoncreds/credential.js'
import type { CredentialDefinition } from '../anoncreds/credential_definition.js'
import { LONGEST_IDENTIFIER } from '../anoncreds/parameters.js'
import type { StatusList } from '../anoncreds/revocation_registry.js'
import { issuedWitness, sealWitness, tailRange, unsealWitness, updatedWitness, type Witness } from '../anoncreds/witness.js'
import type { Agent } from '../agent/agent.js'
import { connectionOf } from '../agent/did_exchange.js'
import type { Step } from '../agent/step.js'
import { message, type Incoming } from '../didcomm/message.js'
import { CannotProveError, StateError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import type { Objects, RegistryNow } from './objects.js'

/** Of how many registries is remembered what was looked up. */
const MOST_LOOKED = 64

/** A credential of the wallet, ready for proofs. */
export interface Entry {
  readonly id: string
  readonly credential: Credential
  readonly definition: CredentialDefinition
  /** Who issued it, as the connection's invitation had it. */
  readonly issuer: string | undefined
  /** Whether a status list was seen to revoke it. */
  readonly isKnownRevoked: boolean
}

/** A registry and its newest status list, and when they were asked for. */
interface Looked {
  readonly at: number
  readonly now: RegistryNow
  readonly list: StatusList
}

export class Credentials {
  readonly #agent: Agent
  readonly #objects: Objects
  /** What was looked up in this visit, by the registry. */
  readonly #looked = new Map<string, Looked>()
  /** What was read of a row: it stays what it is as long as the row does. */
  readonly #read = new WeakMap<JsonObject, Promise<Entry>>()

  constructor(agent: Agent, objects: Objects) {
    this.#agent = agent
    this.#objects = objects
    agent.inbox.handle('revocation_notification/2.0/revoke', (incoming) => this.#takeNotice(incoming))
  }

  /** All that can be read now. */
  async all(): Promise<Entry[]> {
    return (await this.read()).entries
  }

  /** All that can be read now, and how many cannot: on a new phone, what an issuer published is fetched anew, and one may be gone. */
  async read(): Promise<{ entries: Entry[]; unread: number }> {
    const rows = await this.#agent.store.list('credential')
    const entries = await this.#readable(rows)
    return { entries, unread: rows.length - entries.length }
  }

  /** What a credential says its definition is; nothing is looked up for that. */
  async definitionId(id: string): Promise<string> {
    const row = await this.#agent.store.get('credential', id)
    if (!row) throw new StateError('there is no such credential')
    return new Received(row['sealed'], 'credential').member('cred_def_id').text(LONGEST_IDENTIFIER)
  }

  async one(id: string): Promise<Entry> {
    const row = await this.#agent.store.get('credential', id)
    if (!row) throw new StateError('there is no such credential')
    return this.#entry(id, row)
  }

  /**
   * Look at the newest status list. False: it cannot be revoked, or is not.
   *
   * @param isAnew somebody just said that it is
   */
  async isRevoked(entry: Entry, isAnew = false): Promise<boolean> {
    const place = entry.credential.nonRevocation
    if (!place) return false
    const { list } = await this.#look(place.registryId, isAnew)
    if (list.isRevoked(place.place) !== entry.isKnownRevoked) await this.#note(entry.id, list.isRevoked(place.place))
    if (!list.isRevoked(place.place)) await this.#keepIssued(entry, list)
    return list.isRevoked(place.place)
  }

  /**
   * The witness by which a proof shows that a credential is not revoked.
   *
   * @param notAfter the newest status list that the verifier takes, in seconds since 1970
   * @throws CannotProveError it is revoked
   */
  async witness(entry: Entry, notAfter: number): Promise<Witness | undefined> {
    const witness = await this.#newest(entry, notAfter)
    if (witness && notAfter * 1000 >= Date.now()) await this.#keep(entry, witness)
    return witness
  }

  /** Begin to look up what a proof will rest on; ends when that was answered, or could not be. */
  async foresee({ credential: { nonRevocation: place } }: Entry): Promise<void> {
    await (place && this.#look(place.registryId).catch(() => undefined))
  }

  /**
   * How long ago the status list of a credential was asked for, in ms; 0: there is none, Infinity: none that would do came in this visit.
   *
   * @param notAfter as for `witness`
   */
  lookedAgo({ credential: { nonRevocation: place } }: Entry, notAfter: number): number {
    if (!place) return 0
    const looked = this.#looked.get(place.registryId)
    const ago = looked && looked.list.timestamp <= notAfter ? Date.now() - looked.at : Infinity
    return ago < 0 ? Infinity : ago // the phone's clock was set back
  }

  /**
   * The witness of the status list that was looked up last in this visit (`lookedAgo`).
   *
   * @throws CannotProveError it is revoked
   */
  async lookedWitness(entry: Entry): Promise<Witness | undefined> {
    const place = entry.credential.nonRevocation
    const looked = place && this.#looked.get(place.registryId)
    return looked && this.#witness(entry, looked)
  }

  /**
   * The same, if it is on this phone already; undefined: it is not, or none is needed.
   *
   * @throws CannotProveError it is revoked
   */
  async witnessAtHand(entry: Entry, notAfter: number): Promise<Witness | undefined> {
    const place = entry.credential.nonRevocation
    const looked = place && this.#looked.get(place.registryId)
    if (!looked || looked.list.timestamp > notAfter) return undefined
    if (looked.list.isRevoked(place.place)) throw new CannotProveError('the credential is revoked')
    const issued = issuedWitness(place, looked.list)
    if (issued || (await this.readySince(entry)) !== looked.list.timestamp) return issued
    return this.keptWitness(entry)
  }

  /** The witness that was kept, for a proof without a network; undefined: there is none, or none is needed. */
  async keptWitness({ id, credential, definition }: Entry): Promise<Witness | undefined> {
    const place = credential.nonRevocation
    const kept = place && (await this.#agent.store.get('object', keptAt(id)))
    return kept && unsealWitness(new Received(kept, 'witness'), place, definition, await this.#objects.registry(place.registryId, definition.id))
  }

  /** The time of the status list of which a witness is kept, in seconds since 1970; Infinity: none is needed; undefined: none is kept. */
  async readySince({ id, credential }: Entry): Promise<number | undefined> {
    if (!credential.nonRevocation) return Infinity
    const kept = await this.#agent.store.get('object', keptAt(id))
    return kept && Number(kept['timestamp'])
  }

  /** Have a witness kept of each that is not known to be revoked, as far as it can be; then throw what one of the others failed with. */
  async makeReady(): Promise<void> {
    let failed: WalletError | undefined
    for (const entry of (await this.all()).filter(({ isKnownRevoked }) => !isKnownRevoked))
      try {
        await this.witness(entry, Infinity)
      } catch (error) {
        if (!(error instanceof WalletError)) throw error
        failed ??= error
      }
    if (failed) throw failed
  }

  async #newest(entry: Entry, notAfter: number): Promise<Witness | undefined> {
    const place = entry.credential.nonRevocation
    return place && this.#witness(entry, await this.#look(place.registryId, false, notAfter))
  }

  async #look(registryId: string, isAnew = false, notAfter = Infinity): Promise<Looked> {
    const at = Date.now()
    const now = await this.#objects.registryNow(registryId, isAnew)
    const looked = { at, now, list: await this.#objects.statusList(now, notAfter) }
    if (looked.list.timestamp !== now.resource.links.at(-1)?.timestamp) return looked // for who wants an older one, and for nobody else
    if (this.#looked.size >= MOST_LOOKED) this.#looked.clear()
    this.#looked.set(registryId, looked)
    return looked
  }

  async #witness({ credential, definition }: Entry, { now, list }: Looked): Promise<Witness | undefined> {
    const place = credential.nonRevocation
    if (!place) return undefined
    if (list.isRevoked(place.place)) throw new CannotProveError('the credential is revoked')
    const issued = issuedWitness(place, list)
    if (issued) return issued
    const file = await this.#objects.tails(now)
    return updatedWitness(place, definition, now.registry, undefined, list, (index) => {
      const { start, end } = tailRange(index)
      return file.subarray(start, end)
    })
  }

  // One that came in the credential needs no tails file: so it is kept without anybody's asking.
  async #keepIssued(entry: Entry, list: StatusList): Promise<void> {
    const place = entry.credential.nonRevocation
    const witness = place && issuedWitness(place, list)
    if (witness) await this.#keep(entry, witness)
  }

  async #keep(entry: Entry, witness: Witness): Promise<void> {
    const { id } = entry
    if ((await this.readySince(entry)) === witness.list.timestamp) return
    await this.#agent.store.write([{ kind: 'object', id: keptAt(id), value: sealWitness(witness) }])
  }

  async #readable(rows: readonly [string, JsonObject][]): Promise<Entry[]> {
    const read = await Promise.allSettled(rows.map(([id, row]) => this.#entry(id, row)))
    return read.flatMap((each) => {
      if (each.status === 'fulfilled') return [each.value]
      if (!(each.reason instanceof WalletError)) throw each.reason
      return []
    })
  }

  #entry(id: string, row: JsonObject): Promise<Entry> {
    const known = this.#read.get(row)
    if (known) return known
    const reading = this.#readEntry(id, row)
    reading.catch(() => this.#read.delete(row))
    this.#read.set(row, reading)
    return reading
  }

  async #readEntry(id: string, row: JsonObject): Promise<Entry> {
    const sealed = new Received(row['sealed'], 'credential')
    const definition = await this.#objects.definition(sealed.member('cred_def_id').text(LONGEST_IDENTIFIER))
    const registryId = sealed.optional('rev_reg_id')?.text(LONGEST_IDENTIFIER)
    const registry = registryId === undefined ? undefined : await this.#objects.registry(registryId, definition.id)
    const issuer = row['issuer']
    return {
      id,
      credential: unsealCredential(sealed, definition, registry),
      definition,
      issuer: typeof issuer === 'string' ? issuer : undefined,
      isKnownRevoked: row['revoked'] === true,
    }
  }

  async #takeNotice(incoming: Incoming): Promise<Step | undefined> {
    const connection = await connectionOf(this.#agent, incoming)
    if (!connection) return undefined
    const [registryId, place] = incoming.body.member('credential_id').text(LONGEST_IDENTIFIER).split('::')
    const rows = (await this.#agent.store.list('credential')).filter(([, row]) => row['connection'] === connection.id)
    const entries = await this.#readable(rows)
    const named = entries.find(({ credential: { nonRevocation } }) => nonRevocation?.registryId === registryId && String(nonRevocation?.place) === place)
    if (!named) return undefined
    await this.isRevoked(named, true)
    const thread = { thid: incoming.thread }
    const acknowledgement = message('revocation_notification/2.0/ack', { status: 'OK' }, thread)
    const isWanted = incoming.body.optional('~please_ack') !== undefined
    return { changes: [], send: isWanted ? [{ from: connection.own, to: connection.theirs, message: acknowledgement }] : [] }
  }

  async #note(id: string, revoked: boolean): Promise<void> {
    const row = await this.#agent.store.get('credential', id)
    if (row) await this.#agent.commit({ changes: [{ kind: 'credential', id, value: { ...row, revoked } }] })
  }
}

function keptAt(id: string): string {
  return `witness ${id}`
}
