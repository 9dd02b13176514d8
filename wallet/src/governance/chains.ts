// The walk over all chains of recognition, the nearest authorities first, and what they come to (`governance/deciding/chains.py`).
//
// - One chain that holds in every respect is enough: TRUSTED.
// - Where a chain fails only because a file is not at hand or not fresh, it could not be checked: STALE, else UNKNOWN.
// - In all other cases the home file's refusal stands: NOT_TRUSTED.
// - A chain is walked further only if all its recognitions hold and its last file is at hand; the walk ends after 2,000 chains, 4,000
//   for all parts of a group.

import { reason, type Case, type Reason } from './case.js'
import { touches } from './days.js'
import { holds, type Recognition, type Snapshot } from './facts.js'
import * as links from './recognition.js'
import type { Chain } from './recognition.js'
import * as rules from './rules.js'
import { inMandate } from './mandate.js'

export type Verdict = 'TRUSTED' | 'NOT_TRUSTED' | 'UNKNOWN' | 'STALE'

export interface ChainsOutcome {
  readonly verdict: Verdict
  readonly reasons: readonly Reason[]
  /** Ids of the recognitions that it rests on, the nearest first. */
  readonly chain: readonly string[]
}

/** How many chains were walked for one question, for all parts of a group. */
export interface Walked {
  count: number
}

interface Walk {
  readonly chain: Chain
  /** What could not be checked on the way. */
  readonly inherited: readonly Reason[]
  unchecked: Verdict | undefined
  failure: Reason | undefined
  /** What rule 26, 27 or the number of chains says. */
  readonly late: Reason[]
}

interface Start {
  readonly authorities: readonly string[]
  readonly files: readonly Snapshot[]
  readonly unchecked: Verdict | undefined
  readonly late: readonly Reason[]
}

const MOST_CHAINS = 2_000
const MOST_IN_ALL = 4_000
const MOST_REASONS = 12
const LOOPS = ['recognition.cycle', 'recognition.alias_loop', 'recognition.too_deep']
const LINKS = [
  links.nobodyExcludes,
  links.typeRecognised,
  links.occupationRecognised,
  links.purposeRecognised,
  links.jurisdictionRecognised,
  links.levelRecognised,
  links.onwardRecognised,
  links.shortAndStraight,
  links.inForce,
]

/** What the chains of the home file come to, for a question that it refused for a reason that a chain may make good. */
export function follow(question: Case, inAll: Walked): ChainsOutcome {
  const seen: Walk[] = []
  for (const walk of walks(question, inAll)) {
    const judged = walk.failure === undefined && walk.unchecked !== 'UNKNOWN' ? judge(walk) : undefined
    if (judged && walk.failure === undefined && walk.unchecked === undefined) return trusted(walk.chain, judged)
    if (concerns(walk, question.evidence.issuer)) seen.push(walk)
  }
  return refused(seen)
}

function* walks(question: Case, inAll: Walked): Generator<Walk> {
  const home = question.snapshot
  const waiting: Start[] = [{ authorities: [], files: [home], unchecked: undefined, late: [] }]
  let count = 0
  for (let start = waiting.shift(); start; start = waiting.shift()) {
    const before = start.files.at(-1) as Snapshot
    for (const authority of [...before.file.recognitions.keys()].sort()) {
      const chain = links.chainOf(question, [...start.authorities, authority], start.files, home.recognised.get(authority))
      const walk: Walk = { chain, inherited: start.late, unchecked: start.unchecked, failure: undefined, late: [] }
      count += 1
      inAll.count += 1
      if (count > MOST_CHAINS || inAll.count > MOST_IN_ALL) {
        walk.unchecked = 'UNKNOWN'
        walk.late.push(reason('recognition.too_many'))
        yield walk
        return
      }
      for (const rule of LINKS) if ((walk.failure = rule(chain))) break
      const goesOn = walk.failure === undefined
      yield walk
      if (goesOn && chain.last) waiting.push(onward(start, chain, chain.last))
    }
  }
}

function onward(start: Start, chain: Chain, last: Snapshot): Start {
  const late = links.freshThere(chain)
  const reached = { authorities: chain.authorities, files: [...chain.files, last] }
  return late ? { ...reached, unchecked: 'STALE', late: [...start.late, late] } : { ...reached, unchecked: start.unchecked, late: start.late }
}

// Rules 25 to 30 for a chain whose recognitions hold; gives the question as it was put to the last file.
function judge(walk: Walk): Case | undefined {
  const { chain } = walk
  if ((walk.failure = links.nobodyDecidedAgainst(chain))) return undefined
  const missing = links.atHand(chain)
  if (missing || !chain.last) {
    walk.unchecked = 'UNKNOWN'
    if (missing) walk.late.push(missing)
    return undefined
  }
  const late = links.freshThere(chain)
  if (late) {
    walk.unchecked = 'STALE'
    walk.late.push(late)
  }
  const judged: Case = { ...chain.question, snapshot: chain.last, candidates: [], crosswalk: undefined }
  const accrediting = [
    rules.issuerListed,
    rules.notExcluded,
    rules.sourceListed,
    rules.occupationCovered,
    rules.crosswalkInForce,
    rules.levelCovered,
    (asked: Case) => links.lowestLevelCounts(chain, asked),
    inMandate,
  ]
  for (const rule of accrediting) if ((walk.failure = rule(judged))) break
  return judged
}

// Whether people should hear of a chain that does not hold.
function concerns({ failure, chain: { last, files, authorities } }: Walk, issuer: string): boolean {
  if (failure === undefined || LOOPS.includes(failure.code)) return true
  const leadsHome = authorities.includes((files[0] as Snapshot).file.author)
  return last !== undefined && !leadsHome && holds(last.file, issuer) && (last.file.accreditations.get(issuer)?.length ?? 0) > 0
}

function trusted(chain: Chain, judged: Case): ChainsOutcome {
  const relied = chain.fitting.map((fitting) => fitting.filter((each) => touches(links.recognisedDays(each), judged.evidence.awarded)))
  const ids = (recognitions: readonly Recognition[]): string => recognitions.map(({ id }) => id).join(', ')
  const different = links.differentLevels(chain, judged)
  return {
    verdict: 'TRUSTED',
    reasons: [reason('issuer.accredited'), ...relied.map((link) => reason('issuer.recognised', ids(link))), ...(different ? [different] : [])],
    chain: relied.map(ids),
  }
}

// What could not be checked first, then what was checked and fails.
function refused(seen: readonly Walk[]): ChainsOutcome {
  const unchecked = seen.filter(({ failure }) => failure === undefined)
  const told = [...unchecked, ...seen.filter(({ failure }) => failure !== undefined)]
  const all = told.flatMap(({ inherited, late, failure }) => [...inherited, ...late, ...(failure ? [failure] : [])])
  const reasons = [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
  const isLate = unchecked.some((walk) => walk.unchecked === 'STALE')
  return {
    verdict: unchecked.length === 0 ? 'NOT_TRUSTED' : isLate ? 'STALE' : 'UNKNOWN',
    reasons: reasons.length > MOST_REASONS ? [...reasons.slice(0, MOST_REASONS), reason('recognition.more')] : reasons.length ? reasons : [reason('recognition.not_accredited')],
    chain: [],
  }
}
