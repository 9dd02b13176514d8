// May this verifier ask that? By the rules of `governance/deciding/asking_rules.py` of our agents: asked before the worker is bothered.
//
// 1. Without a governance file nothing is known. 2. It must be fresh. 3. It says what the verifier may ask; of whom it says nothing,
// nothing is known, and the worker may still decide to answer. 4 to 8. One statement fits in every respect: credential type, purpose, day,
// attributes that would be revealed, attributes of predicates. What two statements allow is never added up.

import { reason, type Reason } from './case.js'
import { daysAnywhere, touches } from './days.js'
import { holds, isFresh, type Purpose, type Snapshot, type Verification } from './facts.js'
import type { Verdict } from './chains.js'
import { PART_MISSING } from './rules.js'

export interface Asked {
  /** A DID, proven; a label proves nothing. */
  readonly verifier: string
  readonly credentialType: string
  readonly revealed: readonly string[]
  readonly predicates: readonly string[]
  readonly purpose: Purpose
}

export function mayAsk(snapshot: Snapshot | undefined, asked: Asked, at: number): { readonly verdict: Verdict; readonly reason: Reason } {
  if (!snapshot) return { verdict: 'UNKNOWN', reason: reason('governance.missing') } // 1
  const { file } = snapshot
  if (!isFresh(snapshot, at)) return { verdict: 'STALE', reason: reason('governance.stale', file.name) } // 2
  if (!holds(file, asked.verifier)) return { verdict: 'UNKNOWN', reason: reason(PART_MISSING) } // 3
  let fitting: readonly Verification[] = file.verifications.get(asked.verifier) ?? []
  if (fitting.length === 0) return { verdict: 'UNKNOWN', reason: reason('verifier.not_listed') }
  const today = daysAnywhere(at)
  const tests: readonly [string, (statement: Verification) => boolean][] = [
    ['verification.credential_type', ({ credentialType }) => credentialType === asked.credentialType], // 4
    ['verification.purpose', ({ purposes }) => purposes.includes(asked.purpose)], // 5
    ['verification.not_in_force', ({ intervals }) => touches(intervals, today)], // 6
    ['verification.attributes', ({ attributes }) => asked.revealed.every((name) => attributes.includes(name))], // 7
    ['verification.predicates', ({ attributes, predicates }) => asked.predicates.every((name) => attributes.includes(name) || predicates.includes(name))], // 8
  ]
  for (const [code, fits] of tests) {
    const left = fitting.filter(fits)
    if (left.length === 0) return { verdict: 'NOT_TRUSTED', reason: reason(code, ...fitting.map(({ id }) => id)) }
    fitting = left
  }
  return { verdict: 'TRUSTED', reason: reason('verifier.may_ask', ...fitting.map(({ id }) => id)) }
}

/** What the file says, in force now, of what a verifier asks for, how long it keeps answers and how it treats data; each once. */
export function registeredFor(snapshot: Snapshot, verifier: string, at: number): Pick<Verification, 'aim' | 'policy' | 'keepsDays'>[] {
  if (!isFresh(snapshot, at)) return []
  const told = (snapshot.file.verifications.get(verifier) ?? []).filter(({ intervals }) => touches(intervals, daysAnywhere(at)))
  return [...new Map(told.map(({ aim, policy, keepsDays }) => [`${aim} ${policy} ${keepsDays}`, { aim, policy, keepsDays }])).values()].filter((each) => Object.values(each).some((value) => value !== null))
}

/** What is asked beyond the statement that lets the verifier ask for the most of it. None: it may ask that, or no statement is for this. */
export function beyond(snapshot: Snapshot, { verifier, credentialType, revealed, predicates, purpose }: Asked, at: number): string[] {
  const today = daysAnywhere(at)
  const statements = (snapshot.file.verifications.get(verifier) ?? []).filter(
    (each) => each.credentialType === credentialType && each.purposes.includes(purpose) && touches(each.intervals, today),
  )
  const lacking = statements.map((each) => [
    ...revealed.filter((name) => !each.attributes.includes(name)),
    ...predicates.filter((name) => !each.attributes.includes(name) && !each.predicates.includes(name)),
  ])
  const [least = []] = lacking.sort((one, two) => one.length - two.length)
  return [...new Set(least)]
}
