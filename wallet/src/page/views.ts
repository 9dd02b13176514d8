// What the page shows of offers, questions and the book: values as they are, judgements as codes. No key and no proof is in it.

import { unansweredConnections } from '../agent/did_exchange.js'
import { keyName } from '../anoncreds/attributes.js'
import { LONGEST_IDENTIFIER } from '../anoncreds/parameters.js'
import type { Entry } from '../exchange/credentials.js'
import { enclosed, misfit, restrictedTo } from '../exchange/fitting.js'
import { leftOutIn } from '../exchange/left_out.js'
import { isOver as isOverOffer } from '../exchange/offers.js'
import { questionIn, type Question } from '../exchange/questions.js'
import type { Governance } from '../governance/following.js'
import { StateError, WalletError } from '../errors.js'
import { Received } from '../received.js'
import type { JsonObject } from '../store.js'
import type { Wallet } from '../wallet.js'
import { parseResourceId } from '../webvh/did.js'
import { askedWords } from './asked_words.js'
import { judgeAsker, judgeIssuer, purposeOf } from './judging.js'
import { closest, isOver } from './misfits.js'
import type { BookView, EntryView, HistoryView, OfferView, QuestionPart, QuestionView, ReadyView, Worth } from './protocol.js'
import { issuedOf, typeOf, typesWith } from './types.js'
import { worthOf } from './worth.js'

/** Until the book stands: what is computed before keeps it waiting. */
const LATER_MS = 50
// What the worker decided and could not be done yet: it is to be sent, though no message is made.
const DECIDED = ['accepting', 'answering']
const GIVEN = ['answering', 'answered', 'accepted', 'refused']
// Of a question that ended without a yes.
const NOTHING_LEFT: Question = { request: { nonce: 0n, attributes: new Map(), predicates: new Map() }, restrictions: new Map() }

export class Views {
  readonly #wallet: Wallet
  readonly #governance: Governance | undefined
  readonly #onLater: () => void
  readonly #whenAskable: () => Promise<void>

  /**
   * @param onLater told that what was left out of a view is known now
   * @param whenAskable ends when somebody can be asked: who asks before learns nothing, and so does who asks soon after
   */
  constructor(wallet: Wallet, governance: Governance | undefined, onLater: () => void = () => {}, whenAskable = (): Promise<void> => Promise.resolve()) {
    this.#wallet = wallet
    this.#governance = governance
    this.#onLater = onLater
    this.#whenAskable = whenAskable
    wallet.questions.onAsked = (asker) => void governance?.snapshot([asker]).catch(() => undefined) // whoever judges them learns it
  }

  async book(): Promise<BookView> {
    const { agent } = this.#wallet
    const { store } = agent
    const [{ entries, unread }, offers, questions, links, connections, outbox] = await Promise.all([this.#wallet.credentials.read(), store.list('offer'), store.list('question'), store.list('link'), unansweredConnections(agent), store.list('outbox')])
    const isKnown = this.#isKnown(entries.map(signerOf))
    return {
      entries: await Promise.all(entries.map(async (entry) => ({ ...(await this.#entry(entry, isKnown)), worth: isKnown ? await this.#worth(entry) : null }))),
      offers: offers.map(([id, row]) => ({ id, state: String(row['state']), at: Number(row['at']), type: typeOf(previewOf(row).keys()), isOver: isOverOffer(row) })),
      // What was answered is the history's, which opens by the PIN.
      questions: questions.filter(([, row]) => row['state'] === 'asked').map(([id, row]) => ({ id, state: String(row['state']), at: Number(row['at']) })),
      links: [...links.map(([id, row]) => ({ id, state: String(row['state']), at: Number(row['at']) })), ...connections],
      unread,
      isSending: outbox.length > 0 || [...offers, ...questions].some(([, row]) => DECIDED.includes(String(row['state']))),
    }
  }

  async offer(id: string): Promise<OfferView> {
    const row = await this.#wallet.agent.store.get('offer', id)
    if (!row) throw new StateError('there is no such offer')
    const values = previewOf(row)
    const type = typeOf(values.keys())
    const definitionId = row['credential'] === undefined ? definitionOf(row) : await this.#wallet.credentials.definitionId(id)
    const signer = parseResourceId(definitionId).did.did
    const inviter = typeof row['issuer'] === 'string' ? row['issuer'] : undefined
    const { party, authority, may } = await judgeIssuer(this.#governance, issuedOf(type, values, signer, definitionId), signer, inviter)
    return {
      id,
      state: String(row['state']),
      why: textOf(row['why'] ?? row['refused']),
      at: Number(row['at']),
      issuer: party,
      authority,
      may,
      isTold: row['isTold'] === true,
      type,
      values: [...values].map(([name, raw]) => ({ name, raw })),
    }
  }

  /** @param wanted the entry that the worker would answer with */
  async question(id: string, wanted?: string): Promise<QuestionView> {
    const row = await this.#wallet.agent.store.get('question', id)
    if (!row) throw new StateError('there is no such question')
    const { request, restrictions } = row['request'] === undefined ? NOTHING_LEFT : questionIn(row)
    const entries = await this.#wallet.credentials.all()
    const today = todayHere()
    const shown = [...request.attributes.values()].flatMap(({ names }) => names.map(keyName))
    const parts = [...restrictions].map(([referent, restricted]): QuestionPart => {
      const predicate = request.predicates.get(referent)
      const fitting = entries.filter(({ credential }) => misfit(credential, request, restrictions, referent) === undefined)
      return {
        shown: request.attributes.get(referent)?.names.map(keyName) ?? [],
        proven: predicate ? [{ name: keyName(predicate.name), comparison: predicate.comparison, value: predicate.value }] : [],
        learned: [...restrictedTo(restricted)].filter(([name]) => !shown.includes(name)).map(([name, values]) => ({ name, values })),
        candidates: fitting.filter((entry) => !entry.isKnownRevoked && !isOver(entry, today)).map((entry) => entry.id),
        revoked: fitting.filter((entry) => entry.isKnownRevoked).map((entry) => entry.id),
      }
    })
    const proven = parts.flatMap((part) => part.proven.map(({ name }) => name))
    const told = new Set([...shown, ...parts.flatMap(({ learned }) => learned.map(({ name }) => name)), ...enclosed(request)])
    const purpose = purposeOf(row['goalCode'])
    const isShown = row['isShown'] === true
    const isFromLink = isShown || row['parent'] !== undefined
    // What was answered with; else the entry that answers all of it and is valid longest, then the newest: one certificate, so that nothing is
    // mixed.
    const [used] = Object.values((row['answers'] ?? {}) as JsonObject)
    const fitting = parts.length ? entries.filter((entry) => parts.every(({ candidates }) => candidates.includes(entry.id))).reverse().sort(validLongest) : []
    const chosen = fitting.find((entry) => entry.id === wanted)
    const answer = used === undefined ? (chosen ?? fitting[0]) : entries.find((entry) => entry.id === used)
    const others = used === undefined ? fitting.filter((entry) => entry !== answer) : []
    const lack = row['state'] === 'asked' && !answer && parts.length ? closest(entries, request, restrictions, today) : undefined
    const words = row['request'] === undefined ? { reference: null, kept: null } : askedWords(new Received(row['request'], 'request'), !isFromLink)
    const types = answer ? [typeOf(answer.credential.attributes.keys()) ?? ''] : typesWith([...shown, ...proven])
    const judge = (learnt: readonly string[]) => judgeAsker(this.#governance, textOf(row['asker']), types, { shown: learnt, proven, purpose })
    const { party, authority, may, purposes, registered, beyond } = await judge([...told])
    // Of an open question what may be left out, and whether they may ask the rest; of one that was answered, what was left out.
    const isOpen = row['state'] === 'asked'
    const left = isOpen || row['isLess'] === true ? (leftOutIn(row)?.attributes.map(keyName) ?? []) : []
    const mayLeave = isOpen && left.length > 0 && (await judge([...told].filter((name) => !left.includes(name)))).may.verdict !== 'NOT_TRUSTED'
    return {
      id,
      state: String(row['state']),
      why: textOf(row['why']),
      at: Number(row['at']),
      asker: party,
      authority,
      may,
      comment: isFromLink ? null : textOf(row['comment']),
      isShown,
      isFromLink,
      isTold: row['isTold'] === true,
      purpose,
      purposes,
      registered,
      beyond,
      left,
      mayLeave,
      ...words,
      parts,
      answer: answer ? await this.#entry(answer) : null,
      chosen: used !== undefined || !answer ? null : chosen ? 'yours' : !others[0] ? 'only' : expiryOf(answer) > expiryOf(others[0]) ? 'longest' : 'newest',
      others: await Promise.all(others.map((entry) => this.#entry(entry))),
      misfit: lack ? { code: lack.code, entry: lack.entry ? await this.#entry(lack.entry) : null, names: lack.names } : null,
    }
  }

  shown(id: string): Promise<string | undefined> {
    return this.#wallet.questions.shown(id)
  }

  async ready(): Promise<ReadyView> {
    const { entries: all, unread } = await this.#wallet.credentials.read()
    const entries = all.filter((entry) => !entry.isKnownRevoked && !isOver(entry, todayHere()))
    const times = await Promise.all(entries.map((entry) => this.#wallet.credentials.readySince(entry)))
    const known = times.filter((time) => time !== undefined)
    const since = Math.min(...known)
    return { ready: known.length, missing: times.length - known.length + unread, since: Number.isFinite(since) ? since * 1000 : null }
  }

  /** What was given to whom, the newest first. */
  async history(): Promise<HistoryView> {
    const rows = (await this.#wallet.agent.store.list('question')).filter(([, row]) => GIVEN.includes(String(row['state'])))
    const given = rows.reverse().map(async ([id]) => ({ question: await this.question(id), erasure: await this.#wallet.erasures.of(id) }))
    return { given: await Promise.all(given) }
  }

  // The book does not wait for what the authority's file says of its entries: that comes later.
  #isKnown(dids: readonly string[]): boolean {
    const governance = this.#governance
    const wanted = [...new Set(dids)]
    if (!governance || wanted.length === 0 || governance.isSettled(wanted)) return true
    const told = (): void => this.#onLater()
    setTimeout(() => void this.#whenAskable().then(() => governance.snapshot(wanted)).then(told, told), LATER_MS)
    return false
  }

  async #worth(entry: Entry): Promise<Worth> {
    const { credential } = entry
    const values = new Map([...credential.attributes].map(([name, { raw }]) => [name, raw]))
    const signer = signerOf(entry)
    const issued = issuedOf(typeOf(values.keys()), values, signer, credential.definitionId)
    const level = values.get('cefr_level') ?? ((values.get('eqf_level') ?? '0') === '0' ? null : (values.get('eqf_level') ?? null))
    try {
      const snapshot = await this.#governance?.snapshot([signer])
      if (snapshot && issued) return { ...worthOf(snapshot, issued, Date.now()), authority: snapshot.file.name, level }
    } catch (error) {
      if (!(error instanceof WalletError)) throw error
    }
    return { verdict: 'UNKNOWN', authority: null, places: [], level }
  }

  async #entry(entry: Entry, isKnown = true): Promise<EntryView> {
    const { id, credential, issuer, isKnownRevoked } = entry
    const row = await this.#wallet.agent.store.get('credential', id)
    return {
      id,
      at: Number(row?.['at'] ?? 0),
      isRevoked: isKnownRevoked,
      issuer: { did: issuer ?? null, name: isKnown ? await this.#nameOf(signerOf(entry)) : null },
      type: typeOf(credential.attributes.keys()),
      values: [...credential.attributes].map(([name, { raw }]) => ({ name, raw })),
    }
  }

  // Names are a convenience in the book: without the network there are none.
  async #nameOf(did: string): Promise<string | null> {
    try {
      return (await this.#governance?.snapshot([did]))?.file.names.get(did) ?? null
    } catch {
      return null
    }
  }
}

function signerOf({ credential }: Entry): string {
  return parseResourceId(credential.definitionId).did.did
}

function expiryOf({ credential }: Entry): string {
  return credential.attributes.get('expires_on')?.raw ?? ''
}

function validLongest(one: Entry, two: Entry): number {
  return expiryOf(one) < expiryOf(two) ? 1 : expiryOf(one) > expiryOf(two) ? -1 : 0
}

function todayHere(): string {
  const now = new Date()
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('')
}

function previewOf(row: JsonObject): Map<string, string> {
  return new Map(((row['preview'] ?? []) as readonly (readonly [string, string])[]).map(([name, raw]) => [keyName(name), raw]))
}

function definitionOf(row: JsonObject): string {
  if (typeof row['definition'] === 'string') return row['definition']
  return new Received(row['offer'], 'offer').member('cred_def_id').text(LONGEST_IDENTIFIER)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
