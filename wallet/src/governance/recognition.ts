// Rules 16 to 27 and 29 of one chain of recognition, numbered as in `governance/deciding/recognition.py` of our agents. A chain leads
// from the home file over recognised authorities to the one that accredits the issuer.

import { aboutIssuer, keep, reason, type Case, type Reason } from './case.js'
import { covers, daysAnywhere, normal, touches, without, type Span } from './days.js'
import { EQF, eqfOf, holds, isFresh, isUnder, overlaps, within, type Accreditation, type GovernanceFile, type Recognition, type Regulation, type Snapshot } from './facts.js'
import { outsideLapse, underName } from './mandate.js'

export const MOST_AUTHORITIES = 4

export interface Chain {
  /** The question as it was put to the home file. */
  readonly question: Case
  /** The recognised ones, the nearest first. */
  readonly authorities: readonly string[]
  /** The home file and those of all authorities but the last. */
  readonly files: readonly Snapshot[]
  /** The file of the last authority, if it is at hand. */
  readonly last: Snapshot | undefined
  /** For each authority, the recognitions that fit so far. */
  readonly fitting: (readonly Recognition[])[]
}

type Outcome = Reason | undefined

export function chainOf(question: Case, authorities: readonly string[], files: readonly Snapshot[], last: Snapshot | undefined): Chain {
  const fitting = files.map(({ file }, position) => file.recognitions.get(authorities[position] as string) ?? [])
  return { question, authorities, files, last, fitting }
}

export function nobodyExcludes({ question, files, authorities }: Chain): Outcome { // 16
  const isExcluded = files.some(({ file }, position) =>
    authorities.slice(position).some((later) => file.recognitions.get(later)?.some(({ excluded }) => isUnder(question.occupation, excluded))),
  )
  return isExcluded ? reason('recognition.excluded', ...authorities) : undefined
}

export function typeRecognised(chain: Chain): Outcome { // 17
  return kept(chain, 'credential_type', ({ credentialTypes }) => credentialTypes.includes(chain.question.evidence.credentialType))
}

export function occupationRecognised(chain: Chain): Outcome { // 18
  return kept(chain, 'occupation', ({ occupations }) => isUnder(chain.question.occupation, occupations))
}

export function purposeRecognised(chain: Chain): Outcome { // 19
  const { question, files, authorities } = chain
  const { purpose, jurisdiction } = question.requirement
  const refused = kept(chain, 'purpose', ({ purposes }) => purposes.includes(purpose))
  if (refused) return refused
  const regulating = regulations((files[0] as Snapshot).file, question.occupation, jurisdiction, question.at)
  if ((purpose === 'study' || regulating.length === 0) && purpose !== 'regulated-profession') return undefined
  if (authorities.length === 1 && !kept(chain, 'purpose', ({ purposes }) => purposes.includes('regulated-profession'))) return undefined
  return reason('occupation.regulated', ...authorities, ...regulating.map(({ id }) => id))
}

/** What a file says is regulated, of an occupation or of what stands above or below it. */
export function regulations(home: GovernanceFile, occupation: string, jurisdiction: string, at: number): Regulation[] {
  const today = daysAnywhere(at)
  return home.regulations.filter(
    (each) => each.jurisdictions.includes(jurisdiction) && touches(each.intervals, today) && overlaps(each.occupations, occupation),
  )
}

export function jurisdictionRecognised(chain: Chain): Outcome { // 20
  const { jurisdiction } = chain.question.requirement
  return keepAt(chain, 0, ({ jurisdictions }) => jurisdictions.includes(jurisdiction)) ? undefined : reason('recognition.jurisdiction', ...chain.authorities)
}

export function levelRecognised(chain: Chain): Outcome { // 21
  const level = chain.question.evidence.provenEqfLevel
  return kept(chain, 'level', ({ minEqf, maxEqf }) => (level ? minEqf <= level && level <= maxEqf : minEqf === 1))
}

export function onwardRecognised(chain: Chain): Outcome { // 22
  for (let position = 0; position < chain.authorities.length - 1; position++) {
    const following = chain.authorities.length - 1 - position
    if (!keepAt(chain, position, ({ onward }) => onward >= following)) return reason('recognition.onward', ...chain.authorities)
  }
  return undefined
}

export function shortAndStraight({ authorities, files, last }: Chain): Outcome { // 23
  if (authorities.length > MOST_AUTHORITIES) return reason('recognition.too_deep', ...authorities)
  const everybody = new Set([(files[0] as Snapshot).file.author, ...authorities])
  if (everybody.size <= authorities.length) return reason('recognition.cycle', ...authorities)
  const read = last ? [...files, last] : files
  const comesAgain = [...everybody].some((did) => [...aliases(did, read)].filter((alias) => everybody.has(alias)).length > 1)
  return comesAgain ? reason('recognition.alias_loop', ...authorities) : undefined
}

export function inForce({ question, authorities, files, fitting }: Chain): Outcome { // 24
  const { awarded } = question.evidence
  for (const [position, authority] of authorities.entries()) {
    let counting: readonly Span[] = normal((fitting[position] as readonly Recognition[]).flatMap(recognisedDays))
    for (const { file } of files.slice(0, position))
      for (const other of file.recognitions.get(authority) ?? [])
        if (overlaps(other.occupations, question.occupation)) counting = other.lapses.reduce(without, counting)
    if (covers(counting, awarded)) continue
    return reason(touches(counting, awarded) ? 'award.date_needed' : 'recognition.not_in_force', ...authorities)
  }
  return undefined
}

export function recognisedDays({ intervals, lapses }: Recognition): readonly Span[] {
  return lapses.reduce(without, intervals)
}

export function nobodyDecidedAgainst({ question, files }: Chain): Outcome { // 25
  const { evidence, occupation } = question
  for (const { file } of files) {
    if (!holds(file, evidence.issuer)) continue // 26
    let left: readonly Span[] = [evidence.awarded]
    for (const accreditation of aboutIssuer(file, evidence.issuer)) {
      if (isUnder(occupation, accreditation.excluded)) return reason('occupation.excluded', accreditation.id)
      if (!overlaps(accreditation.occupations, occupation)) continue
      for (const lapse of accreditation.lapses) {
        left = outsideLapse(question, accreditation.issuer === evidence.issuer ? lapse : underName(lapse, evidence.issuer), left)
        const isWhole = left.length === 1 && left[0]?.first === evidence.awarded.first && left[0].last === evidence.awarded.last
        if (!isWhole) return reason(left.length ? 'award.date_needed' : `status.${lapse.status}`, accreditation.id)
      }
    }
  }
  return undefined
}

export function atHand({ last, files, authorities, question }: Chain): Outcome { // 26
  if (!last) return reason('recognition.unreachable', ...authorities)
  const isRead = [...files, last].every(({ file }) => holds(file, question.evidence.issuer))
  return isRead ? undefined : reason('recognition.part_missing', ...authorities)
}

export function freshThere({ last, authorities, question }: Chain): Outcome { // 27
  return !last || isFresh(last, question.at) ? undefined : reason('recognition.stale', ...authorities)
}

/** Rule 29: each level that the credential may have must reach what is asked by every table on the way that has the framework. */
export function lowestLevelCounts(chain: Chain, judged: Case): Outcome {
  const asked = judged.requirement.minEqfLevel
  const reaches = (candidate: Accreditation): boolean => possible(chain, judged, candidate).every(({ elsewhere }) => elsewhere.every((eqf) => eqf >= (asked as number)))
  return asked === undefined || keep(judged, reaches) ? undefined : reason('level.mapped_lower', ...chain.authorities)
}

/** Whether the tables of a chain that held disagree; then the answer rests on the lowest. */
export function differentLevels(chain: Chain, judged: Case): Outcome {
  const differ = judged.candidates.some((candidate) => possible(chain, judged, candidate).some(({ eqf, elsewhere }) => elsewhere.some((other) => other !== eqf)))
  return judged.requirement.minEqfLevel !== undefined && differ ? reason('level.lowest_counts', ...chain.authorities) : undefined
}

// The levels of the framework that the worker may have, with their EQF levels here and by each other table in force.
function possible({ files }: Chain, { crosswalk, evidence }: Case, { range }: Accreditation) {
  if (!crosswalk) return []
  const others = files.flatMap(({ file }) => file.crosswalks.get(crosswalk.framework) ?? []).filter(({ valid }) => touches([valid], evidence.awarded))
  const isEqf = range.framework === EQF
  return (isEqf ? crosswalk.levels : within(crosswalk, range))
    .filter(([, eqf]) => (evidence.provenEqfLevel ?? 0) <= eqf && !(isEqf && eqf > Number(range.highest)))
    .map(([level, eqf]) => ({ eqf, elsewhere: others.map((table) => eqfOf(table, level)) }))
}

// A DID and every alias that the files state of it, or of one of these, and so on.
function aliases(did: string, files: readonly Snapshot[]): Set<string> {
  const dids = new Set([did])
  for (const known of dids) for (const { file } of files) for (const alias of file.aliases.get(known) ?? []) dids.add(alias)
  return dids
}

function kept(chain: Chain, code: string, fits: (recognition: Recognition) => boolean): Outcome {
  const refused = chain.authorities.findIndex((_, position) => !keepAt(chain, position, fits))
  return refused < 0 ? undefined : reason(`recognition.${code}`, ...chain.authorities)
}

function keepAt(chain: Chain, position: number, fits: (recognition: Recognition) => boolean): boolean {
  const left = (chain.fitting[position] as readonly Recognition[]).filter(fits)
  if (left.length) chain.fitting[position] = left
  return left.length > 0
}
