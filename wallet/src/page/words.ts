// The page's words: a catalogue of sentences a language, and what credentials are made of, in words.
//
// Catalogues are JSON, made of `wallet/words/` (gettext): a key, and a sentence with {names}. `machine` marks a catalogue that no native
// reader has signed: consent then shows the English sentence beside it, which is what `second` says.

import { isDay } from '../governance/days.js'
import { again } from './again.js'

export interface Catalogue {
  readonly language: string
  readonly machine: boolean
  readonly sentences: Readonly<Record<string, string>>
}

/** What credentials are made of, by type (`schemas/` of our agents); how that is called, the catalogues say. */
export interface Facts {
  readonly types: Readonly<Record<string, readonly AttributeFacts[]>>
  /** `tree` has of each code its last digit and how many digits it has, each group before what is in it; titles are in that order. */
  readonly occupations: { readonly tree: string; readonly titles: readonly string[] }
  readonly frameworks: Readonly<Record<string, { readonly label: string; readonly levels: Readonly<Record<string, string>> }>>
  /** ISO 3166-1 alpha-3 to alpha-2, by which browsers name countries. */
  readonly countries: Readonly<Record<string, string>>
}

export interface AttributeFacts {
  readonly name: string
  readonly kind: 'text' | 'code' | 'date' | 'integer' | 'level'
  readonly list?: 'occupations' | 'frameworks' | 'countries' | 'languages'
  /** The attribute that names the framework of a level, or the framework itself. */
  readonly framework?: string
  /** What stands for nothing. */
  readonly absent?: string
  /** Follows from another attribute: 'at_least' is yes or no. */
  readonly computed?: string
}

/** A piece of a text: of the page's language, or English where there is none in it. */
export type Piece = string | { readonly english: string }

/** What is filled in. */
export type Named = Readonly<Record<string, string | number | readonly Piece[]>>

/** A text without the marks of its language. */
export function flat(pieces: readonly Piece[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.english)).join('')
}

export interface InWords {
  readonly label: string
  readonly text: readonly Piece[]
  /** Whether it follows from another value, so that it need not be read. */
  readonly follows: boolean
  /** Whether it is for programs: the number of a table, not a word about the person. */
  readonly isNumber: boolean
}

/** Of the page, each by its own name. */
export const LANGUAGES: readonly (readonly [string, string])[] = [
  ['en', 'English'],
  ['si', 'සිංහල'],
  ['ta', 'தமிழ்'],
  ['hi', 'हिन्दी'],
  ['ar', 'العربية'],
  ['fr', 'Français'],
  ['es', 'Español'],
]
const RIGHT_TO_LEFT = ['ar']
/** Those that have titles of occupations beside English. */
const WITH_TITLES = ['es', 'fr']
export const NO_END = '99991231'
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
// What turns letters around. Isolates stay: another sentence that is filled in has its own.
const TURNS = /[\u202a-\u202e\u2066\u2067]/g
const DAY = /^([0-9]{4})([0-9]{2})([0-9]{2})$/
/** Of a level, the number of the table by which it is compared. */
const TABLE = 'crosswalk_version'
const STEP = /^(eqf|cefr)_min_([a-z0-9]{1,2})$/

export class Words {
  readonly #catalogue: Catalogue
  readonly #facts: Facts
  /** Of occupations, in the order of the codes. */
  readonly #titles: readonly string[]
  /** English, where a machine made this language (see above). */
  readonly second: Words | undefined
  // Each takes the browser a millisecond and more to make.
  readonly #dates = new Map<string | undefined, Intl.DateTimeFormat>()
  readonly #names = new Map<'region' | 'language', Intl.DisplayNames>()
  #and: Intl.ListFormat | undefined
  #hasWords: boolean | undefined

  constructor(catalogue: Catalogue, facts: Facts, titles: readonly string[] = [], second?: Words) {
    this.#catalogue = catalogue
    this.#facts = facts
    this.#titles = titles
    this.second = second
  }

  /**
   * @param chosen the language that the worker picked; else the browser's first one that is there
   * @param isPatient whether what was dropped on its way is asked for again; who picks a language waits for an answer, and can pick again
   */
  static async load(chosen?: string | null, isPatient = true): Promise<Words> {
    const fetched = <T>(path: string): Promise<T> => (isPatient ? again(() => asked<T>(path)) : asked<T>(path))
    const wishes = [chosen ?? '', ...navigator.languages.map((tag) => tag.split('-')[0] as string)]
    const language = wishes.find((tag) => LANGUAGES.some(([known]) => known === tag)) ?? 'en'
    const [catalogue, facts, titles] = await Promise.all([
      fetched<Catalogue>(`/words/${language}.json`),
      fetched<Facts>('/words/facts.json'),
      WITH_TITLES.includes(language) ? fetched<string[]>(`/words/titles.${language}.json`) : [],
    ])
    return new Words(catalogue, facts, titles, catalogue.machine ? new Words(await fetched<Catalogue>('/words/en.json'), facts) : undefined)
  }

  get language(): string {
    return this.#catalogue.language
  }

  get direction(): 'ltr' | 'rtl' {
    return RIGHT_TO_LEFT.includes(this.language) ? 'rtl' : 'ltr'
  }

  /** A sentence of the catalogue. */
  say(key: string, named: Named = {}): string {
    return this.#sentence(key, (name) => {
      const value = own(named, name) ?? ''
      return [this.#filled(typeof value === 'object' ? flat(value) : String(value))]
    }).join('')
  }

  /** The same in pieces, so that each can be read in its own language. */
  pieces(key: string, named: Named = {}): Piece[] {
    return this.#sentence<Piece>(key, (name) => {
      const value = own(named, name) ?? ''
      return (typeof value === 'object' ? value : [String(value)]).map((piece) => (typeof piece === 'string' ? this.#filled(piece) : piece))
    })
  }

  #sentence<T>(key: string, fill: (name: string) => readonly T[]): (string | T)[] {
    const parts = (own(this.#catalogue.sentences, key) ?? key).split(/\{([a-z]+)\}/)
    return parts.flatMap((part, index): readonly (string | T)[] => (index % 2 ? fill(part) : [part]))
  }

  // What is filled in stands for itself: names in another direction keep their order, and turn nothing around (Unicode TR9, isolates).
  #filled(value: string): string {
    const text = value.replace(TURNS, '')
    return this.direction === 'rtl' || FROM_RIGHT.test(text) ? `\u2068${text}\u2069` : text
  }

  has(key: string): boolean {
    return own(this.#catalogue.sentences, key) !== undefined
  }

  type(id: string | null): string {
    if (own(this.#facts.types, id) === undefined) return this.say('type.unknown')
    return this.say(`type.${id}`)
  }

  #occupation(code: string): Piece {
    const { tree, titles } = this.#facts.occupations
    const at = placeOf(code, tree)
    return this.#titles[at] ?? this.#english(titles[at]) ?? code
  }

  // What this language has no words for.
  #english<T extends string | undefined>(english: T): Piece | T {
    return english === undefined || this.language === 'en' ? english : { english }
  }

  /** Values with their labels, in the order of their type: all of them, or those that are named. */
  values(type: string | null, all: readonly { readonly name: string; readonly raw: string }[], named?: readonly string[]): InWords[] {
    const raws = new Map(all.map(({ name, raw }) => [name, plain(raw)]))
    const isWanted = ({ name }: { readonly name: string }): boolean => named?.includes(name) ?? true
    const order = (own(this.#facts.types, type) ?? []).filter(isWanted)
    const isSaid = named ? () => false : (facts: AttributeFacts): boolean => isSaidByLevel(facts, raws)
    const known = order
      .filter((facts) => raws.has(facts.name) && !isSaid(facts))
      .map((facts) => ({ label: this.#label(facts.name), text: this.#inWords(facts, raws.get(facts.name) as string, raws), follows: facts.computed !== undefined, isNumber: isNumber(facts.name) }))
    const further = all.filter(isWanted).filter(({ name }) => !order.some((facts) => facts.name === name)).map(({ name, raw }) => ({ label: plain(name), text: [plain(raw)], follows: false, isNumber: false }))
    return [...known, ...further]
  }

  label(type: string | null, name: string): string {
    const types = type === null ? Object.values(this.#facts.types) : [own(this.#facts.types, type)]
    return types.some((facts) => facts?.some((each) => each.name === name)) ? this.#label(name) : plain(name)
  }

  /** A value of an attribute, which others may be asked to reach: a day is one, in words. */
  inWords(type: string | null, name: string, raw: string): readonly Piece[] {
    return this.values(type, [{ name, raw }])[0]?.text ?? [raw]
  }

  /** Have the browser load what it writes dates and names with, which takes a slow phone a tenth of a second: while nobody waits for it. */
  prepare(): void {
    this.date(Date.now())
    this.#written(Date.now(), 'UTC')
    this.#named('region', 'CH')
  }

  date(at: number): string {
    return this.#written(at)
  }

  /** A day as credentials write it (YYYYMMDD), in words. */
  day(raw: string): string {
    return this.#day(raw)
  }

  country(code: string): string {
    return this.#named('region', own(this.#facts.countries, code) ?? '') ?? code
  }

  /** Names one after another, as this language does it. */
  list(names: readonly string[]): string {
    if (!this.#isKnown) return names.join(', ')
    this.#and ??= new Intl.ListFormat(this.language, { type: 'conjunction' })
    return this.#and.format(names)
  }

  /** Names in a row, with the comma of this language. */
  row(names: readonly string[]): string {
    return names.join(this.language === 'ar' ? '، ' : ', ')
  }

  /** Whether a last day of validity is over here. */
  isOver(raw: string | undefined): boolean {
    const today = new Date()
    const digits = [today.getFullYear(), today.getMonth() + 1, today.getDate()].map((part) => String(part).padStart(2, '0')).join('')
    return raw !== undefined && DAY.test(raw) && raw < digits
  }

  #inWords(facts: AttributeFacts, raw: string, raws: ReadonlyMap<string, string>): readonly Piece[] {
    if (facts.kind === 'level' && facts.absent !== raw) return this.#level(facts, raw, raws)
    return [this.#piece(facts, raw)]
  }

  #piece(facts: AttributeFacts, raw: string): Piece {
    if (facts.absent === raw) return this.say(`absent.${facts.name}`)
    if (facts.computed === 'at_least') return raw === '1' ? this.say('yes') : this.say('no')
    if (facts.kind === 'date') return this.#day(raw)
    const choice = own(this.#catalogue.sentences, `choice.${facts.name}.${raw}`)
    if (choice !== undefined) return choice
    switch (facts.list) {
      case 'occupations':
        return this.#occupation(raw)
      case 'frameworks':
        return this.#english(own(this.#facts.frameworks, raw)?.label) ?? raw
      case 'countries':
        return this.country(raw)
      case 'languages':
        return this.#named('language', raw) ?? raw
      default:
        return raw
    }
  }

  #level(facts: AttributeFacts, raw: string, raws: ReadonlyMap<string, string>): readonly Piece[] {
    const framework = own(this.#facts.frameworks, facts.framework ?? '') ?? own(this.#facts.frameworks, raws.get(facts.framework ?? '') ?? '')
    const label = this.#english(framework && own(framework.levels, raw))
    return label === undefined ? [raw] : this.pieces('value.level', { level: raw, label: [label] })
  }

  #day(raw: string): string {
    if (raw === NO_END) return this.say('value.noend')
    const [, year, month, day] = DAY.exec(raw) ?? []
    if (year === undefined || !isDay(`${year}-${month}-${day}`)) return raw
    return this.#written(Date.UTC(Number(year), Number(month) - 1, Number(day)), 'UTC')
  }

  // Digits are 0 to 9 everywhere, as in certificates. What the browser has no words for is written as 2027-05-31, and so is Sinhala: there
  // browsers name January to December by months of another calendar (ADR 49).
  #written(at: number, timeZone?: string): string {
    const isNumbers = this.language === 'si' || !this.#isKnown
    const format = this.#dates.get(timeZone) ?? this.#dateFormat(isNumbers, timeZone)
    this.#dates.set(timeZone, format)
    if (!isNumbers) return format.format(at)
    const parts = format.formatToParts(at)
    return ['year', 'month', 'day'].map((wanted) => parts.find(({ type }) => type === wanted)?.value).join('-')
  }

  #dateFormat(isNumbers: boolean, timeZone: string | undefined): Intl.DateTimeFormat {
    const locale = isNumbers || this.language === 'en' ? 'en-GB' : this.language
    const how: Intl.DateTimeFormatOptions = isNumbers ? { year: 'numeric', month: '2-digit', day: '2-digit' } : { dateStyle: 'long' }
    return new Intl.DateTimeFormat(`${locale}-u-ca-gregory-nu-latn`, timeZone === undefined ? how : { ...how, timeZone })
  }

  // Whether the browser has words of this language: else it would take those of its own.
  get #isKnown(): boolean {
    this.#hasWords ??= Intl.DateTimeFormat.supportedLocalesOf([this.language]).length > 0
    return this.#hasWords
  }

  #label(name: string): string {
    const [, scale, level = ''] = STEP.exec(name) ?? []
    if (scale !== undefined) return this.say(`attribute.${scale}_min`, { level: level.toUpperCase() })
    return this.say(`attribute.${name}`)
  }

  #named(type: 'region' | 'language', code: string): string | undefined {
    try {
      const names = this.#names.get(type) ?? new Intl.DisplayNames([this.language, 'en'], { type })
      this.#names.set(type, names)
      const name = names.of(code)
      return name === code ? undefined : name
    } catch {
      return undefined
    }
  }
}

// Steps that a level stands on, one by one: who reads the level knows them. One that says otherwise than it is said.
function isSaidByLevel({ name, computed }: AttributeFacts, raws: ReadonlyMap<string, string>): boolean {
  const [, scale, step = ''] = STEP.exec(name) ?? []
  const level = raws.get(`${scale}_level`)
  return computed === 'at_least' && level !== undefined && (raws.get(name) === '1') === step <= level.toLowerCase()
}

/** Whether an attribute is for programs (`InWords.isNumber`). */
export function isNumber(name: string): boolean {
  return name === TABLE
}

/** Which of the codes of occupations it is, by their tree; -1: none. */
function placeOf(code: string, tree: string): number {
  let path = 'C'
  for (let at = 0; at < tree.length; at += 2) {
    path = path.slice(0, Number(tree[at + 1])) + tree[at]
    if (path === code) return at / 2
  }
  return -1
}

/** A text from outside without what turns the order of letters around (Unicode TR9, explicit formatting). */
function plain(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
}

// Keys come from issuers: "constructor" is no framework.
function own<T>(facts: Readonly<Record<string, T>>, key: string | null): T | undefined {
  return key !== null && Object.hasOwn(facts, key) ? facts[key] : undefined
}

// As `index.html` asks for it ahead; this origin has no cookies.
async function asked<T>(path: string): Promise<T> {
  return (await (await fetch(path)).json()) as T
}
