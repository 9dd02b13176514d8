// The screens beside those of offers and questions: each is what a worker sees at one time, made of words and views.

import { h, outside } from './dom.js'
import { inLanguages, Parts, type Screen } from './parts.js'
import type { BookView, EntryView, Phase, ReadyView, Status, Worth } from './protocol.js'
import { flat, type Piece } from './words.js'

export class Screens extends Parts {
  /** @param inApp where the page is in a browser inside an app: the better one, and the address for it */
  start(hasLink: boolean, inApp?: { readonly browser: string; readonly address: string }): Screen {
    const { say } = this
    const what = h('div', {}, h('p', {}, say('start.what')), h('p', {}, say('start.see')))
    return this.screen('start.title', [
      ...(inApp ? [h('p', { class: 'note bad' }, say('inapp.what', inApp)), h('p', {}, outside(inApp.address)), this.button('inapp.copy', () => this.actions.copy(inApp.address), 'main')] : []),
      hasLink ? h('p', { class: 'note' }, say('start.link')) : what,
      this.button('start.make', () => this.actions.newCode(), inApp ? '' : 'main'),
      this.button('start.have', () => this.actions.startRestore()),
      hasLink && this.fold([what, h('p', {}, say('start.others'))]),
    ])
  }

  code(groups: readonly string[]): Screen {
    const { say } = this
    return this.screen('code.title', [
      h('p', {}, say('code.what')),
      h('ol', { class: 'groups', dir: 'ltr', 'aria-label': say('code.label') }, ...groups.map((group) => h('li', {}, h('span', {}, group)))),
      h('p', {}, say('code.warning')),
      h('p', { class: 'printed' }, say('code.card', { address: location.origin, have: say('start.have') })),
      this.button('code.written', () => this.actions.wroteDown(), 'main'),
      this.button('code.print', () => print()),
    ])
  }

  confirm(group: number): Screen {
    const { say } = this
    return this.screen('confirm.title', [
      this.form('confirm.make', ({ group: typed, pin }) => this.actions.create({ group: typed as string, pin: pin as string }), [
        this.field('group', say('confirm.group', { number: group }), { inputmode: 'numeric', autocomplete: 'off', required: true }),
        this.field('pin', say('pin.choose'), { type: 'password', inputmode: 'numeric', autocomplete: 'new-password', required: true }),
      ]),
      this.fold([h('p', {}, say('pin.worth')), this.button('confirm.again', () => this.actions.show('code'))]),
    ])
  }

  locked(hasPasskey = false): Screen {
    const { say } = this
    return this.screen('locked.title', [
      hasPasskey && this.button('locked.passkey', () => this.actions.openByPasskey(), 'main'),
      this.form('locked.open', ({ pin }) => this.actions.unlock({ pin: pin as string }), [
        this.field('pin', say('locked.pin'), { type: 'password', inputmode: 'numeric', autocomplete: 'current-password', required: true }),
      ]),
      this.button('locked.code', () => this.actions.startRestore()),
    ])
  }

  /** @param phase of a book that is here, a new one may take its place: whoever lost code and PIN needs one */
  restore(phase: Phase): Screen {
    const { say } = this
    return this.screen('restore.title', [
      h('p', {}, say('restore.what')),
      this.form('restore.open', ({ code, pin }) => this.actions.restore({ code: code as string, pin: pin as string }), this.#codeAndPin()),
      this.button('restore.file', () => this.actions.show('file')),
      phase !== 'none' && this.button('anew.start', () => this.actions.show('anew')),
      phase !== 'forgotten' && this.button('restore.back', () => this.actions.show('book')),
    ])
  }

  file(): Screen {
    const { say } = this
    return this.screen('file.title', [
      h('p', {}, say('file.what')),
      this.form('restore.open', ({ file, code, pin }) => this.actions.openFile({ file: file as Blob, code: code as string, pin: pin as string }), [
        this.field('file', say('file.file'), { type: 'file', required: true }),
        ...this.#codeAndPin(),
      ]),
      this.button('restore.title', () => this.actions.startRestore()),
    ])
  }

  #codeAndPin(): HTMLElement[] {
    const { say } = this
    return [
      this.field('code', say('restore.code'), { rows: '2', autocomplete: 'off', inputmode: 'numeric', required: true }),
      this.field('pin', say('pin.choose'), { type: 'password', inputmode: 'numeric', autocomplete: 'new-password', required: true }, say('pin.worth')),
    ]
  }

  anew(): Screen {
    return this.screen('anew.title', [
      h('p', { class: 'note bad' }, this.say('anew.what')),
      h('p', {}, this.say('anew.centre')),
      this.form('anew.make', () => this.actions.newCode(), [this.tick('sure', this.say('anew.sure'))], 'danger'),
      this.button('restore.title', () => this.actions.show('restore')),
    ])
  }

  broken(): Screen {
    return this.screen('broken.title', [h('p', {}, this.say('broken.what')), this.button('broken.again', () => this.actions.useThisTab(), 'main')])
  }

  elsewhere(): Screen {
    return this.screen('elsewhere.title', [h('p', {}, this.say('elsewhere.what')), this.button('elsewhere.use', () => this.actions.useHere(), 'main')])
  }

  otherTab(): Screen {
    return this.screen('tab.title', [h('p', {}, this.say('tab.what')), this.button('tab.use', () => this.actions.useThisTab(), 'main')])
  }

  unset(): Screen {
    return this.screen('unset.title', [h('p', {}, this.say('unset.what'))])
  }

  /** @param video what the camera sees */
  scan(video: HTMLElement): Screen {
    return this.screen('scan.title', [h('p', {}, this.say('scan.what')), video, this.back()])
  }

  /** @param canvas where the codes follow each other */
  codes(canvas: HTMLElement): Screen {
    canvas.setAttribute('aria-label', this.say('shown.codes'))
    return this.screen('shown.title', [h('p', {}, this.say('shown.what')), canvas, this.back()])
  }

  waiting(): Screen {
    return this.screen('waiting.title', [h('p', {}, this.say('waiting.what'))])
  }

  book(book: BookView, status: Status): Screen {
    const { say } = this
    const offers = book.offers.filter(({ state }) => state === 'offered')
    const coming = book.offers.filter(({ state }) => state === 'accepting' || state === 'requested')
    const questions = book.questions.filter(({ state }) => state === 'asked')
    return this.screen('book.title', [
      status.backup !== 'kept' && h('p', { class: 'note' }, say(`backup.${status.backup}`)),
      book.isSending && h('p', { class: 'note' }, say('book.sending')),
      ...offers.map(({ id, type }) => this.link(say('book.offer', { type: this.words.type(type) }), `offer ${id}`)),
      ...questions.map(({ id }) => this.link(say('book.question'), `question ${id}`)),
      ...coming.map(({ id, type }) => this.pressed([say('book.coming', { type: this.words.type(type) })], () => this.actions.show(`offer ${id}`))),
      ...book.offers.filter(({ isOver }) => isOver).flatMap(({ id, state, type }) => this.#gone(id, say(state === 'unsigned' ? 'book.unsigned' : 'book.ended', { type: this.words.type(type) }))),
      ...book.links.flatMap(({ id, state, at }) => this.#gone(id, say(`link.${state}`, { date: this.words.date(at) }))),
      ...this.#entries(book),
      h('h2', {}, say('book.open')),
      this.form('book.follow', ({ address }) => this.actions.open({ address: address as string }), [
        this.field('address', say('book.address'), { inputmode: 'url', autocomplete: 'off', required: true }, say('book.hint')),
      ]),
      this.button('book.scan', () => this.actions.scan()),
      this.button('book.history', () => this.actions.show('history')),
      this.button('book.more', () => Promise.resolve(this.actions.show('more'))),
    ])
  }

  // What is waited for, or no more, and can be put away.
  #gone(id: string, text: string): HTMLElement[] {
    return [h('p', { class: 'note' }, text), this.button('link.drop', () => this.actions.dropLink(id))]
  }

  /**
   * @param passkey whether one opens the book, or may be asked for
   * @param mayBeCleared whether the browser may clear the book when the phone is full
   */
  more(passkey: 'kept' | 'possible' | 'none' = 'none', ready?: ReadyView, mayBeCleared = false): Screen {
    const { say } = this
    const part = (key: string): HTMLElement[] => [h('h2', {}, say(`more.${key}`)), h('p', {}, say(`more.${key}.what`))]
    return this.screen('more.title', [
      h('h2', {}, say('more.operator')),
      ...['a', 'b', 'c'].map((line) => h('p', {}, say(`more.operator.${line}`))),
      ...part('pressure'),
      ...part('page'),
      ...(passkey === 'none' ? [] : [...part('passkey'), passkey === 'kept' ? this.button('more.passkey.drop', () => this.actions.dropPasskey()) : this.button('more.passkey.add', () => this.actions.addPasskey())]),
      ...(ready && ready.ready + ready.missing > 0 ? this.#ready(ready) : []),
      ...(mayBeCleared ? [...part('clearing'), this.button('more.clearing.ask', () => this.actions.askToKeep())] : []),
      ...part('file'),
      this.button('more.file.save', () => this.actions.saveFile()),
      ...part('delete'),
      this.form('more.delete.do', ({ sure }) => this.actions.deleteBook({ sure: sure === true }), [this.tick('sure', say('more.delete.sure'))], 'danger'),
      this.back(),
    ])
  }

  // What can be shown without a network, and what is to be done for it.
  #ready({ missing, since }: ReadyView): HTMLElement[] {
    return [
      h('h2', {}, this.say('ready.title')),
      h('p', {}, this.say('ready.what')),
      h('p', { class: missing ? 'note' : 'note good' }, missing ? this.say('ready.missing') : since === null ? this.say('ready.always') : this.say('ready.since', { date: this.words.date(since) })),
      this.button('ready.do', () => this.actions.prepare()),
    ]
  }

  // By what they are about, and then by time.
  #entries({ entries, unread }: BookView): HTMLElement[] {
    if (entries.length + unread === 0) return [h('p', {}, this.say('book.empty'))]
    const groups = new Map<string, { readonly about: readonly Piece[]; readonly some: BookView['entries'][number][] }>()
    for (const entry of [...entries].sort((one, two) => (awarded(one) < awarded(two) ? 1 : -1))) {
      const about = this.aboutOf(entry) ?? [this.say('book.other')]
      groups.set(flat(about), { about, some: [...(groups.get(flat(about))?.some ?? []), entry] })
    }
    const lost = Array.from({ length: unread }, () => h('p', { class: 'note' }, this.say('book.unread')))
    return [...lost, ...[...groups.values()].flatMap(({ about, some }) => [h('h2', {}, outside(...inLanguages(about))), h('ul', { class: 'entries' }, ...some.map((entry) => h('li', {}, this.#entry(entry))))])]
  }

  #worth({ verdict, authority, places, level }: Worth): HTMLElement[] {
    const key = verdict === 'TRUSTED' || verdict === 'NOT_TRUSTED' ? verdict : 'UNKNOWN'
    return [
      h('h3', {}, this.say('good.title')),
      h('p', { class: key === 'TRUSTED' ? 'note good' : 'note' }, this.say(`good.${key}`, { authority: authority ?? this.say('party.authority') })),
      ...(key === 'TRUSTED' && places.length ? [h('p', {}, this.say('good.places', { places: this.words.list(places.map((place) => this.words.country(place))) }))] : []),
      ...(key === 'TRUSTED' && level !== null ? [h('p', {}, this.say('good.level', { level }))] : []),
    ]
  }

  #entry(entry: BookView['entries'][number]): HTMLElement {
    const isGood = !entry.isRevoked && !this.words.isOver(entry.values.find(({ name }) => name === 'expires_on')?.raw)
    return h(
      'details',
      {},
      h('summary', {}, h('strong', {}, this.titled(entry)), h('span', { class: isGood ? 'mark' : 'mark bad' }, this.validity(entry))),
      entry.worth !== null && h('p', {}, this.say('entry.from'), ' ', entry.issuer.name === null ? this.say('party.unknown') : outside(entry.issuer.name)),
      ...(isGood && entry.worth ? this.#worth(entry.worth) : []),
      ...this.values(entry.type, entry.values),
    )
  }
}

function awarded({ values, at }: EntryView): string {
  return values.find(({ name }) => name === 'awarded_on')?.raw ?? String(at)
}
