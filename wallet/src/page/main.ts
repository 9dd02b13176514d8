// The page: shows where the wallet stands, does what the worker chooses, and looks again when something has changed.
//
// A link comes behind '#', which no server is told. Whatever the page shows is asked of the worker each time.

import { aloud } from './aloud.js'
import { asciiDigits } from '../keeping/digits.js'
import { betterThan } from './browsers.js'
import { Camera } from './camera.js'
import { Client, RefusedError } from './client.js'
import { h } from './dom.js'
import { historyScreen, reportScreen } from './history_screen.js'
import { offerScreen, wrongScreen } from './offer_screen.js'
import { keepFiles } from './kept.js'
import { Looks } from './looks.js'
import type { Actions, Screen } from './parts.js'
import { makePasskey, mayHavePasskey, secretOf } from './passkey.js'
import { questionScreen } from './question_screen.js'
import { Screens } from './screens.js'
import type { Status, Wrong } from './protocol.js'
import { LANGUAGES, Words } from './words.js'

const HIDDEN_MS = 10 * 60_000
const DOWNLOAD_MS = 60_000

class Page implements Actions {
  readonly #client = new Client()
  readonly #looks = new Looks()
  #words: Words
  #screens: Screens
  /** The entry that the worker would answer a question with, by the question. */
  #chosen = new Map<string, string>()
  #place = 'book'
  #code: string[] = []
  #asked = 1
  #link: string | undefined
  #shown = ''
  /** Whether the PIN opened the history; it closes with leaving it. */
  #isHistoryOpen = false
  /** Open while the worker scans, and no longer. */
  #camera: Camera | undefined
  #hidden: ReturnType<typeof setTimeout> | undefined
  /** What is shown as codes, by its question. */
  #codes: { readonly id: string; readonly canvas: HTMLElement } | undefined

  constructor(words: Words) {
    this.#words = words
    this.#screens = new Screens(words, this)
    this.#client.onEvent = () => void this.#look()
    addEventListener('hashchange', () => this.#takeLink())
    document.addEventListener('visibilitychange', () => this.#watch())
    document.addEventListener('input', ({ target }) => this.#typed(target as HTMLInputElement))
  }

  begin(): void {
    this.#speak()
    this.#takeLink()
    void this.#look()
  }

  async newCode(): Promise<void> {
    await this.#try(async () => {
      void navigator.storage?.persist?.()
      this.#code = await this.#client.call('newCode')
      this.#asked = 1 + Math.floor(Math.random() * this.#code.length)
      this.show('code')
    })
  }

  wroteDown(): void {
    this.show('confirm')
  }

  async create({ group, pin }: { group: string; pin: string }): Promise<void> {
    await this.#try(async () => {
      if (asciiDigits(group) !== this.#code[this.#asked - 1]) throw new RefusedError('group', this.#asked)
      await this.#client.call('create', { pin })
      this.#code = []
      await this.#opened()
    })
  }

  async unlock(form: { pin: string }): Promise<void> {
    await this.#try(async () => {
      const opening = this.#client.call('unlock', { ...form, address: this.#link })
      this.#words.prepare()
      await opening
      await this.#opened()
    })
  }

  async openByPasskey(): Promise<void> {
    await this.#try(async () => {
      const place = await this.#client.call('passkey')
      if (!place) throw new RefusedError('passkey', null)
      await this.#client.call('unlock', { secret: await secretOf(place), address: this.#link })
      await this.#opened()
    })
  }

  async addPasskey(): Promise<void> {
    await this.#try(async () => this.#client.call('keepPasskey', await makePasskey(this.#words.say('book.title'))))
    await this.#look()
  }

  async dropPasskey(): Promise<void> {
    await this.#try(async () => this.#client.call('keepPasskey', null))
    await this.#look()
  }

  startRestore(): void {
    this.show('restore')
  }

  async restore(form: { code: string; pin: string }): Promise<void> {
    await this.#try(async () => {
      await this.#client.call('restore', form)
      await this.#opened()
    })
  }

  async saveFile(): Promise<void> {
    await this.#try(async () => {
      const bytes = await this.#client.call('saveFile')
      const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }))
      h('a', { href: url, download: `wanderbuch-${new Date().toISOString().slice(0, 10)}.book` }).click()
      setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_MS)
      this.#say(this.#words.say('more.file.saved'))
    })
  }

  async openFile(form: { file: Blob; code: string; pin: string }): Promise<void> {
    await this.#try(async () => {
      const opened = await this.#client.call('openFile', form)
      await this.#opened()
      if (opened === 'vault') this.#say(this.#words.say('file.newer'))
    })
  }

  async useHere(): Promise<void> {
    await this.#try(async () => {
      await this.#client.call('useHere')
      await this.#opened()
    })
  }

  useThisTab(): void {
    location.reload()
  }

  async lock(): Promise<void> {
    this.#isHistoryOpen = false
    this.#place = 'book'
    await this.#looks.shut(() => this.#try(() => this.#client.call('lock')))
    await this.#look(true)
  }

  async deleteBook({ sure }: { sure: boolean }): Promise<void> {
    if (sure)
      await this.#try(async () => {
        await this.#client.call('deleteBook')
        this.show('book')
      })
  }

  async open({ address }: { address: string }): Promise<void> {
    this.#link = address.trim()
    await this.#follow()
  }

  async scan(): Promise<void> {
    const before = this.#place
    await this.#try(async () => {
      const camera = await Camera.open()
      // Whoever went elsewhere meanwhile does not scan any more.
      if (this.#place !== before) return camera.close()
      this.#camera = camera
      this.show('scan')
      const text = await camera.read().catch((error: unknown) => {
        this.show('book')
        throw error
      })
      if (text !== undefined) await (/^WB[0-9]/.test(text) ? this.#readCodes(camera, text) : this.open({ address: text }))
    })
  }

  show(place: string): void {
    this.#place = place
    if (this.#isHistoryOpen && !/^(?:history|report)\b/.test(place)) {
      this.#isHistoryOpen = false
      void this.#client.call('closeHistory')
    }
    this.#say('')
    void this.#look(true)
  }

  async accept(id: string, seen: number): Promise<void> {
    await this.#try(async () => this.#client.call('accept', { id, seen }))
    await this.#look()
  }

  async declineOffer(id: string, wrong: readonly Wrong[]): Promise<void> {
    if (await this.#try(async () => this.#client.call('declineOffer', { id, wrong }))) this.show(`offer ${id}`)
    else await this.#look()
  }

  async openHistory(form: { pin: string }): Promise<void> {
    const isOpen = await this.#try(async () => this.#client.call('openHistory', form))
    // Whoever went elsewhere meanwhile has left it.
    if (isOpen && this.#place === 'history') this.#isHistoryOpen = true
    else if (isOpen) await this.#client.call('closeHistory')
    await this.#look(this.#isHistoryOpen)
  }

  async erase(id: string): Promise<void> {
    await this.#try(async () => this.#client.call('erase', { id }))
    await this.#look()
  }

  async copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text)
    this.#say(this.#words.say('report.copied'))
  }

  async answer(id: string, entry: string, seen: number): Promise<void> {
    const isDone = await this.#try(async () => {
      if ((await this.#client.call('answer', { id, entry, seen })) === 'shown') this.#place = `codes ${id}`
    })
    await this.#look(isDone && this.#place === `codes ${id}`)
  }

  async prepare(): Promise<void> {
    const isReady = await this.#try(async () => {
      await this.#client.call('prepare')
      // What reads and shows codes is fetched when it is needed, and kept on the phone then.
      await Promise.all([offline(), import('./decoder.js')]).catch(() => {
        throw new RefusedError('unreachable', null)
      })
    })
    await this.#look(isReady)
  }

  async choose(id: string, entry: string): Promise<void> {
    this.#chosen.set(id, entry)
    await this.#look(true)
  }

  async decline(id: string, isTold: boolean): Promise<void> {
    await this.#try(async () => this.#client.call('decline', { id, isTold }))
    await this.#look()
  }

  // In a language of the worker: the page, and the bar with the choice of another one.
  #speak(): void {
    document.documentElement.lang = this.#words.language
    document.documentElement.dir = this.#words.direction
    const options = LANGUAGES.map(([tag, name]) => h('option', { value: tag, lang: tag, selected: tag === this.#words.language }, name))
    const select = h('select', { id: 'language', 'aria-label': this.#words.say('language.label'), onchange: (event) => void this.#pick((event.target as HTMLSelectElement).value) }, ...options)
    const lock = h('button', { type: 'button', id: 'lock', hidden: true, onclick: () => void this.#lockNow() }, this.#words.say('lock.now'))
    document.getElementById('bar')?.replaceChildren(select, aloud(this.#words), lock)
  }

  async #pick(tag: string): Promise<void> {
    const isLoaded = await this.#try(async () => {
      this.#words = await Words.load(tag).catch(() => {
        throw new RefusedError('broke', null)
      })
    })
    if (isLoaded) remember(tag)
    this.#screens = new Screens(this.#words, this)
    this.#speak()
    await this.#look(true)
    document.getElementById('language')?.focus()
  }

  // What is on the screen goes before anything is waited for.
  async #lockNow(): Promise<void> {
    this.#endCamera()
    document.getElementById('main')?.replaceChildren()
    await this.lock()
  }

  #takeLink(): void {
    const link = location.hash.slice(1)
    if (!link) return
    // The address bar and the history do not keep it.
    history.replaceState(null, '', location.pathname)
    this.#link = link
    void this.#client.call('status').then(({ phase }) => (phase === 'open' ? this.#follow() : this.#look()), () => this.#look())
  }

  async #opened(): Promise<void> {
    this.#place = 'book'
    if (this.#link) await this.#follow()
    else await this.#look(true)
  }

  async #follow(): Promise<void> {
    const address = this.#link
    if (address === undefined) return
    this.#place = 'waiting'
    const following = this.#client.call('follow', { address })
    following.catch(() => undefined)
    await this.#look(true)
    const done = await this.#try(async () => {
      const { kind, id } = await following
      this.#link = undefined
      this.#place = kind === 'question' ? `question ${id}` : `offer ${await this.#client.call('offerOf', { connection: id })}`
    })
    if (!done) {
      this.#link = undefined
      this.#place = 'book'
    }
    await this.#look(true)
  }

  // A question in codes that follow each other, one of which was seen.
  async #readCodes(camera: Camera, first: string): Promise<void> {
    const { readCodes } = await offline()
    const message = await readCodes(camera, first, (key, named) => this.#say(this.#words.say(key, named))).catch((error: unknown) => {
      this.show('book')
      throw error
    })
    if (!message) return
    const { id } = await this.#client.call('openShown', { message })
    this.show(`question ${id}`)
  }

  async #codesScreen(id: string): Promise<Screen> {
    if (this.#codes?.id !== id) {
      const message = await this.#client.call('shown', { id })
      if (!message) throw new RefusedError('codes_gone', null)
      const canvas = await (await offline()).codesOf(message)
      if (!canvas) throw new RefusedError('codes_long', null)
      this.#codes = { id, canvas }
    }
    return this.#screens.codes(this.#codes.canvas)
  }

  async #look(isNew = false): Promise<void> {
    const look = this.#looks.begin(isNew)
    let status: Status
    try {
      status = await this.#client.call('status')
    } catch {
      // The worker did not begin: no storage, no locks, no settings.
      if (this.#looks.mayDraw(look)) this.#draw(this.#screens.broken(), isNew, 'broken')
      return
    }
    const place = this.#place
    // A picture that moves is on one screen at a time: it stays where it is.
    if (!isNew && /^(?:scan$|codes )/.test(place) && this.#shown === this.#named(status, place)) return
    let screen: Screen
    try {
      screen = await this.#screen(status)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      if (!this.#looks.mayDraw(look) || this.#looks.isFollowed(look)) return
      this.#complain(error)
      this.#place = 'book'
      return
    }
    if (!this.#looks.mayDraw(look)) return
    this.#looks.drawn(look)
    if (status.phase !== 'open' || place !== 'scan') this.#endCamera()
    if (status.phase !== 'open' || !place.startsWith('codes ')) this.#codes = undefined
    const lock = document.getElementById('lock')
    if (lock) lock.hidden = status.phase !== 'open'
    this.#isHistoryOpen &&= status.phase === 'open'
    this.#draw(screen, isNew, this.#named(status, place))
  }

  #named({ phase }: Status, place: string): string {
    return `${phase} ${place}`
  }

  async #screen(status: Status): Promise<Screen> {
    const [kind, ...rest] = this.#place.split(' ')
    const id = rest.join(' ')
    switch (status.phase) {
      case 'unset':
        return this.#screens.unset()
      case 'elsewhere':
        return this.#screens.elsewhere()
      case 'other-tab':
        return this.#screens.otherTab()
      case 'locked':
        if (kind === 'file') return this.#screens.file()
        return kind === 'restore' ? this.#screens.restore() : this.#screens.locked((await this.#client.call('passkey')) !== null)
      case 'forgotten':
        if (kind === 'anew') return this.#screens.anew()
        if (kind === 'file') return this.#screens.file()
        if (kind === 'code') return this.#screens.code(this.#code)
        if (kind === 'confirm') return this.#screens.confirm(this.#asked)
        return this.#screens.restore(true)
      case 'none':
        if (kind === 'code') return this.#screens.code(this.#code)
        if (kind === 'confirm') return this.#screens.confirm(this.#asked)
        if (kind === 'file') return this.#screens.file()
        return kind === 'restore' ? this.#screens.restore() : this.#screens.start(this.#link !== undefined, this.#inApp())
      case 'open':
        if (kind === 'offer') return offerScreen(this.#screens, await this.#client.call('offer', { id }))
        if (kind === 'question') return questionScreen(this.#screens, await this.#client.call('question', { id, entry: this.#chosen.get(id) }))
        if (kind === 'wrong') return wrongScreen(this.#screens, await this.#client.call('offer', { id }))
        if (kind === 'history') return historyScreen(this.#screens, this.#isHistoryOpen ? await this.#client.call('history') : null)
        if (kind === 'report') return reportScreen(this.#screens, await this.#client.call('question', { id }))
        if (kind === 'scan' && this.#camera) return this.#screens.scan(this.#camera.video)
        if (kind === 'codes') return this.#codesScreen(id)
        if (kind === 'waiting') return this.#screens.waiting()
        if (kind === 'more') return this.#screens.more((await this.#client.call('passkey')) ? 'kept' : (await mayHavePasskey()) ? 'possible' : 'none', await this.#client.call('ready'))
        return this.#screens.book(await this.#client.call('book'), status)
    }
  }

  #endCamera(): void {
    this.#camera?.close()
    this.#camera = undefined
  }

  #inApp(): { readonly browser: string; readonly address: string } | undefined {
    const browser = betterThan(navigator.userAgent, matchMedia('(display-mode: standalone)').matches)
    return browser && { browser, address: `${location.origin}/${this.#link === undefined ? '' : `#${this.#link}`}` }
  }

  // A screen that is the same is left as it is: nobody loses their place, or what they are typing.
  #draw({ title, body }: Screen, isNew: boolean, place: string): void {
    const main = document.getElementById('main') as HTMLElement
    const made = h('div', {}, h('h1', { tabindex: -1 }, title), ...body)
    const same = place === this.#shown
    if (same && !isNew && (made.textContent === main.textContent || main.querySelector('input:focus'))) return
    this.#shown = place
    document.title = title
    const hadFocus = main.contains(document.activeElement)
    main.replaceChildren(made)
    // Whoever goes by keys, or listens, is not sent back to the beginning of the page.
    if (!same || isNew || hadFocus) main.querySelector('h1')?.focus()
  }

  async #try(step: () => Promise<unknown>): Promise<boolean> {
    this.#say('')
    try {
      await step()
      return true
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#complain(error)
      return false
    }
  }

  #complain({ code, detail }: RefusedError): void {
    const key = code === 'pin' && detail === 0 ? 'error.pin.forgotten' : code === 'recovery_code' && detail ? 'error.recovery_code.group' : `error.${code}`
    this.#say(this.#words.say(this.#words.has(key) ? key : 'error.broke', { detail: detail ?? '' }))
  }

  #say(text: string): void {
    const state = document.getElementById('state') as HTMLElement
    state.textContent = text
  }

  async #lockUnseen(): Promise<void> {
    await this.#looks.shut(() => this.#client.call('lock').catch(() => undefined))
    await this.#look()
  }

  // A PIN that was chosen before is stretched while the worker goes to the button.
  #typed({ autocomplete, value }: HTMLInputElement): void {
    if (autocomplete === 'current-password') void this.#client.call('typed', { pin: value }).catch(() => undefined)
  }

  // Locked when nobody has looked for long; nothing is filmed meanwhile.
  #watch(): void {
    clearTimeout(this.#hidden)
    if (document.visibilityState === 'hidden' && this.#camera) this.show('book')
    if (document.visibilityState === 'hidden') this.#hidden = setTimeout(() => void this.#lockUnseen(), HIDDEN_MS)
    else void this.#client.call('look').catch(() => undefined)
  }
}

// What reads and shows codes: fetched when somebody shows something without a network, and not before.
function offline(): Promise<typeof import('./offline.js')> {
  return import('./offline.js').catch(() => {
    throw new RefusedError('unreachable', null)
  })
}

// Which language was picked here: nothing else is kept where no PIN guards it. Where nothing can be kept, it is the browser's.
const PICKED = 'language'

function remember(tag: string): void {
  try {
    localStorage.setItem(PICKED, tag)
  } catch {
    // The next visit asks the browser.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(PICKED)
  } catch {
    return null
  }
}

void Words.load(remembered()).then(
  (words) => {
    new Page(words).begin()
    keepFiles(() => Words.load(remembered()).catch(() => undefined))
  },
  () => {
    // No words came: what is left to say stands in the page itself.
    const unloaded = document.getElementById('unloaded')
    if (unloaded) unloaded.hidden = false
  },
)
