// Why no certificate answers a question: what keeps the one that comes closest from it.

import type { PresentationRequest } from '../anoncreds/presentation_request.js'
import type { Entry } from '../exchange/credentials.js'
import { failings, type Failing, type Restrictions } from '../exchange/fitting.js'
import type { Misfit } from './protocol.js'

type Code = Misfit['code']

// From what comes closest to what is farthest.
const ORDER: readonly Code[] = ['revoked', 'over', 'ends', 'level', 'issuer', 'value', 'occupation', 'attribute']
const LEVELS = /^(?:eqf_level|eqf_min_[1-8]|cefr_level|cefr_rank|cefr_min_[abc][12]|framework_level)$/
const ABOUT = ['occupation_isco08', 'language']
const EXPIRES = 'expires_on'

export interface Closest {
  readonly code: Code
  readonly entry: Entry | undefined
  readonly names: readonly string[]
}

/** Whether an entry's last day of validity is over. */
export function isOver({ credential }: Entry, today: string): boolean {
  const raw = credential.attributes.get(EXPIRES)?.raw
  return raw !== undefined && /^[0-9]{8}$/.test(raw) && raw < today
}

/**
 * @param today YYYYMMDD here
 * @param entries of which none answers all of the request
 */
export function closest(entries: readonly Entry[], request: PresentationRequest, restrictions: Map<string, Restrictions>, today: string): Closest {
  if (entries.length === 0) return { code: 'empty', entry: undefined, names: [] }
  const tried = entries.map((entry) => {
    const lacks = [...restrictions.keys()].map((referent) => failings(entry.credential, request, restrictions, referent))
    const codes = lacks.flat().map((failing) => ({ code: codeOf(failing, entry, today), name: failing.name }))
    if (isOver(entry, today)) codes.push({ code: 'over', name: EXPIRES })
    if (entry.isKnownRevoked) codes.push({ code: 'revoked', name: '' })
    const code = ORDER[Math.max(0, ...codes.map((each) => ORDER.indexOf(each.code)))] as Code
    return { entry, lacks, distance: ORDER.indexOf(code), code, names: [...new Set(codes.filter((each) => each.code === code).map(({ name }) => name))] }
  })
  const usable = tried.filter(({ entry }) => !entry.isKnownRevoked && !isOver(entry, today))
  const isSplit = restrictions.size > 1 && [...restrictions.keys()].every((_, index) => usable.some(({ lacks }) => lacks[index]?.length === 0))
  if (isSplit) return { code: 'several', entry: undefined, names: [] }
  // The newest of those that come closest.
  const [best] = [...tried].reverse().sort((one, two) => one.distance - two.distance || one.lacks.flat().length - two.lacks.flat().length) as [(typeof tried)[number]]
  return { code: best.code, entry: best.code === 'attribute' ? undefined : best.entry, names: best.names }
}

function codeOf({ kind, name }: Failing, entry: Entry, today: string): Code {
  if (kind === 'attribute') return 'attribute'
  if (kind === 'source') return 'issuer'
  if (name === EXPIRES) return isOver(entry, today) ? 'over' : 'ends'
  if (LEVELS.test(name)) return 'level'
  return ABOUT.includes(name) ? 'occupation' : 'value'
}
