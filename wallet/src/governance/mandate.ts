// Rule 14: on which days an award counts, given the mandate, suspensions and withdrawals. Award dates are the issuer's own word, so a
// lapse takes more than its own days from a credential whose status list did not exist when it was decided.

import { reason, underOtherNames, type Case, type Reason } from './case.js'
import { ALWAYS, covers, FIRST_DAY, normal, touches, without, type Span } from './days.js'
import { overlaps, type Accreditation, type Lapse } from './facts.js'
import { statusNamedBy } from './ledgers.js'

export function inMandate(question: Case): Reason | undefined { // 14
  const { candidates, evidence } = question
  const counting = normal(candidates.flatMap((candidate) => countingDays(question, candidate)))
  if (covers(counting, evidence.awarded)) return undefined
  return reason(touches(counting, evidence.awarded) ? 'award.date_needed' : inTheWay(question), evidence.awarded.first, evidence.awarded.last)
}

/** The award dates that count for a credential of this case's status list. */
export function countingDays(question: Case, accreditation: Accreditation): readonly Span[] {
  return [...accreditation.lapses, ...otherLapses(question)].reduce((spans, lapse) => outsideLapse(question, lapse, spans), accreditation.intervals)
}

/** The days of `spans` that a lapse leaves to this case. */
export function outsideLapse(question: Case, lapse: Lapse, spans: readonly Span[]): readonly Span[] {
  return without(without(spans, lapse.days), backdated(lapse, question.evidence.status))
}

/** A lapse whose registries on a ledger are named as an issuer, another name of the same DID, names them. */
export function underName(lapse: Lapse, issuer: string): Lapse {
  const named = (statuses: readonly string[]): string[] => statuses.map((status) => statusNamedBy(status, issuer))
  return { ...lapse, statusesBefore: named(lapse.statusesBefore), statusesAtEnd: named(lapse.statusesAtEnd) }
}

// What keeps the award from counting: mandate, else lapse, else registry.
function inTheWay(question: Case): string {
  const { candidates, evidence } = question
  if (!covers(normal(candidates.flatMap(({ intervals }) => intervals)), evidence.awarded)) return 'mandate.outside'
  const others = otherLapses(question)
  const lapses = [...candidates.flatMap((candidate) => candidate.lapses), ...others]
  const latest = lapses.reduce((a, b) => (`${a.days.first} ${a.status}` >= `${b.days.first} ${b.status}` ? a : b))
  const standing = candidates.flatMap((candidate) =>
    [...candidate.lapses, ...others].reduce((spans, lapse) => without(spans, lapse.days), candidate.intervals),
  )
  return covers(normal(standing), evidence.awarded) ? 'registry.not_pinned' : `status.${latest.status}`
}

// What was decided for the occupation under other names of the issuer's DID.
function otherLapses({ snapshot, evidence, occupation }: Case): Lapse[] {
  return underOtherNames(snapshot.file, evidence.issuer)
    .filter(({ occupations }) => overlaps(occupations, occupation))
    .flatMap(({ lapses }) => lapses.map((lapse) => underName(lapse, evidence.issuer)))
}

// The award dates that a lapse takes from a status list, beyond its own days.
function backdated(lapse: Lapse, status: string | undefined): Span {
  // Without one it may have been signed during the lapse, but then the award was dated before its end.
  if (status === undefined) return { first: FIRST_DAY, last: lapse.days.last }
  if (lapse.statusesBefore.includes(status)) return lapse.days
  const isMadeAfter = lapse.days.last !== ALWAYS.last && !lapse.statusesAtEnd.includes(status)
  return isMadeAfter ? lapse.days : ALWAYS
}
