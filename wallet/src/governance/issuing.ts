// May who offers this sign it? By `may_issue` of `governance/deciding/decision.py` of our agents: the rules of a decision without 3 (but
// for the occupation), 5 and 11; levels exactly; and a lapse that lasts refuses everything.
//
// Of the home file alone: where that could be made good by another authority's file, the answer is UNKNOWN, not NOT_TRUSTED.

import { keep, reason, underOtherNames, type Case, type Evidence, type Reason, type Requirement } from './case.js'
import type { Verdict } from './chains.js'
import { ALWAYS, covers, normal, OPEN_END, touches, without, type Day, type Span } from './days.js'
import { EQF, eqfOf, overlaps, within, type Accreditation, type Crosswalk, type Snapshot } from './facts.js'
import { CEFR, cefrRank, isLanguage } from './isco08.js'
import { underName } from './mandate.js'
import * as rules from './rules.js'

/** What an offer says that it signs. */
export interface Issued {
  /** Who signs, by the DID of what it signs with. */
  readonly issuer: string
  /** `anoncreds:` and the id of the credential definition. */
  readonly source: string
  readonly credentialType: string
  readonly occupation: string
  readonly eqfLevel: number
  readonly awarded: Day
  /** "" where the type has no level. */
  readonly framework: string
  readonly frameworkLevel: string | undefined
  /** As the credential names it; "" or "none": none was used. */
  readonly crosswalkVersion: string
}

export interface MayIssue {
  readonly verdict: Verdict
  readonly reason: Reason
}

const NEVER_MADE_GOOD = ['occupation.excluded', 'occupation.unknown', 'issuer.foreign_cred_def', 'award.in_future']

export function mayIssue(snapshot: Snapshot | undefined, issued: Issued, at: number): MayIssue {
  if (!snapshot) return { verdict: 'UNKNOWN', reason: reason('governance.missing') } // 1
  const question = caseOf(snapshot, issued, at)
  const stale = rules.fresh(question) // 2
  if (stale) return { verdict: 'STALE', reason: stale }
  const table: readonly ((question: Case) => Reason | undefined)[] = [
    rules.occupationExists, // 3
    rules.belongs, // 4
    rules.notInFuture, // 6
    rules.issuerListed, // 7
    rules.notExcluded, // 8
    rules.sourceListed, // 9
    rules.occupationCovered, // 10
    rules.crosswalkInForce, // 12
    (each) => levelSigned(each, issued), // 13
    inMandateNow, // 14
  ]
  for (const rule of table) {
    const failure = rule(question)
    if (!failure) continue
    const isOpen = failure.code === rules.PART_MISSING || (snapshot.file.recognitions.size > 0 && !NEVER_MADE_GOOD.includes(failure.code))
    return { verdict: isOpen ? 'UNKNOWN' : 'NOT_TRUSTED', reason: failure }
  }
  return { verdict: 'TRUSTED', reason: reason('issuer.accredited', ...question.candidates.map(({ id }) => id)) }
}

function caseOf(snapshot: Snapshot, issued: Issued, at: number): Case {
  const evidence: Evidence = {
    issuer: issued.issuer,
    source: issued.source,
    credentialType: issued.credentialType,
    occupation: issued.occupation,
    provenEqfLevel: issued.eqfLevel,
    provenCefrLevel: issued.framework === CEFR ? issued.frameworkLevel : undefined,
    framework: issued.framework,
    crosswalkVersion: issued.crosswalkVersion,
    awarded: { first: issued.awarded, last: issued.awarded },
    expiresOn: undefined,
    status: undefined,
    binding: 'link-secret',
  }
  // Nobody requires anything: rules that ask for it are left out.
  const requirement: Requirement = {
    occupation: issued.occupation,
    jurisdiction: '',
    minEqfLevel: undefined,
    minCefrLevel: undefined,
    credentialType: issued.credentialType,
    notRevoked: false,
    purpose: 'employment',
    isNamed: false,
  }
  return { requirement, evidence, occupation: issued.occupation, snapshot, at, candidates: [], crosswalk: undefined }
}

// 13
function levelSigned(question: Case, { framework, frameworkLevel, eqfLevel }: Issued): Reason | undefined {
  if (isLanguage(question.occupation)) return cefrSigned(question)
  if (!framework) return undefined
  if (!keep(question, ({ range }) => range.framework === EQF || range.framework === framework)) return reason('framework.not_covered', framework)
  const { crosswalk, snapshot } = question
  if (frameworkLevel !== undefined && eqfLevel !== computedLevel(crosswalk, framework, frameworkLevel)) return reason('level.miscomputed', frameworkLevel)
  // Without a crosswalk in force there is no EQF level, but the framework still has its order of levels.
  const tables: readonly Crosswalk[] = crosswalk ? [crosswalk] : (snapshot.file.crosswalks.get(framework) ?? [])
  const fits = ({ range }: Accreditation): boolean => {
    if (range.framework === EQF) return Number(range.lowest) <= eqfLevel && eqfLevel <= Number(range.highest)
    if (frameworkLevel !== undefined) return tables.some((table) => within(table, range).some(([name]) => name === frameworkLevel))
    return crosswalk !== undefined && within(crosswalk, range).some(([, eqf]) => eqf === eqfLevel)
  }
  return keep(question, fits) ? undefined : reason('level.not_covered', frameworkLevel ?? String(eqfLevel))
}

function computedLevel(crosswalk: Crosswalk | undefined, framework: string, level: string): number {
  if (framework === EQF) return /^[1-8]$/.test(level) ? Number(level) : 0
  return crosswalk ? eqfOf(crosswalk, level) : 0
}

function cefrSigned(question: Case): Reason | undefined {
  const { framework, provenCefrLevel: level } = question.evidence
  if (framework !== CEFR || !keep(question, ({ range }) => range.framework === CEFR)) return reason('framework.not_covered', CEFR)
  if (level === undefined) return undefined
  const rank = cefrRank(level)
  const fits = ({ range }: Accreditation): boolean => rank > 0 && cefrRank(range.lowest) <= rank && rank <= cefrRank(range.highest)
  return keep(question, fits) ? undefined : reason('level.not_covered', level)
}

// 14: what is signed now comes after every decision.
function inMandateNow({ candidates, evidence, snapshot, occupation }: Case): Reason | undefined {
  const others = underOtherNames(snapshot.file, evidence.issuer)
    .filter(({ occupations }) => overlaps(occupations, occupation))
    .flatMap(({ lapses }) => lapses.map((lapse) => underName(lapse, evidence.issuer)))
  const counting = normal(
    candidates.flatMap(({ intervals, lapses }) =>
      [...lapses, ...others].reduce<readonly Span[]>((spans, { days }) => without(without(spans, days), days.last === OPEN_END ? ALWAYS : days), intervals),
    ),
  )
  if (covers(counting, evidence.awarded)) return undefined
  if (touches(counting, evidence.awarded)) return reason('award.date_needed', evidence.awarded.first)
  const isMandated = covers(normal(candidates.flatMap(({ intervals }) => intervals)), evidence.awarded)
  if (!isMandated) return reason('mandate.outside', evidence.awarded.first)
  const latest = [...candidates.flatMap(({ lapses }) => lapses), ...others].reduce((a, b) => (`${a.days.first} ${a.status}` >= `${b.days.first} ${b.status}` ? a : b))
  return reason(`status.${latest.status}`, evidence.awarded.first)
}

