// Does this issuer count? By the numbered rules of `governance/deciding/decision.py` of our agents, whose test vectors this passes; the
// first rule that fails gives the verdict. Rules 1 to 6 are asked once, the others for each part of a group of occupations that the
// files tell apart. Where 7 or 9 to 14 fail, a chain of recognition may make it good.

import { aboutIssuer, reason, type Case, type Evidence, type Reason, type Requirement } from './case.js'
import { follow, type Verdict, type Walked } from './chains.js'
import { holds, type Snapshot } from './facts.js'
import { childrenOf, isLanguage, isOccupation, isUnitGroup } from './isco08.js'
import { inMandate } from './mandate.js'
import * as rules from './rules.js'

export interface Decision {
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
  /** Ids of the recognitions that it rests on, the nearest first; none if the home file decided. */
  readonly chain: readonly string[]
}

type Rule = readonly [number, (question: Case) => Reason | undefined]

const AS_A_WHOLE: readonly Rule[] = [
  [2, rules.fresh],
  [3, rules.occupationExists],
  [3, rules.answers],
  [4, rules.belongs],
  [5, rules.notExpired],
  [6, rules.notInFuture],
]
const OF_EACH_PART: readonly Rule[] = [
  [7, rules.issuerListed],
  [8, rules.notExcluded],
  [9, rules.sourceListed],
  [10, rules.occupationCovered],
  [11, rules.jurisdictionCovered],
  [12, rules.crosswalkInForce],
  [13, rules.levelCovered],
  [14, inMandate],
]
const NEVER_MADE_GOOD = 8

/**
 * Whether a credential satisfies a requirement and its issuer counts for it.
 *
 * @param snapshot the governance to rest on; undefined if there is none
 * @param at the instant of the decision, in milliseconds since 1970
 */
export function decide(requirement: Requirement, evidence: Evidence, snapshot: Snapshot | undefined, at: number): Decision {
  if (!snapshot) return { verdict: 'UNKNOWN', reasons: [reason('governance.missing')], chain: [] } // 1
  const whole: Case = { requirement, evidence, occupation: evidence.occupation, snapshot, at, candidates: [], crosswalk: undefined }
  for (const [number, rule] of AS_A_WHOLE) {
    const failure = rule(whole)
    if (failure) return { verdict: number === 2 ? 'STALE' : ofHome(failure), reasons: [failure], chain: [] }
  }
  const walked: Walked = { count: 0 }
  const decisions: Decision[] = []
  for (const occupation of partsOf(whole)) {
    const decision = decidePart({ ...whole, occupation }, walked)
    if (decision.verdict === 'NOT_TRUSTED') return decision
    decisions.push(decision)
  }
  const unchecked = (['STALE', 'UNKNOWN'] as const).map((verdict) => decisions.find((decision) => decision.verdict === verdict))
  return unchecked.find((decision) => decision !== undefined) ?? together(decisions)
}

function decidePart(question: Case, walked: Walked): Decision {
  for (const [number, rule] of OF_EACH_PART) {
    const failure = rule(question)
    if (!failure) continue
    // What the home file says about the issuer is not known: nobody else may say it.
    if (ofHome(failure) === 'UNKNOWN') return { verdict: 'UNKNOWN', reasons: [failure], chain: [] }
    if (number === NEVER_MADE_GOOD || question.snapshot.file.recognitions.size === 0) return { verdict: 'NOT_TRUSTED', reasons: [failure], chain: [] }
    const { verdict, reasons, chain } = follow(question, walked)
    if (verdict === 'TRUSTED') return { verdict, reasons, chain }
    return { verdict, reasons: verdict === 'NOT_TRUSTED' ? [failure, ...reasons] : [...reasons, failure], chain }
  }
  return { verdict: 'TRUSTED', reasons: [reason('issuer.accredited')], chain: [] }
}

function ofHome({ code }: Reason): Verdict {
  return code === rules.PART_MISSING ? 'UNKNOWN' : 'NOT_TRUSTED'
}

function together(decisions: readonly Decision[]): Decision {
  const reasons = decisions.flatMap((decision) => decision.reasons)
  return {
    verdict: 'TRUSTED',
    reasons: [...new Map(reasons.map((each) => [JSON.stringify(each), each])).values()],
    chain: [...new Set(decisions.flatMap((decision) => decision.chain))],
  }
}

// The widest parts of a group that no code of the files at hand divides. Of parts that the same statements name, the first.
function partsOf({ occupation, snapshot, evidence }: Case): string[] {
  if (isUnitGroup(occupation) || isLanguage(occupation) || !isOccupation(occupation)) return [occupation]
  const scopes = [snapshot, ...snapshot.recognised.values()].flatMap(({ file }) => [
    ...(holds(file, evidence.issuer) ? aboutIssuer(file, evidence.issuer) : []).flatMap((each) => [each.occupations, each.excluded]),
    ...((holds(file, evidence.issuer) && file.refusals.get(evidence.issuer)) || []).map((refusal) => refusal.occupations),
    ...[...file.recognitions.values()].flat().flatMap((each) => [each.occupations, each.excluded]),
    ...file.regulations.map((regulation) => regulation.occupations),
  ])
  const dividing = scopes.flat().filter((code) => code !== occupation && code.startsWith(occupation))
  if (dividing.length === 0) return [occupation]
  const byScopes = new Map<string, string>()
  for (const part of divided(occupation, dividing)) {
    const naming = scopes.map((scope, index) => (scope.some((code) => part.startsWith(code)) ? index : -1)).filter((index) => index >= 0).join()
    if (!byScopes.has(naming)) byScopes.set(naming, part)
  }
  return [...byScopes.values()]
}

function divided(code: string, dividing: readonly string[]): string[] {
  const below = dividing.filter((other) => other !== code && other.startsWith(code))
  const children = below.length ? childrenOf(code) : []
  return children.length ? children.flatMap((child) => divided(child, below)) : [code]
}
