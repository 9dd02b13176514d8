// The page's words: a catalogue of sentences a language, and what credentials are made of, in words.
//
// Catalogues are JSON: a key, and a sentence with {names}. A language that is not there yet is English; `machine` marks a catalogue that
// no native reader has signed: consent then shows the English sentence beside it.

export interface Catalogue {
  readonly language: string
  readonly machine: boolean
  readonly sentences: Readonly<Record<string, string>>
}

/** Names of attributes and of codes, by type (`schemas/` of our agents). */
export interface Facts {
  readonly types: Readonly<Record<string, { readonly label: string; readonly attributes: readonly AttributeFacts[] }>>
  readonly occupations: Readonly<Record<string, string>>
  readonly frameworks: Readonly<Record<string, { readonly label: string; readonly levels: Readonly<Record<string, string>> }>>
  /** ISO 3166-1 alpha-3 to alpha-2, by which browsers name countries. */
  readonly countries: Readonly<Record<string, string>>
}

export interface AttributeFacts {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'code' | 'date' | 'integer' | 'level'
  readonly list?: 'occupations' | 'frameworks' | 'countries' | 'languages'
  readonly codes?: Readonly<Record<string, string>>
  /** The attribute that names the framework of a level, or the framework itself. */
  readonly framework?: string
  /** What stands for nothing, and how that is said. */
  readonly absent?: { readonly raw: string; readonly label: string }
  /** Follows from another attribute: 'at_least' is yes or no. */
  readonly computed?: string
}

export interface InWords {
  readonly label: string
  readonly text: string
  /** Whether it follows from another value, so that it need not be read. */
  readonly follows: boolean
}

const LANGUAGES = ['en']
const RIGHT_TO_LEFT = ['ar']
const NO_END = '99991231'
const DAY = /^([0-9]{4})([0-9]{2})([0-9]{2})$/

export class Words {
  readonly #catalogue: Catalogue
  readonly #facts: Facts

  constructor(catalogue: Catalogue, facts: Facts) {
    this.#catalogue = catalogue
    this.#facts = facts
  }

  static async load(): Promise<Words> {
    const language = navigator.languages.map((tag) => tag.split('-')[0] as string).find((tag) => LANGUAGES.includes(tag)) ?? 'en'
    const [catalogue, facts] = await Promise.all([fetched<Catalogue>(`/words/${language}.json`), fetched<Facts>('/words/facts.json')])
    return new Words(catalogue, facts)
  }

  get language(): string {
    return this.#catalogue.language
  }

  get direction(): 'ltr' | 'rtl' {
    return RIGHT_TO_LEFT.includes(this.language) ? 'rtl' : 'ltr'
  }

  /** A sentence of the catalogue. */
  say(key: string, named: Readonly<Record<string, string | number>> = {}): string {
    const sentence = own(this.#catalogue.sentences, key) ?? key
    return sentence.replace(/\{([a-z]+)\}/g, (_, name: string) => String(own(named, name) ?? ''))
  }

  has(key: string): boolean {
    return own(this.#catalogue.sentences, key) !== undefined
  }

  type(id: string | null): string {
    return own(this.#facts.types, id)?.label || this.say('type.unknown')
  }

  occupation(code: string): string {
    return own(this.#facts.occupations, code) ?? code
  }

  /** Values with their labels, in the order of their type: all of them, or those that are named. */
  values(type: string | null, all: readonly { readonly name: string; readonly raw: string }[], named?: readonly string[]): InWords[] {
    const raws = new Map(all.map(({ name, raw }) => [name, raw]))
    const isWanted = ({ name }: { readonly name: string }): boolean => named?.includes(name) ?? true
    const order = (own(this.#facts.types, type)?.attributes ?? []).filter(isWanted)
    const known = order.filter(({ name }) => raws.has(name)).map((facts) => ({ label: facts.label, text: this.#inWords(facts, raws.get(facts.name) as string, raws), follows: facts.computed !== undefined }))
    const further = all.filter(isWanted).filter(({ name }) => !order.some((facts) => facts.name === name)).map(({ name, raw }) => ({ label: name, text: raw, follows: false }))
    return [...known, ...further]
  }

  label(type: string | null, name: string): string {
    const types = type === null ? Object.values(this.#facts.types) : [own(this.#facts.types, type)]
    for (const facts of types) {
      const attribute = facts?.attributes.find((each) => each.name === name)
      if (attribute) return attribute.label
    }
    return name
  }

  date(at: number): string {
    return new Intl.DateTimeFormat(this.language, { dateStyle: 'long' }).format(at)
  }

  /** Whether a last day of validity is over here. */
  isOver(raw: string | undefined): boolean {
    const today = new Date()
    const digits = [today.getFullYear(), today.getMonth() + 1, today.getDate()].map((part) => String(part).padStart(2, '0')).join('')
    return raw !== undefined && DAY.test(raw) && raw < digits
  }

  #inWords(facts: AttributeFacts, raw: string, raws: ReadonlyMap<string, string>): string {
    if (facts.absent?.raw === raw) return facts.absent.label
    if (facts.computed === 'at_least') return raw === '1' ? this.say('yes') : this.say('no')
    if (facts.kind === 'date') return this.#day(raw)
    if (facts.kind === 'level') return this.#level(facts, raw, raws)
    if (facts.codes) return own(facts.codes, raw) ?? raw
    switch (facts.list) {
      case 'occupations':
        return this.occupation(raw)
      case 'frameworks':
        return own(this.#facts.frameworks, raw)?.label ?? raw
      case 'countries':
        return this.#named('region', own(this.#facts.countries, raw) ?? '') ?? raw
      case 'languages':
        return this.#named('language', raw) ?? raw
      default:
        return raw
    }
  }

  #level(facts: AttributeFacts, raw: string, raws: ReadonlyMap<string, string>): string {
    const framework = own(this.#facts.frameworks, facts.framework ?? '') ?? own(this.#facts.frameworks, raws.get(facts.framework ?? '') ?? '')
    const label = framework && own(framework.levels, raw)
    return label === undefined ? raw : this.say('value.level', { level: raw, label })
  }

  #day(raw: string): string {
    if (raw === NO_END) return this.say('value.noend')
    const [, year, month, day] = DAY.exec(raw) ?? []
    if (year === undefined) return raw
    return new Intl.DateTimeFormat(this.language, { dateStyle: 'long', timeZone: 'UTC' }).format(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  }

  #named(type: 'region' | 'language', code: string): string | undefined {
    try {
      const name = new Intl.DisplayNames([this.language, 'en'], { type }).of(code)
      return name === code ? undefined : name
    } catch {
      return undefined
    }
  }
}

// Keys come from issuers: "constructor" is no framework.
function own<T>(facts: Readonly<Record<string, T>>, key: string | null): T | undefined {
  return key !== null && Object.hasOwn(facts, key) ? facts[key] : undefined
}

async function fetched<T>(path: string): Promise<T> {
  return (await (await fetch(path, { credentials: 'omit' })).json()) as T
}
