// What page and worker tell each other. Secrets are in the worker alone: nothing here carries a key or a nonce, the recovery code goes out
// once, to be written down, and a proof only if it is to be shown as codes.

import type { Purpose } from '../governance/facts.js'
import type { Erasure } from '../exchange/erasures.js'
import type { BackupState } from '../keeping/backup.js'

/** What this host tells its page (`agents/wallet_host/office.py`). */
export interface Settings {
  readonly name: string
  readonly origin: string
  readonly mediator: string | null
  readonly direct: boolean
  readonly governance: { readonly url: string; readonly author: string } | null
}

/**
 * Where the wallet stands: 'none': no book on this phone; 'locked': the PIN opens it; 'forgotten': the code opens it; 'open';
 * 'elsewhere': opened on another phone; 'other-tab': open in another tab; 'unset': the operator has named no mediator.
 */
export type Phase = 'none' | 'locked' | 'forgotten' | 'open' | 'elsewhere' | 'other-tab' | 'unset'

export interface Status {
  readonly phase: Phase
  readonly backup: BackupState
  readonly isOnline: boolean
  /** Whether a passkey opens the book; missing: that is asked for apart (`passkey`). */
  readonly hasPasskey?: boolean
}

/** Which passkey, and what its secret is made of (`passkey.ts`). */
export interface PasskeyPlace {
  readonly id: Uint8Array
  readonly salt: Uint8Array
}

export interface PasskeySecret extends PasskeyPlace {
  readonly secret: Uint8Array
}

/** A judgement: a verdict, and why, as a code and what it is about; sentences are the page's. */
export interface Judgement {
  readonly verdict: 'TRUSTED' | 'NOT_TRUSTED' | 'UNKNOWN' | 'STALE'
  readonly code: string
  readonly about: readonly string[]
}

export interface Party {
  readonly did: string | null
  /** As the governance file calls them; null: it says nothing of them. */
  readonly name: string | null
}

export interface Value {
  readonly name: string
  readonly raw: string
}

export interface OfferView {
  readonly id: string
  readonly state: string
  readonly why: string | null
  readonly at: number
  readonly issuer: Party
  /** The governance file's name, if it could be read. */
  readonly authority: string | null
  readonly may: Judgement
  /** Of one that was declined: whether the issuer was told that something is wrong. */
  readonly isTold: boolean
  /** Such as `qualification/1.0`; null: a type that the wallet does not know. */
  readonly type: string | null
  readonly values: readonly Value[]
}

/** What can be wrong in an offer. */
export const WRONG = ['name', 'birth', 'level', 'date', 'mine', 'other'] as const
export type Wrong = (typeof WRONG)[number]

/** What an entry is good for, by the authority's file. */
export interface Worth {
  readonly verdict: Judgement['verdict']
  readonly authority: string | null
  /** Where it counts, ISO 3166-1 alpha-3. */
  readonly places: readonly string[]
  /** Up to which level, on the European scale or the CEFR's; null: it has none. */
  readonly level: string | null
}

export interface EntryView {
  readonly id: string
  readonly at: number
  readonly isRevoked: boolean
  readonly issuer: Party
  readonly type: string | null
  readonly values: readonly Value[]
}

/** What is asked of one credential, or of whichever fits. */
export interface QuestionPart {
  /** What they will see. */
  readonly shown: readonly string[]
  /** What is proven and not seen. */
  readonly proven: readonly { readonly name: string; readonly comparison: string; readonly value: number }[]
  /** What a yes tells though no value is shown: attributes that must have one of these values. */
  readonly learned: readonly { readonly name: string; readonly values: readonly string[] }[]
  /** Entries that could answer it. */
  readonly candidates: readonly string[]
  /** Entries that would fit, were they not revoked. */
  readonly revoked: readonly string[]
}

export interface QuestionView {
  readonly id: string
  readonly state: string
  readonly why: string | null
  readonly at: number
  readonly asker: Party
  readonly authority: string | null
  readonly may: Judgement
  /** What they write; null also where it came with a link, which nobody signed. */
  readonly comment: string | null
  /** Whether it was read from codes on a screen, and is answered by codes. */
  readonly isShown: boolean
  /** Whether it came with a link, or by codes: whoever made it chose whom it names and what for. The answer goes to whom it names all the same. */
  readonly isFromLink: boolean
  /** Of one that was declined: whether they were told. */
  readonly isTold: boolean
  readonly purpose: Purpose | null
  /** For which purposes the authority lets them ask this. */
  readonly purposes: readonly Purpose[]
  /** What the authority's list says of their asking, beside that. */
  readonly registered: readonly Registered[]
  /** What they ask for beyond what the authority lets them. */
  readonly beyond: readonly string[]
  /** What an answer may leave out; of a question that was answered, what was left out. */
  readonly left: readonly string[]
  /** Whether it may be answered without that. */
  readonly mayLeave: boolean
  /** Theirs, so that both can compare it. */
  readonly reference: string | null
  /** That they keep the answer as a proof, where they say so. */
  readonly kept: Kept | null
  readonly parts: readonly QuestionPart[]
  /** The entry that answers all parts; null: none does. */
  readonly answer: EntryView | null
  /** Why this one: the only one that fits, the one that is valid longest, the newest of these, the worker's choice. */
  readonly chosen: 'only' | 'longest' | 'newest' | 'yours' | null
  /** Entries that would answer all parts as well. */
  readonly others: readonly EntryView[]
  /** Why none fits. */
  readonly misfit: Misfit | null
}

/** What stands in the authority's list with a permission to ask; null: it does not say. */
export interface Registered {
  /** What for, in the asker's own words. */
  readonly aim: string | null
  /** Address of what they say about data. */
  readonly policy: string | null
  /** How long they keep answers, in days. */
  readonly keepsDays: number | null
}

/** Until when an answer is kept, and for what; null: they do not say, or it is not shown since nobody signed it. */
export interface Kept {
  /** YYYYMMDD */
  readonly until: string
  readonly law: string | null
  readonly purpose: string | null
}

/** What keeps the entry that comes closest from answering. */
export interface Misfit {
  readonly code: 'empty' | 'revoked' | 'over' | 'ends' | 'level' | 'issuer' | 'value' | 'occupation' | 'attribute' | 'several'
  readonly entry: EntryView | null
  /** Of attributes that it is about. */
  readonly names: readonly string[]
}

export interface BookView {
  /** `worth`: null while it is looked up; so is the issuer's name then. */
  readonly entries: readonly (EntryView & { readonly worth: Worth | null })[]
  /** `isOver`: it ended after a yes, and without a credential; 'unsigned': it was not signed for 30 days. */
  readonly offers: readonly { readonly id: string; readonly state: string; readonly at: number; readonly type: string | null; readonly isOver: boolean }[]
  readonly questions: readonly { readonly id: string; readonly state: string; readonly at: number }[]
  /**
   * Opened without a network: 'waiting' for one, or 'failed' since they lead nowhere. Followed: 'requested' as long as who made it has not
   * answered, 'unanswered' once they did not for 30 days.
   */
  readonly links: readonly { readonly id: string; readonly state: string; readonly at: number }[]
  /** How many entries cannot be read now. */
  readonly unread: number
  readonly isSending: boolean
}

/** What can be shown without a network. */
export interface ReadyView {
  /** Certificates that can be shown. */
  readonly ready: number
  /** Certificates that cannot, before `prepare` was called with a network. */
  readonly missing: number
  /** Since when that is what is known of them, in milliseconds since 1970: the oldest; null: of none is anything needed. */
  readonly since: number | null
}

/** One answer that was given, or is on its way. */
export interface GivenView {
  readonly question: QuestionView
  readonly erasure: Erasure | null
}

export interface HistoryView {
  /** The newest first. */
  readonly given: readonly GivenView[]
}

export interface Calls {
  status(): Status
  /** A new recovery code, in groups; it counts once `create` was called. */
  newCode(): string[]
  create(told: { pin: string }): void
  /** By the PIN, or by the secret of a passkey. */
  typed(told: { pin: string }): void
  /** `address`: a link that the worker came by; it is followed as soon as the book is open, and `follow` gives what came of it. */
  unlock(told: ({ pin: string } | { secret: Uint8Array }) & { address?: string | undefined }): void
  passkey(): PasskeyPlace | null
  /** Have a passkey open the book beside the PIN; null: no longer. */
  keepPasskey(told: PasskeySecret | null): void
  restore(told: { code: string; pin: string }): void
  /** A copy of the book, sealed under its code; a file. */
  saveFile(): Uint8Array
  /** Open the book from such a file; 'vault': this host, or this phone, has a copy that is as new, and that one was opened. */
  openFile(told: { file: Blob; code: string; pin: string }): 'file' | 'vault'
  useHere(): void
  lock(): void
  /** Somebody looks at the page again: what waited for a network goes on. */
  look(): void
  deleteBook(): void
  /** null: it is kept, and followed when the network is there. */
  follow(told: { address: string }): { kind: 'question' | 'connection'; id: string } | null
  /** Put a link away that waits, for a network or for an answer, or leads nowhere. */
  dropLink(told: { id: string }): void
  /** Wait until a connection brings an offer, or has failed; gives the offer's id. */
  offerOf(told: { connection: string }): string
  book(): BookView
  offer(told: { id: string }): OfferView
  /** `entry`: the one that the worker would answer with, instead of the one that is proposed. */
  question(told: { id: string; entry?: string | undefined }): QuestionView
  /** `seen`: `at` of the offer that was shown. */
  accept(told: { id: string; seen: number }): void
  /** `wrong`: what is not right in it; empty: nothing is said of that. */
  declineOffer(told: { id: string; wrong: readonly Wrong[] }): void
  /** `seen`: `at` of the question that was shown. 'shown': the answer goes by codes on the screen. `isLess`: without what may be left out. */
  answer(told: { id: string; entry: string; seen: number; isLess: boolean }): 'sent' | 'shown'
  /** Take a question that was read from codes. */
  openShown(told: { message: Uint8Array }): { id: string }
  /** The answer to it, to be shown as codes; null: it is not there any more. */
  shown(told: { id: string }): Uint8Array | null
  ready(): ReadyView
  /** Fetch what showing without a network needs. */
  prepare(): void
  /** Without `isTold` the asker learns nothing: neither a no, nor whether anything fits. */
  decline(told: { id: string; isTold: boolean }): void
  /** The history opens by the PIN, until it is closed or the book is locked. */
  openHistory(told: { pin: string }): void
  closeHistory(): void
  history(): HistoryView
  erase(told: { id: string }): void
}

export type CallName = keyof Calls

export interface CallMessage {
  readonly seq: number
  readonly call: CallName
  readonly told: unknown
}

/** An answer, or an error by its code; `detail` is a number that goes with it: tries left, a group of the code. */
export type AnswerMessage =
  | { readonly seq: number; readonly answer: unknown }
  | { readonly seq: number; readonly error: { readonly code: string; readonly detail: number | null } }

/** Something has changed: look again. */
export interface EventMessage {
  readonly event: 'changed' | 'status'
}
