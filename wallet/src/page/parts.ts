// What screens are made of: sentences, values, buttons, forms. What a button does is `actions`.

import { h, outside, type Child } from './dom.js'
import type { EntryView, Judgement, Party, Value, Wrong } from './protocol.js'
import { flat, NO_END, type InWords, type Named, type Piece, type Words } from './words.js'

/** What a worker can do; each resolves when there is something new to look at. */
export interface Actions {
  newCode(): Promise<void>
  wroteDown(): void
  create(form: { group: string; pin: string }): Promise<void>
  unlock(form: { pin: string }): Promise<void>
  openByPasskey(): Promise<void>
  addPasskey(): Promise<void>
  dropPasskey(): Promise<void>
  startRestore(): void
  restore(form: { code: string; pin: string }): Promise<void>
  saveFile(): Promise<void>
  openFile(form: { file: Blob; code: string; pin: string }): Promise<void>
  useHere(): Promise<void>
  useThisTab(): void
  deleteBook(form: { sure: boolean }): Promise<void>
  open(form: { address: string }): Promise<void>
  dropLink(id: string): Promise<void>
  /** Ask the browser not to clear the book by itself. */
  askToKeep(): Promise<void>
  scan(): Promise<void>
  show(place: string): void
  accept(id: string, seen: number): Promise<void>
  declineOffer(id: string, wrong: readonly Wrong[]): Promise<void>
  openHistory(form: { pin: string }): Promise<void>
  erase(id: string): Promise<void>
  copy(text: string): Promise<void>
  /** @param isLess without what may be left out */
  answer(id: string, entry: string, seen: number, isLess?: boolean): Promise<void>
  /** Show the question as it would be answered with another entry. */
  choose(id: string, entry: string): Promise<void>
  decline(id: string, isTold: boolean): Promise<void>
  /** Fetch what showing without a network needs. */
  prepare(): Promise<void>
}

/** What stands in a field: a text, a tick, a file. */
export type Typed = string | boolean | Blob

export interface Screen {
  readonly title: string
  readonly body: readonly Child[]
}

export class Parts {
  readonly words: Words
  readonly actions: Actions

  constructor(words: Words, actions: Actions) {
    this.words = words
    this.actions = actions
  }

  readonly say = (key: string, named: Named = {}): string => this.words.say(key, named)

  /** A sentence in which what is filled in stays in its own language. */
  readonly said = (key: string, named: Named): Child[] => inLanguages(this.words.pieces(key, named))

  /** A sentence, and the same in the second language where there is one: what is consented to is said so. */
  readonly both = (key: string, named: (words: Words) => Named = () => ({})): Child[] => {
    const { second } = this.words
    return [...this.said(key, named(this.words)), second && beside(second.say(key, named(second)))]
  }

  /** That a machine made this translation, where it did. */
  machineNote(): Child {
    return this.words.second && h('p', { class: 'note' }, ...this.both('machine.note'))
  }

  /** Whether it holds, in words. */
  validity({ isRevoked, values }: EntryView): string {
    const ends = values.find(({ name }) => name === 'expires_on')?.raw
    if (isRevoked) return this.say('entry.revoked')
    if (this.words.isOver(ends)) return this.say('entry.over')
    return ends === undefined || ends === NO_END ? this.say('entry.good') : this.say('entry.until', { date: this.words.day(ends) })
  }

  titleOf(entry: EntryView): readonly Piece[] {
    const title = entry.values.find(({ name }) => name === 'qualification_title')?.raw
    return title === undefined ? (this.aboutOf(entry) ?? [this.words.type(entry.type)]) : [title]
  }

  /** The title, set apart. */
  titled(entry: EntryView): HTMLElement {
    return outside(...inLanguages(this.titleOf(entry)))
  }

  /** Of an occupation, or of a language, in words. */
  aboutOf({ type, values }: EntryView): readonly Piece[] | undefined {
    const about = values.find(({ name }) => name === 'occupation_isco08' || (type === 'language/1.0' && name === 'language'))
    return about && this.words.inWords(type, about.name, about.raw)
  }

  /** What is there for who wants to know more, and need not be read to decide. */
  fold(content: readonly Child[]): HTMLElement {
    return h('details', {}, h('summary', {}, ...this.both('fold.more')), ...content)
  }

  party(key: string, party: Party, may: Judgement | null, authority: string | null): Child[] {
    const code = may && (this.words.has(`code.${may.code}`) ? `code.${may.code}` : `verdict.${may.verdict}`)
    return [
      h('h2', {}, ...this.both(key)),
      // Of whom the authority's file says nothing, the note says it.
      (party.name !== null || may?.code !== 'verifier.not_listed') && h('p', { class: 'party' }, ...(party.name === null ? this.both('party.unknown') : [h('strong', {}, outside(party.name))])),
      may && code !== null && h('p', { class: may.verdict === 'TRUSTED' ? 'note good' : may.verdict === 'NOT_TRUSTED' ? 'note bad' : 'note' }, ...this.both(code, (words) => ({ authority: authority ?? words.say('party.authority') }))),
    ]
  }

  /**
   * Values with their labels; what follows from others behind a fold. Of those that are asked about, numbers for programs alone are behind
   * one.
   */
  values(type: string | null, all: readonly Value[], named?: readonly string[]): HTMLElement[] {
    const inWords = this.words.values(type, all, named)
    const second = this.words.second?.values(type, all, named)
    const pairs = inWords.map((value, index) => [value, second?.[index]] as const)
    const list = (some: typeof pairs): HTMLElement => h('dl', {}, ...some.flatMap(([{ label, text }, other]) => [h('dt', {}, label, beside(other?.label, label)), h('dd', {}, outside(...inLanguages(text)), other && beside(flat(other.text), flat(text)))]))
    const isAside = ({ follows, isNumber }: InWords): boolean => (named ? isNumber : follows)
    const [plain, aside] = [pairs.filter(([value]) => !isAside(value)), pairs.filter(([value]) => isAside(value))]
    return [...(plain.length ? [list(plain)] : []), ...(aside.length ? [h('details', {}, h('summary', {}, ...this.both('values.follow')), list(aside))] : [])]
  }

  outcome(kind: string, state: string, why: string | null): HTMLElement {
    return h('p', { class: ['failed', 'refused', 'withdrawn', 'unsigned'].includes(state) ? 'note bad' : 'note good' }, this.say(`${kind}.state.${state}`), why !== null && this.words.has(`why.${why}`) && ` ${this.say(`why.${why}`)}`)
  }

  screen(key: string, body: readonly Child[]): Screen {
    return { title: this.say(key), body }
  }

  button(key: string, act: () => unknown, kind = ''): HTMLElement {
    return this.pressed([this.say(key)], act, kind)
  }

  /** Ticks, of which any number may be set. */
  ticks(names: readonly string[], label: (name: string) => readonly Child[]): HTMLElement[] {
    return names.map((name) => h('p', { class: 'field tick' }, h('label', {}, h('input', { type: 'checkbox', name }), ' ', ...label(name))))
  }

  /** A button of consent: with the second language. */
  choice(key: string, act: () => unknown, kind = ''): HTMLElement {
    return this.pressed(this.both(key), act, kind)
  }

  pressed(content: readonly Child[], act: () => unknown, kind = ''): HTMLElement {
    return h('button', { type: 'button', class: kind || undefined, onclick: (event) => void busy(event.currentTarget as HTMLButtonElement, act) }, ...content)
  }

  link(text: string, place: string): HTMLElement {
    return h('button', { type: 'button', class: 'main', onclick: () => this.actions.show(place) }, text)
  }

  back(): HTMLElement {
    return this.button('back', () => this.actions.show('book'))
  }

  form(key: string, act: (values: Record<string, Typed>) => Promise<void>, fields: readonly HTMLElement[], kind = 'main', content: readonly Child[] = [this.say(key)]): HTMLElement {
    const button = h('button', { type: 'submit', class: kind }, ...content) as HTMLButtonElement
    const submitted = (event: Event): void => {
      event.preventDefault()
      const inputs = [...(event.currentTarget as HTMLFormElement).querySelectorAll<HTMLInputElement>('input, textarea')]
      const values = Object.fromEntries(inputs.map((input) => [input.name, typed(input)]))
      void busy(button, () => act(values))
    }
    return h('form', { onsubmit: submitted }, ...fields, button)
  }

  field(name: string, label: string, attributes: Record<string, string | boolean>, hint?: string): HTMLElement {
    const id = `field-${name}`
    return h(
      'p',
      { class: 'field' },
      h('label', { for: id }, label),
      hint !== undefined && h('span', { class: 'hint', id: `${id}-hint` }, hint),
      h(attributes['rows'] ? 'textarea' : 'input', { id, name, dir: 'auto', ...attributes, 'aria-describedby': hint === undefined ? undefined : `${id}-hint` }),
    )
  }

  tick(name: string, label: string): HTMLElement {
    return h('p', { class: 'field tick' }, h('label', {}, h('input', { type: 'checkbox', name, required: true }), ' ', label))
  }
}

function typed({ type, checked, files, value }: HTMLInputElement): Typed {
  if (type === 'checkbox') return checked
  return files?.[0] ?? value
}

/** Each piece marked with its language, where it is not the page's: for whoever listens. */
export function inLanguages(pieces: readonly Piece[]): Child[] {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : h('bdi', { lang: 'en' }, piece.english)))
}

// In the second language, unless it says the same.
function beside(text: string | undefined, first?: string): Child {
  return text !== undefined && text !== first?.replace(/[\u2068\u2069]/g, '') && h('span', { class: 'second', lang: 'en', dir: 'ltr' }, text)
}

// A button that is at work takes no second press.
async function busy(button: HTMLButtonElement, act: () => unknown): Promise<void> {
  if (button.getAttribute('aria-busy') === 'true') return
  button.setAttribute('aria-busy', 'true')
  try {
    await act()
  } finally {
    button.removeAttribute('aria-busy')
  }
}
