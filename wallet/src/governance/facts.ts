// What a governance file says, as far as decisions rest on it; in the words of `governance/facts/` of our agents.

import { sha256 } from '@noble/hashes/sha2.js'
import type { Span } from './days.js'
import { isOnLedger } from './ledgers.js'

export const EQF = 'EQF'
export const NO_CROSSWALK = 'none'

export type LapseStatus = 'suspended' | 'withdrawn'
export type Purpose = 'employment' | 'study' | 'regulated-profession'
export type Binding = 'link-secret' | 'key' | 'none'

/** Award dates that do not count, because something was suspended or withdrawn. */
export interface Lapse {
  readonly status: LapseStatus
  readonly days: Span
  /** The status lists that existed when it was decided, and when it ended. */
  readonly statusesBefore: readonly string[]
  readonly statusesAtEnd: readonly string[]
}

export interface LevelRange {
  readonly framework: string
  readonly lowest: string
  readonly highest: string
}

/** One statement: this issuer counts for these occupations, levels, places and times, by these sources. */
export interface Accreditation {
  readonly id: string
  readonly issuer: string
  readonly credentialTypes: readonly string[]
  readonly sources: readonly string[]
  readonly bindings: readonly Binding[]
  readonly occupations: readonly string[]
  readonly excluded: readonly string[]
  readonly range: LevelRange
  readonly jurisdictions: readonly string[]
  readonly intervals: readonly Span[]
  readonly lapses: readonly Lapse[]
  readonly redress: string
}

export interface Crosswalk {
  readonly version: string
  readonly framework: string
  readonly valid: Span
  /** Every level of the framework from the lowest to the highest, with its EQF level; 0: no mapping. */
  readonly levels: readonly (readonly [string, number])[]
}

export interface Recognition {
  readonly id: string
  readonly publisher: string
  readonly credentialTypes: readonly string[]
  readonly occupations: readonly string[]
  readonly excluded: readonly string[]
  readonly minEqf: number
  readonly maxEqf: number
  readonly purposes: readonly Purpose[]
  readonly jurisdictions: readonly string[]
  readonly intervals: readonly Span[]
  readonly lapses: readonly Span[]
  readonly onward: number
  readonly redress: string
}

export interface Regulation {
  readonly id: string
  readonly occupations: readonly string[]
  readonly jurisdictions: readonly string[]
  readonly intervals: readonly Span[]
  readonly redress: string
}

export interface Refusal {
  readonly occupations: readonly string[]
  readonly redress: string
}

/** What a verifier may ask for. */
export interface Verification {
  readonly id: string
  readonly credentialType: string
  readonly attributes: readonly string[]
  readonly predicates: readonly string[]
  readonly purposes: readonly Purpose[]
  readonly jurisdictions: readonly string[]
  readonly intervals: readonly Span[]
  /** What for, in the verifier's own words; null: the file does not say, as with the others. */
  readonly aim: string | null
  /** Address of its privacy policy. */
  readonly policy: string | null
  /** How long it keeps answers; 0: not at all. */
  readonly keepsDays: number | null
}

/** At least `threshold` of `parties` must have signed, the author among them. */
export interface Signatories {
  readonly threshold: number
  readonly parties: readonly string[]
}

/** Where the records of participants lie: that of a DID in the part that has its bucket, the first `bits` bits of its SHA-256. */
export interface Division {
  readonly bits: number
  /** In order; `end` is the bucket before which a part ends. */
  readonly parts: readonly { readonly digest: string; readonly bytes: number; readonly end: number }[]
}

export interface GovernanceFile {
  readonly id: string
  readonly name: string
  readonly author: string
  readonly version: number
  /** By DID, in the order of their ids. */
  readonly accreditations: ReadonlyMap<string, readonly Accreditation[]>
  readonly recognitions: ReadonlyMap<string, readonly Recognition[]>
  readonly verifications: ReadonlyMap<string, readonly Verification[]>
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>
  /** By framework, in the order of their first days. */
  readonly crosswalks: ReadonlyMap<string, readonly Crosswalk[]>
  readonly regulations: readonly Regulation[]
  readonly names: ReadonlyMap<string, string>
  readonly aliases: ReadonlyMap<string, readonly string[]>
  readonly signatories: Signatories | undefined
  readonly division: Division | undefined
  /** The numbers of the parts that were read. */
  readonly loaded: ReadonlySet<number>
}

/** A file with what is known of its freshness; and the files of other authorities that it trusts, by their author. */
export interface Snapshot {
  readonly file: GovernanceFile
  /** End of the statement that vouches for this file, in milliseconds since 1970; undefined: nobody does. */
  readonly freshUntil: number | undefined
  readonly freshFrom: number | undefined
  readonly recognised: ReadonlyMap<string, Snapshot>
}

/** The number, from 0, of the part in which the record of a DID stands, if there is one. */
export function partOf({ bits, parts }: Division, did: string): number {
  const digest = sha256(new TextEncoder().encode(did))
  const bucket = new DataView(digest.buffer, digest.byteOffset).getUint32(0) >>> (32 - bits)
  return parts.findIndex(({ end }) => bucket < end)
}

/** Whether all that a file says about a DID was read: else nothing follows from finding nothing. */
export function holds({ division, loaded }: GovernanceFile, did: string): boolean {
  if (!division || loaded.size === division.parts.length) return true
  if (did.startsWith('did:sov:')) return false // it may have any number of other names
  const names = isOnLedger(did) ? [did, `did:sov:${did.slice(did.lastIndexOf(':') + 1)}`] : [did]
  return names.every((name) => loaded.has(partOf(division, name)))
}

const SKEW_MS = 5 * 60_000

/** Whether the author vouched for this version at an instant. */
export function isFresh({ freshUntil, freshFrom }: Snapshot, at: number): boolean {
  return freshUntil !== undefined && at < freshUntil && (freshFrom === undefined || at >= freshFrom - SKEW_MS)
}

/** Whether a code stands in or below one of some groups. */
export function isUnder(code: string, groups: readonly string[]): boolean {
  return groups.some((group) => code.startsWith(group))
}

/** Whether a code stands in, below or above one of some groups. */
export function overlaps(groups: readonly string[], code: string): boolean {
  return groups.some((group) => code.startsWith(group) || group.startsWith(code))
}

export function eqfOf({ levels }: Crosswalk, level: string): number {
  return levels.find(([name]) => name === level)?.[1] ?? 0
}

/** The levels of a range with their EQF levels; none if the range does not fit the table. */
export function within({ framework, levels }: Crosswalk, range: LevelRange): readonly (readonly [string, number])[] {
  const [from, to] = [range.lowest, range.highest].map((level) => levels.findIndex(([name]) => name === level)) as [number, number]
  return framework !== range.framework || from < 0 || to < 0 ? [] : levels.slice(from, to + 1)
}

export function highestEqf(crosswalk: Crosswalk, range: LevelRange): number {
  return Math.max(0, ...within(crosswalk, range).map(([, eqf]) => eqf))
}
