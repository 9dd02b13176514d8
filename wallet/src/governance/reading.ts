// A governance file (CTE 1.0 with our profile) into `facts.ts`. Whose signature it has was checked before; here its form is. Statements
// of schemas that are not known say nothing to us, as CTE has it.

import { fromBase64url } from '../base64.js'
import { toHex } from '../bytes.js'
import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'
import { normal, OPEN_END, readDay, shifted, type Day, type Span } from './days.js'
import type { Accreditation, Binding, Crosswalk, Division, GovernanceFile, Lapse, LapseStatus, Purpose, Recognition, Refusal, Regulation, Signatories, Verification } from './facts.js'

const CTE = 'https://identity.foundation/credential-trust-establishment/schemas/'
const PROFILE = 'https://w3id.org/wanderbuch/governance/1.0/'
const MOST = 100_000
const MOST_LISTED = 1_000
const LONGEST = 2_048
const BINDINGS: readonly Binding[] = ['link-secret', 'key', 'none']
const HOLDER_BOUND: readonly Binding[] = ['link-secret', 'key']
const PURPOSES: readonly Purpose[] = ['employment', 'study', 'regulated-profession']
const STATUSES = ['active', 'suspended', 'withdrawn'] as const
const MOST_PARTS = 4_096
const MOST_BITS = 16
/** Where there is a part for each bucket, as files were divided at first. */
const MOST_BITS_10 = 12
const SHA256 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const MOST_DAYS = 36_500
const EQF_LEVEL = /^[1-8]$/

interface Decision {
  readonly status: (typeof STATUSES)[number]
  readonly from: Day
  readonly statuses: readonly string[]
}

/** The records of a part of a divided file, by its number. That they are the part that the root names is checked by `readPart`. */
export type Parts = ReadonlyMap<number, readonly Received[]>

/**
 * Read a file: a whole one, or the root of a divided one with some of its parts.
 *
 * @throws MalformedError it does not have its form
 */
export function readGovernanceFile(file: Received, parts: Parts = new Map()): GovernanceFile {
  const entries = file.member('participants').member('entries')
  const about = (uri: string): [string, Received][] => entries.optional(uri)?.entries(MOST, LONGEST) ?? []
  const records = [...parts.values()].flat().flatMap((record): [string, Received][] => {
    const did = record.optional('did')
    return did ? [[did.text(LONGEST), record]] : []
  })
  const statements = <T>(name: string, member: string, read: (did: string, statement: Received) => T): [string, T[]][] =>
    [...about(`${PROFILE}${name}.json`), ...records.filter(([, record]) => record.optional(member))].map(([did, body]) => [
      did,
      body.member(member).items(MOST_LISTED).map((each) => read(did, each)),
    ])
  const described = (uri: string, member: string): [string, Received][] => [
    ...about(uri),
    ...records.flatMap(([did, record]): [string, Received][] => {
      const body = record.optional(member)
      return body ? [[did, body]] : []
    }),
  ]
  const first = <T>(name: string, read: (statement: Received) => T): T | undefined => {
    const [statement] = about(`${PROFILE}${name}.json`).filter(([did]) => did === author)
    return statement && read(statement[1])
  }
  const author = text(file, 'author')
  const own = <T>(listed: [string, T[]][]): T[] => listed.filter(([did]) => did === author).flatMap(([, each]) => each)
  return {
    id: text(file, 'id'),
    name: text(file, 'name'),
    author,
    version: file.member('version').integer(1, Number.MAX_SAFE_INTEGER),
    accreditations: new Map(statements('accreditation', 'accreditations', readAccreditation).map(([did, listed]) => [did, sorted(listed)])),
    recognitions: new Map(statements('recognition', 'recognitions', readRecognition).map(([did, listed]) => [did, sorted(listed)])),
    verifications: new Map(statements('verification', 'verifications', readVerification).map(([did, listed]) => [did, sorted(listed)])),
    refusals: new Map(statements('refusal', 'refusals', readRefusal)),
    crosswalks: byFramework(own(statements('crosswalk', 'crosswalks', readCrosswalk))),
    regulations: sorted(own(statements('regulation', 'regulations', readRegulation))),
    names: new Map(described(`${CTE}description.json`, 'description').map(([did, body]) => [did, text(body, 'name')])),
    aliases: new Map(described(`${CTE}alias.json`, 'alias').map(([did, body]) => [did, texts(body, 'alias_dids')])),
    signatories: first('signatories', readSignatories),
    division: first('divided', readDivision),
    loaded: new Set(parts.keys()),
  }
}

function readSignatories(statement: Received): Signatories {
  const parties = statement.member('parties').items(32).map((party) => text(party, 'did'))
  return { threshold: statement.member('threshold').integer(1, 32), parties }
}

function readDivision(statement: Received): Division {
  const listed = statement.member('parts').items(MOST_PARTS)
  const isFirstForm = listed[0]?.optional('digest') !== undefined
  const bits = statement.member('bits').integer(1, isFirstForm ? MOST_BITS_10 : MOST_BITS)
  let end = 0
  const parts = listed.map((part) => {
    const bytes = part.member('bytes').integer(2, 8 << 20)
    if (part.optional(isFirstForm ? 'buckets' : 'digest')) throw new MalformedError(part.path, 'a part in the form of the others')
    end += isFirstForm ? 1 : part.member('buckets').integer(1, 2 ** MOST_BITS)
    return { digest: isFirstForm ? part.member('digest').text(80) : digestOf(part.member('sha256')), bytes, end }
  })
  if (end !== 2 ** bits) throw new MalformedError(statement.path, 'parts of each bucket once')
  return { bits, parts }
}

function digestOf(stated: Received): string {
  const text = stated.text(43)
  if (!SHA256.test(text)) throw new MalformedError(stated.path, 'the base64url of a SHA-256')
  return `sha256:${toHex(fromBase64url(text, stated.path))}`
}

// Profile 1.0 knew AnonCreds alone; it is read as it always was.
function sourcesOf(statement: Received): string[] {
  if (statement.optional('sources') || !statement.optional('cred_def_ids')) return texts(statement, 'sources')
  return texts(statement, 'cred_def_ids').map((id) => `anoncreds:${id}`)
}

function readAccreditation(issuer: string, statement: Received): Accreditation {
  const range = statement.member('level_range')
  return {
    id: text(statement, 'id'),
    issuer,
    credentialTypes: texts(statement, 'credential_types'),
    sources: sourcesOf(statement),
    bindings: statement.optional('bindings') ? chosen(statement, 'bindings', BINDINGS) : HOLDER_BOUND,
    occupations: texts(statement, 'occupations'),
    excluded: statement.optional('excluded_occupations') ? texts(statement, 'excluded_occupations') : [],
    range: { framework: text(range, 'framework'), lowest: text(range, 'min'), highest: text(range, 'max') },
    jurisdictions: texts(statement, 'jurisdictions'),
    intervals: intervals(statement),
    lapses: lapses(decisions(statement)),
    redress: text(statement, 'redress'),
  }
}

function readRecognition(publisher: string, statement: Received): Recognition {
  const range = statement.member('level_range')
  return {
    id: text(statement, 'id'),
    publisher,
    credentialTypes: texts(statement, 'credential_types'),
    occupations: texts(statement, 'occupations'),
    excluded: statement.optional('excluded_occupations') ? texts(statement, 'excluded_occupations') : [],
    minEqf: eqf(range, 'min'),
    maxEqf: eqf(range, 'max'),
    purposes: chosen(statement, 'purposes', PURPOSES),
    jurisdictions: texts(statement, 'jurisdictions'),
    intervals: intervals(statement),
    lapses: lapses(decisions(statement)).map(({ days }) => days),
    onward: statement.optional('onward')?.integer(0, 16) ?? 0,
    redress: text(statement, 'redress'),
  }
}

function readRegulation(_: string, statement: Received): Regulation {
  return {
    id: text(statement, 'id'),
    occupations: texts(statement, 'occupations'),
    jurisdictions: texts(statement, 'jurisdictions'),
    intervals: intervals(statement),
    redress: text(statement, 'redress'),
  }
}

function readVerification(_: string, statement: Received): Verification {
  return {
    id: text(statement, 'id'),
    credentialType: text(statement, 'credential_type'),
    attributes: texts(statement, 'attributes'),
    predicates: statement.optional('predicates') ? texts(statement, 'predicates') : [],
    purposes: chosen(statement, 'purposes', PURPOSES),
    jurisdictions: texts(statement, 'jurisdictions'),
    intervals: intervals(statement),
    aim: statement.optional('aim')?.text(LONGEST) ?? null,
    policy: statement.optional('privacy_policy')?.text(LONGEST) ?? null,
    keepsDays: statement.optional('keeps_days')?.integer(0, MOST_DAYS) ?? null,
  }
}

function readRefusal(_: string, statement: Received): Refusal {
  return { occupations: texts(statement, 'occupations'), redress: text(statement, 'redress') }
}

function readCrosswalk(_: string, statement: Received): Crosswalk {
  const until = statement.optional('valid_until')
  return {
    version: text(statement, 'version'),
    framework: text(statement, 'framework'),
    valid: { first: readDay(statement.member('valid_from')), last: until ? readDay(until) : OPEN_END },
    levels: statement.member('levels').items(MOST_LISTED).map((row) => [text(row, 'level'), row.optional('eqf')?.integer(1, 8) ?? 0]),
  }
}

function intervals(statement: Received): Span[] {
  return normal(
    statement.member('intervals').items(MOST_LISTED).map((interval) => {
      const end = interval.optional('end')
      return { first: readDay(interval.member('start')), last: end ? readDay(end) : OPEN_END }
    }),
  )
}

function decisions(statement: Received): Decision[] {
  return (statement.optional('status')?.items(MOST_LISTED) ?? []).map((decision) => ({
    status: one(decision.member('status'), STATUSES),
    from: readDay(decision.member('effective_from')),
    statuses: decision.optional('registries')
      ? texts(decision, 'registries').map((id) => `anoncreds:${id}`) // profile 1.0
      : decision.optional('statuses')
        ? texts(decision, 'statuses')
        : [],
  }))
}

// A suspension lasts until a later decision says "active", a withdrawal for ever; a later decision never widens what an earlier left.
function lapses(decided: readonly Decision[]): Lapse[] {
  return decided.flatMap(({ status, from, statuses }, index) => {
    if (status === 'active') return []
    const end = status === 'suspended' ? decided.slice(index + 1).find((later) => later.status === 'active') : undefined
    if (end && end.from <= from) return [] // lifted from its first day on: it never was
    const days = { first: from, last: end ? shifted(end.from, -1) : OPEN_END }
    return [{ status: status as LapseStatus, days, statusesBefore: statuses, statusesAtEnd: end?.statuses ?? [] }]
  })
}

function byFramework(crosswalks: readonly Crosswalk[]): Map<string, Crosswalk[]> {
  const tables = new Map<string, Crosswalk[]>()
  for (const crosswalk of [...crosswalks].sort((a, b) => (`${a.valid.first} ${a.version}` < `${b.valid.first} ${b.version}` ? -1 : 1)))
    tables.set(crosswalk.framework, [...(tables.get(crosswalk.framework) ?? []), crosswalk])
  return tables
}

function sorted<T extends { readonly id: string }>(statements: readonly T[]): T[] {
  return [...statements].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function text(received: Received, name: string): string {
  return received.member(name).text(LONGEST)
}

function texts(received: Received, name: string): string[] {
  return received.member(name).items(MOST_LISTED).map((item) => item.text(LONGEST))
}

function chosen<T extends string>(received: Received, name: string, known: readonly T[]): T[] {
  return received.member(name).items(MOST_LISTED).map((item) => one(item, known))
}

function one<T extends string>(received: Received, known: readonly T[]): T {
  const value = received.text(64) as T
  if (!known.includes(value)) throw new MalformedError(received.path, `one of ${known.join(', ')}`)
  return value
}

function eqf(range: Received, name: string): number {
  const level = text(range, name)
  if (!EQF_LEVEL.test(level)) throw new MalformedError(`${range.path}.${name}`, 'an EQF level, 1 to 8')
  return Number(level)
}
