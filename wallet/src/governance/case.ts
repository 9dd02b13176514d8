// A question as the rules see it, and how far they have come with it.

import type { Span } from './days.js'
import type { Accreditation, Binding, Crosswalk, GovernanceFile, Purpose, Snapshot } from './facts.js'
import { isOnLedger, mayBeOne } from './ledgers.js'

/** What the one who decides wants to be true. */
export interface Requirement {
  readonly occupation: string
  /** ISO 3166-1 alpha-3. */
  readonly jurisdiction: string
  readonly minEqfLevel: number | undefined
  readonly minCefrLevel: string | undefined
  readonly credentialType: string
  readonly notRevoked: boolean
  readonly purpose: Purpose
  /** Whether the holder is asked to be named. */
  readonly isNamed: boolean
}

/** What is shown of one credential; `governance/facts/question.py` says who vouches for what. */
export interface Evidence {
  readonly issuer: string
  readonly source: string
  readonly credentialType: string
  readonly occupation: string
  readonly provenEqfLevel: number | undefined
  readonly provenCefrLevel: string | undefined
  /** Empty where the type has no level. */
  readonly framework: string
  readonly crosswalkVersion: string | undefined
  readonly awarded: Span
  readonly expiresOn: string | undefined
  /** The list from which non-revocation is proven. */
  readonly status: string | undefined
  readonly binding: Binding
}

/** Why something is refused, or accepted: a stable code, and what it is about, for whoever puts it in words. */
export interface Reason {
  readonly code: string
  readonly about: readonly string[]
}

export interface Case {
  readonly requirement: Requirement
  readonly evidence: Evidence
  readonly occupation: string
  readonly snapshot: Snapshot
  readonly at: number
  /** The accreditations that fit so far. */
  candidates: readonly Accreditation[]
  crosswalk: Crosswalk | undefined
}

export function reason(code: string, ...about: string[]): Reason {
  return { code, about }
}

/** Narrow the candidates down to those that fit; where none does, leave them as they were and give false. */
export function keep(question: Case, fits: (candidate: Accreditation) => boolean): boolean {
  const fitting = question.candidates.filter(fits)
  if (fitting.length) question.candidates = fitting
  return fitting.length > 0
}

/** What a file says of the same DID under its other names on an Indy ledger; of most: nothing. */
export function underOtherNames(file: GovernanceFile, did: string): Accreditation[] {
  if (!isOnLedger(did)) return []
  return [...file.accreditations].filter(([other]) => mayBeOne(other, did)).flatMap(([, listed]) => listed)
}

/** All that a file says of a DID. */
export function aboutIssuer(file: GovernanceFile, did: string): Accreditation[] {
  return [...(file.accreditations.get(did) ?? []), ...underOtherNames(file, did)]
}
