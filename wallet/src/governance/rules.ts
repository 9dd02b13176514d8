// Rules 2 to 13 of the decision, one function each, numbered as in `governance/deciding/decision.py` of our agents. Each gives why it
// failed, or nothing if it held. A rule that fails leaves the candidates as it found them.

import { aboutIssuer, keep, reason, type Case, type Reason } from './case.js'
import { covers, daysAnywhere, touches } from './days.js'
import { EQF, highestEqf, holds, isFresh, isUnder, NO_CROSSWALK, type Accreditation } from './facts.js'
import { CEFR, cefrRank, isLanguage, isOccupation } from './isco08.js'
import { publisherOf } from './ledgers.js'

type Outcome = Reason | undefined

const ANONCREDS = 'anoncreds:'

export function fresh({ snapshot, at }: Case): Outcome { // 2
  return isFresh(snapshot, at) ? undefined : reason('governance.stale', snapshot.file.name)
}

export function occupationExists({ occupation }: Case): Outcome { // 3
  return isOccupation(occupation) || isLanguage(occupation) ? undefined : reason('occupation.unknown', occupation)
}

export function answers(question: Case): Outcome { // 3
  const { requirement: asked, evidence, occupation, snapshot } = question
  if (evidence.credentialType !== asked.credentialType) return reason('requirement.credential_type', evidence.credentialType)
  const isBelow = occupation.startsWith(asked.occupation) && isOccupation(asked.occupation)
  if (occupation !== asked.occupation && !isBelow) return reason('requirement.occupation', occupation)
  if (asked.minEqfLevel !== undefined && (evidence.provenEqfLevel ?? 0) < asked.minEqfLevel) return reason('requirement.level')
  if (asked.minCefrLevel !== undefined && cefrRank(evidence.provenCefrLevel ?? '') < cefrRank(asked.minCefrLevel)) return reason('requirement.level')
  if (asked.notRevoked && evidence.status === undefined) return reason('requirement.revocation')
  if (evidence.binding !== 'none') return undefined
  if (!asked.isNamed) return reason('requirement.subject')
  if (!holds(snapshot.file, evidence.issuer)) return partMissing()
  const listed = snapshot.file.accreditations.get(evidence.issuer) ?? []
  const isAllowed = listed.some(({ bindings, sources }) => bindings.includes('none') && sources.includes(evidence.source))
  return isAllowed ? undefined : reason('binding.not_allowed')
}

export function belongs({ evidence: { source, status, issuer } }: Case): Outcome { // 4
  if (isOfAnother(source, issuer)) return reason('issuer.foreign_cred_def')
  return status !== undefined && isOfAnother(status, issuer) ? reason('issuer.foreign_registry') : undefined
}

export function notExpired({ evidence: { expiresOn }, at }: Case): Outcome { // 5
  return expiresOn !== undefined && expiresOn < daysAnywhere(at).first ? reason('credential.expired', expiresOn) : undefined
}

export function notInFuture({ evidence: { awarded }, at }: Case): Outcome { // 6
  return awarded.first > daysAnywhere(at).last ? reason('award.in_future', awarded.first) : undefined
}

export const PART_MISSING = 'governance.part_missing'

function partMissing(): Reason {
  return reason(PART_MISSING)
}

export function issuerListed(question: Case): Outcome { // 7
  if (!holds(question.snapshot.file, question.evidence.issuer)) return partMissing()
  question.candidates = question.snapshot.file.accreditations.get(question.evidence.issuer) ?? []
  return question.candidates.length ? undefined : reason('issuer.not_accredited')
}

export function notExcluded(question: Case): Outcome { // 8
  const { occupation, snapshot, evidence } = question
  if (!aboutIssuer(snapshot.file, evidence.issuer).some(({ excluded }) => isUnder(occupation, excluded))) return undefined
  keep(question, ({ excluded }) => isUnder(occupation, excluded))
  return reason('occupation.excluded', occupation)
}

export function sourceListed(question: Case): Outcome { // 9
  const { evidence, occupation, candidates } = question
  const lists = ({ sources }: Accreditation): boolean => sources.includes(evidence.source)
  const isOfType = ({ credentialTypes }: Accreditation): boolean => credentialTypes.includes(evidence.credentialType)
  const isBound = ({ bindings }: Accreditation): boolean => bindings.includes(evidence.binding)
  // Rule 10's question is asked here first; where none fits in all of them, they are asked one by one.
  if (keep(question, (each) => isUnder(occupation, each.occupations) && lists(each) && isOfType(each) && isBound(each))) return undefined
  question.candidates = candidates
  if (!keep(question, lists)) return reason('cred_def.not_listed')
  if (!keep(question, isOfType)) return reason('credential_type.not_listed', evidence.credentialType)
  return keep(question, isBound) ? undefined : reason('binding.not_allowed')
}

export function occupationCovered(question: Case): Outcome { // 10
  return keep(question, ({ occupations }) => isUnder(question.occupation, occupations)) ? undefined : reason('occupation.not_covered', question.occupation)
}

export function jurisdictionCovered(question: Case): Outcome { // 11
  const { jurisdiction } = question.requirement
  return keep(question, ({ jurisdictions }) => jurisdictions.includes(jurisdiction)) ? undefined : reason('jurisdiction.not_covered', jurisdiction)
}

export function crosswalkInForce(question: Case): Outcome { // 12
  const { evidence, snapshot } = question
  const version = evidence.crosswalkVersion === '' || evidence.crosswalkVersion === NO_CROSSWALK ? undefined : evidence.crosswalkVersion
  if (version === undefined) return evidence.framework === EQF || !evidence.provenEqfLevel ? undefined : reason('crosswalk.missing')
  question.crosswalk = snapshot.file.crosswalks.get(evidence.framework)?.find((table) => table.version === version)
  if (!question.crosswalk) return reason('crosswalk.unknown', version)
  const valid = [question.crosswalk.valid]
  if (covers(valid, evidence.awarded)) return undefined
  return reason(touches(valid, evidence.awarded) ? 'award.date_needed' : 'crosswalk.not_in_force', version)
}

export function levelCovered(question: Case): Outcome { // 13
  const { evidence, crosswalk } = question
  if (isLanguage(question.occupation)) return cefrCovered(question)
  if (!evidence.framework) return undefined
  if (!keep(question, ({ range }) => range.framework === EQF || range.framework === evidence.framework)) return reason('framework.not_covered', evidence.framework)
  const level = evidence.provenEqfLevel
  const reaches = ({ range }: Accreditation): boolean => {
    if (level === undefined) return true
    return range.framework === EQF ? level <= Number(range.highest) : crosswalk !== undefined && level <= highestEqf(crosswalk, range)
  }
  return keep(question, reaches) ? undefined : reason('level.not_covered', String(level))
}

function cefrCovered(question: Case): Outcome {
  const { framework, provenCefrLevel: level } = question.evidence
  if (framework !== CEFR || !keep(question, ({ range }) => range.framework === CEFR)) return reason('framework.not_covered', CEFR)
  const rank = cefrRank(level ?? '')
  if (level === undefined || keep(question, ({ range }) => rank > 0 && rank <= cefrRank(range.highest))) return undefined
  return reason('level.not_covered', level)
}

// Sources and statuses name their owner by a DID; those of certificates, and addresses of lists, name nobody.
function isOfAnother(id: string, issuer: string): boolean {
  if (id.startsWith(ANONCREDS)) return publisherOf(id.slice(ANONCREDS.length)) !== issuer
  const party = id.includes('|') ? id.slice(id.indexOf('|') + 1) : ''
  return party.startsWith('did:') && party !== issuer
}

