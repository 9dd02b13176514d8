// The screens: each is what a worker sees at one time. A screen is made of words and views; what a button does is `actions`.

import { h, outside, type Child } from './dom.js'
import type { BookView, EntryView, Judgement, OfferView, Party, QuestionView, Status } from './protocol.js'
import type { InWords, Words } from './words.js'

/** What a worker can do; each resolves when there is something new to look at. */
export interface Actions {
  newCode(): Promise<void>
  wroteDown(): void
  create(form: { group: string; pin: string }): Promise<void>
  unlock(form: { pin: string }): Promise<void>
  startRestore(): void
  restore(form: { code: string; pin: string }): Promise<void>
  useHere(): Promise<void>
  useThisTab(): void
  lock(): Promise<void>
  deleteBook(form: { sure: boolean }): Promise<void>
  open(form: { address: string }): Promise<void>
  show(place: string): void
  accept(id: string): Promise<void>
  declineOffer(id: string): Promise<void>
  answer(id: string, entry: string): Promise<void>
  decline(id: string): Promise<void>
}

export interface Screen {
  readonly title: string
  readonly body: readonly Child[]
}

export class Screens {
  readonly #words: Words
  readonly #actions: Actions

  constructor(words: Words, actions: Actions) {
    this.#words = words
    this.#actions = actions
  }

  start(hasLink: boolean): Screen {
    const { say } = this
    return this.#screen('start.title', [
      hasLink && h('p', { class: 'note' }, say('start.link')),
      h('p', {}, say('start.what')),
      h('p', {}, say('start.see')),
      this.#button('start.make', () => this.#actions.newCode(), 'main'),
      this.#button('start.have', () => this.#actions.startRestore()),
    ])
  }

  code(groups: readonly string[]): Screen {
    const { say } = this
    return this.#screen('code.title', [
      h('p', {}, say('code.what')),
      h('ol', { class: 'groups', dir: 'ltr', 'aria-label': say('code.label') }, ...groups.map((group) => h('li', {}, h('span', {}, group)))),
      h('p', {}, say('code.warning')),
      this.#button('code.written', () => this.#actions.wroteDown(), 'main'),
    ])
  }

  confirm(group: number): Screen {
    const { say } = this
    return this.#screen('confirm.title', [
      this.#form('confirm.make', ({ group: typed, pin }) => this.#actions.create({ group: typed as string, pin: pin as string }), [
        this.#field('group', say('confirm.group', { number: group }), { inputmode: 'numeric', autocomplete: 'off', required: true }),
        this.#field('pin', say('pin.choose'), { type: 'password', inputmode: 'numeric', autocomplete: 'new-password', required: true }, say('pin.worth')),
      ]),
    ])
  }

  locked(): Screen {
    const { say } = this
    return this.#screen('locked.title', [
      this.#form('locked.open', ({ pin }) => this.#actions.unlock({ pin: pin as string }), [
        this.#field('pin', say('locked.pin'), { type: 'password', inputmode: 'numeric', autocomplete: 'current-password', required: true }),
      ]),
      this.#button('locked.code', () => this.#actions.startRestore()),
    ])
  }

  /** @param canBegin whether a new book may take the place of the one that is here: nothing else opens it */
  restore(canBegin = false): Screen {
    const { say } = this
    return this.#screen('restore.title', [
      h('p', {}, say('restore.what')),
      this.#form('restore.open', ({ code, pin }) => this.#actions.restore({ code: code as string, pin: pin as string }), [
        this.#field('code', say('restore.code'), { autocomplete: 'off', inputmode: 'numeric', required: true }),
        this.#field('pin', say('pin.choose'), { type: 'password', inputmode: 'numeric', autocomplete: 'new-password', required: true }, say('pin.worth')),
      ]),
      canBegin && this.#button('anew.start', () => this.#actions.show('anew')),
    ])
  }

  anew(): Screen {
    return this.#screen('anew.title', [
      h('p', { class: 'note bad' }, this.say('anew.what')),
      this.#form('anew.make', () => this.#actions.newCode(), [this.#tick('sure', this.say('anew.sure'))], 'danger'),
      this.#button('restore.title', () => this.#actions.show('restore')),
    ])
  }

  broken(): Screen {
    return this.#screen('broken.title', [h('p', {}, this.say('broken.what')), this.#button('broken.again', () => this.#actions.useThisTab(), 'main')])
  }

  elsewhere(): Screen {
    return this.#screen('elsewhere.title', [h('p', {}, this.say('elsewhere.what')), this.#button('elsewhere.use', () => this.#actions.useHere(), 'main')])
  }

  otherTab(): Screen {
    return this.#screen('tab.title', [h('p', {}, this.say('tab.what')), this.#button('tab.use', () => this.#actions.useThisTab(), 'main')])
  }

  unset(): Screen {
    return this.#screen('unset.title', [h('p', {}, this.say('unset.what'))])
  }

  waiting(): Screen {
    return this.#screen('waiting.title', [h('p', {}, this.say('waiting.what'))])
  }

  book(book: BookView, status: Status): Screen {
    const { say } = this
    const offers = book.offers.filter(({ state }) => state === 'offered')
    const questions = book.questions.filter(({ state }) => state === 'asked')
    return this.#screen('book.title', [
      status.backup !== 'kept' && h('p', { class: 'note' }, say(`backup.${status.backup}`)),
      book.isSending && h('p', { class: 'note' }, say('book.sending')),
      ...offers.map(({ id, type }) => this.#link(say('book.offer', { type: this.#words.type(type) }), `offer ${id}`)),
      ...questions.map(({ id }) => this.#link(say('book.question'), `question ${id}`)),
      book.entries.length ? h('ul', { class: 'entries' }, ...book.entries.map((entry) => h('li', {}, this.#entry(entry)))) : h('p', {}, say('book.empty')),
      h('h2', {}, say('book.open')),
      this.#form('book.follow', ({ address }) => this.#actions.open({ address: address as string }), [
        this.#field('address', say('book.address'), { type: 'url', autocomplete: 'off', required: true }, say('book.hint')),
      ]),
      this.#button('book.more', () => Promise.resolve(this.#actions.show('more'))),
      this.#button('book.lock', () => this.#actions.lock()),
    ])
  }

  more(): Screen {
    const { say } = this
    return this.#screen('more.title', [
      h('h2', {}, say('more.operator')),
      ...['a', 'b', 'c'].map((line) => h('p', {}, say(`more.operator.${line}`))),
      h('h2', {}, say('more.page')),
      h('p', {}, say('more.page.what')),
      h('h2', {}, say('more.delete')),
      h('p', {}, say('more.delete.what')),
      this.#form('more.delete.do', ({ sure }) => this.#actions.deleteBook({ sure: sure === true }), [this.#tick('sure', say('more.delete.sure'))], 'danger'),
      this.#back(),
    ])
  }

  offer(offer: OfferView): Screen {
    const { say } = this
    const isOpen = offer.state === 'offered'
    return {
      title: say(`offer.title.${offer.state}`),
      body: [
        isOpen && h('p', {}, say('offer.what', { type: this.#words.type(offer.type) })),
        ...this.#party('offer.issuer', offer.issuer, offer.values.length ? offer.may : null, offer.authority),
        offer.values.length > 0 && h('h2', {}, say('offer.values')),
        ...this.#values(this.#words.values(offer.type, offer.values)),
        isOpen && offer.may.verdict !== 'TRUSTED' && h('p', { class: 'note bad' }, say('offer.caution')),
        isOpen && h('div', { class: 'choice' }, this.#button('offer.yes', () => this.#actions.accept(offer.id), 'main'), this.#button('offer.no', () => this.#actions.declineOffer(offer.id))),
        !isOpen && this.#outcome('offer', offer.state, offer.why),
        this.#back(),
      ],
    }
  }

  question(question: QuestionView): Screen {
    const { say } = this
    const isOpen = question.state === 'asked'
    const { answer } = question
    const type = answer?.type ?? null
    const shown = [...new Set(question.parts.flatMap((part) => part.shown))]
    const proven = question.parts.flatMap((part) => part.proven)
    const seen = answer ? this.#words.values(type, answer.values, shown).map((value) => ({ ...value, follows: false })) : []
    const isAnswered = ['answering', 'answered', 'accepted', 'refused'].includes(question.state)
    const isLeft = question.parts.length > 0 // of one that ended without a yes, nothing is
    const isRefused = question.may.verdict === 'NOT_TRUSTED'
    return {
      title: say(`question.title.${question.state}`),
      body: [
        ...this.#party('question.asker', question.asker, isLeft ? question.may : null, question.authority),
        question.purpose !== null && h('p', {}, say(`purpose.${question.isFromLink ? 'link.' : ''}${question.purpose}`)),
        question.comment !== null && h('p', {}, say('question.comment'), ' ', outside(question.comment)),
        isLeft && h('h2', {}, say(isOpen ? 'question.see' : isAnswered ? 'question.saw' : 'question.wanted')),
        answer ? h('div', {}, ...this.#values(seen)) : h('ul', {}, ...shown.map((name) => h('li', {}, this.#words.label(type, name)))),
        proven.length > 0 && h('h2', {}, say('question.proven')),
        proven.length > 0 && h('ul', {}, ...proven.map(({ name, comparison, value }) => h('li', {}, say(`proven.${comparison}`, { label: this.#words.label(type, name), value })))),
        ...(isOpen || isAnswered ? this.#unseen(answer, shown) : []),
        (isOpen || isAnswered) && answer && h('p', {}, say('question.by'), ' ', h('strong', {}, outside(this.#titleOf(answer)))),
        isOpen && !answer && h('p', { class: 'note bad' }, say(question.parts.some(({ revoked }) => revoked.length) ? 'question.revoked' : 'question.none')),
        isOpen && isRefused && h('p', { class: 'note bad' }, say('question.refused')),
        isOpen &&
          h(
            'div',
            { class: 'choice' },
            answer && !isRefused && this.#button('question.yes', () => this.#actions.answer(question.id, answer.id), 'main'),
            this.#button('question.no', () => this.#actions.decline(question.id)),
          ),
        !isOpen && this.#outcome('question', question.state, question.why),
        this.#back(),
      ],
    }
  }

  readonly say = (key: string, named: Readonly<Record<string, string | number>> = {}): string => this.#words.say(key, named)

  // What they will not see: what people fear most to show, where it is in the entry.
  #unseen(answer: EntryView | null, shown: readonly string[]): Child[] {
    const names = ['family_name', 'given_names', 'birth_date'].filter((name) => answer?.values.some((value) => value.name === name) && !shown.includes(name))
    if (!answer || names.length === 0) return []
    return [h('p', { class: 'unseen' }, this.say('question.unseen', { names: names.map((name) => this.#words.label(answer.type, name)).join(', ') }))]
  }

  #entry(entry: EntryView): HTMLElement {
    const isOver = this.#words.isOver(entry.values.find(({ name }) => name === 'expires_on')?.raw)
    const mark = entry.isRevoked ? 'entry.revoked' : isOver ? 'entry.over' : 'entry.good'
    return h(
      'details',
      {},
      h('summary', {}, h('strong', {}, outside(this.#titleOf(entry))), h('span', { class: mark === 'entry.good' ? 'mark' : 'mark bad' }, this.say(mark))),
      h('p', {}, this.say('entry.from'), ' ', entry.issuer.name === null ? this.say('party.unknown') : outside(entry.issuer.name)),
      ...this.#values(this.#words.values(entry.type, entry.values)),
    )
  }

  #titleOf({ type, values }: EntryView): string {
    const raw = (name: string): string | undefined => values.find((value) => value.name === name)?.raw
    const occupation = raw('occupation_isco08')
    const language = type === 'language/1.0' ? this.#words.values(type, values).find(({ label }) => label === this.#words.label(type, 'language'))?.text : undefined
    return raw('qualification_title') ?? (occupation === undefined ? undefined : this.#words.occupation(occupation)) ?? language ?? this.#words.type(type)
  }

  #party(key: string, party: Party, may: Judgement | null, authority: string | null): Child[] {
    const code = may && (this.#words.has(`code.${may.code}`) ? `code.${may.code}` : `verdict.${may.verdict}`)
    return [
      h('h2', {}, this.say(key)),
      h('p', { class: 'party' }, party.name === null ? this.say('party.unknown') : h('strong', {}, outside(party.name))),
      may && code !== null && h('p', { class: may.verdict === 'TRUSTED' ? 'note good' : may.verdict === 'NOT_TRUSTED' ? 'note bad' : 'note' }, this.say(code, { authority: authority ?? this.say('party.authority') })),
    ]
  }

  #values(values: readonly InWords[]): HTMLElement[] {
    const list = (some: readonly InWords[]): HTMLElement => h('dl', {}, ...some.flatMap(({ label, text }) => [h('dt', {}, label), h('dd', {}, outside(text))]))
    const follow = values.filter(({ follows }) => follows)
    return [list(values.filter(({ follows }) => !follows)), ...(follow.length ? [h('details', {}, h('summary', {}, this.say('values.follow')), list(follow))] : [])]
  }

  #outcome(kind: string, state: string, why: string | null): HTMLElement {
    return h('p', { class: ['failed', 'refused', 'withdrawn'].includes(state) ? 'note bad' : 'note good' }, this.say(`${kind}.state.${state}`), why !== null && this.#words.has(`why.${why}`) && ` ${this.say(`why.${why}`)}`)
  }

  #screen(key: string, body: readonly Child[]): Screen {
    return { title: this.say(key), body }
  }

  #button(key: string, act: () => unknown, kind = ''): HTMLElement {
    return h('button', { type: 'button', class: kind || undefined, onclick: (event) => void busy(event.currentTarget as HTMLButtonElement, act) }, this.say(key))
  }

  #link(text: string, place: string): HTMLElement {
    return h('button', { type: 'button', class: 'main', onclick: () => this.#actions.show(place) }, text)
  }

  #back(): HTMLElement {
    return this.#button('back', () => this.#actions.show('book'))
  }

  #form(key: string, act: (values: Record<string, string | boolean>) => Promise<void>, fields: readonly HTMLElement[], kind = 'main'): HTMLElement {
    const button = h('button', { type: 'submit', class: kind }, this.say(key)) as HTMLButtonElement
    const submitted = (event: Event): void => {
      event.preventDefault()
      const inputs = [...(event.currentTarget as HTMLFormElement).querySelectorAll('input')]
      const values = Object.fromEntries(inputs.map((input) => [input.name, input.type === 'checkbox' ? input.checked : input.value]))
      void busy(button, () => act(values))
    }
    return h('form', { onsubmit: submitted }, ...fields, button)
  }

  #field(name: string, label: string, attributes: Record<string, string | boolean>, hint?: string): HTMLElement {
    const id = `field-${name}`
    return h(
      'p',
      { class: 'field' },
      h('label', { for: id }, label),
      hint !== undefined && h('span', { class: 'hint', id: `${id}-hint` }, hint),
      h('input', { id, name, dir: 'auto', ...attributes, 'aria-describedby': hint === undefined ? undefined : `${id}-hint` }),
    )
  }

  #tick(name: string, label: string): HTMLElement {
    return h('p', { class: 'field tick' }, h('label', {}, h('input', { type: 'checkbox', name, required: true }), ' ', label))
  }
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
