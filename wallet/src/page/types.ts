// Types of credentials as far as the worker knows them: by their attributes, and which of these say what (`schemas/` of our agents).

import type { Issued } from '../governance/issuing.js'
import { CEFR } from '../governance/isco08.js'

interface KnownType {
  readonly id: string
  /** Names that tell it from the others. */
  readonly marks: readonly string[]
  readonly about: string
  readonly framework: string | undefined
  readonly level: string | undefined
}

const TYPES: readonly KnownType[] = [
  { id: 'qualification/1.0', marks: ['occupation_isco08', 'qualification_title', 'framework_level', 'eqf_level'], about: 'occupation_isco08', framework: 'framework', level: 'framework_level' },
  { id: 'experience/1.0', marks: ['occupation_isco08', 'employer', 'months'], about: 'occupation_isco08', framework: undefined, level: undefined },
  { id: 'language/1.0', marks: ['language', 'cefr_level', 'cefr_rank'], about: 'language', framework: undefined, level: 'cefr_level' },
]
const DAY = /^([0-9]{4})([0-9]{2})([0-9]{2})$/
const LEVEL = /^[0-8]$/

/** The type that has these attributes. */
export function typeOf(names: Iterable<string>): string | null {
  const known = new Set(names)
  return TYPES.find(({ marks }) => marks.every((mark) => known.has(mark)))?.id ?? null
}

/** Types that have all of these attributes, of those that a question names. */
export function typesWith(names: Iterable<string>): string[] {
  const known = [...names]
  return TYPES.filter(({ id }) => known.every((name) => ATTRIBUTES[id]?.includes(name) || isThermometer(name))).map(({ id }) => id)
}

/** What an offer signs; undefined: its values do not say it. */
export function issuedOf(type: string | null, values: ReadonlyMap<string, string>, issuer: string, definitionId: string): Issued | undefined {
  const known = TYPES.find(({ id }) => id === type)
  const [, year, month, day] = DAY.exec(values.get('awarded_on') ?? '') ?? []
  const occupation = known && values.get(known.about)
  if (!known || occupation === undefined || year === undefined) return undefined
  const level = known.level && values.get(known.level)
  const eqf = values.get('eqf_level') ?? '0'
  if (!LEVEL.test(eqf)) return undefined
  return {
    issuer,
    source: `anoncreds:${definitionId}`,
    credentialType: known.id,
    occupation,
    eqfLevel: Number(eqf),
    awarded: `${year}-${month}-${day}`,
    framework: known.id === 'language/1.0' ? CEFR : ((known.framework && values.get(known.framework)) ?? ''),
    frameworkLevel: level,
    crosswalkVersion: values.get('crosswalk_version') ?? '',
  }
}

function isThermometer(name: string): boolean {
  return /^(?:eqf_min_[1-8]|cefr_min_[abc][12])$/.test(name)
}

const COMMON = ['credential_id', 'family_name', 'given_names', 'birth_date', 'awarded_on', 'award_year', 'expires_on', 'details']
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  'qualification/1.0': [...COMMON, 'occupation_isco08', 'qualification_title', 'awarding_body', 'framework', 'framework_level', 'eqf_level', 'crosswalk_version', 'learning_setting', 'country_of_award'],
  'experience/1.0': [...COMMON, 'occupation_isco08', 'employer', 'country_of_work', 'employed_from', 'employed_to', 'months'],
  'language/1.0': [...COMMON, 'language', 'cefr_level', 'cefr_rank', 'examining_body'],
}
