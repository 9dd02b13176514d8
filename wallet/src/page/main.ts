// The page: shows where the wallet stands, does what the worker chooses, and looks again when something has changed.
//
// A link comes behind '#', which no server is told. Whatever the page shows is asked of the worker each time.

import { asciiDigits } from '../keeping/digits.js'
import { Camera, decoderModule } from './camera.js'
import { beginWorker, Client, RefusedError } from './client.js'
import { h } from './dom.js'
import { Frame } from './frame.js'
import { askToKeep, keepFiles } from './kept.js'
import { Looks } from './looks.js'
import type { Actions, Screen } from './parts.js'
import { makePasskey, secretOf } from './passkey.js'
import { pastedLink } from './pasted.js'
import { remember, rememberDoor, remembered, rememberedDoor } from './picked.js'
import { screenAt, type Here } from './places.js'
import type { Status, Wrong } from './protocol.js'
import { offline, Scanning } from './scanning.js'
import { Screens } from './screens.js'
import { Standing } from './standing.js'
import { Words } from './words.js'

const HIDDEN_MS = 10 * 60_000
const DOWNLOAD_MS = 60_000
/** When the first screen stands, and its reader looks at it. */
const IDLE_MS = 300

class Page implements Actions {
  readonly #client = new Client()
  readonly #looks = new Looks()
  readonly #standing = new Standing(this.#client)
  readonly #scanning = new Scanning()
  readonly #frame: Frame
  #words: Words
  #screens: Screens
  /** The entry that the worker would answer a question with, by the question. */
  #chosen = new Map<string, string>()
  #place = 'book'
  #code: string[] = []
  #asked = 1
  #link: string | undefined
  /** Whether the PIN opened the history; it closes with leaving it. */
  #isHistoryOpen = false
  #hidden: ReturnType<typeof setTimeout> | undefined

  constructor(words: Words) {
    this.#words = words
    this.#frame = new Frame(words)
    this.#screens = new Screens(words, this)
    // While a link is followed there is nothing to see but where the wallet stands.
    this.#client.onEvent = (event) => {
      if (event === 'status') this.#standing.anew()
      if (event === 'status' || this.#place !== 'waiting') void this.#look()
    }
    addEventListener('hashchange', () => this.#takeLink())
    document.addEventListener('visibilitychange', () => this.#watch())
    document.addEventListener('input', ({ target }) => this.#typed(target as HTMLInputElement))
  }

  begin(): void {
    this.#speak()
    this.#readLink()
    // Whoever has a book here sees so at once; the worker, which begins meanwhile, says whether it is true.
    const door = rememberedDoor()
    if (door) this.#frame.draw(this.#screens.locked(door === 'passkey'), false, 'locked book')
    void this.#look()
    setTimeout(() => this.#words.prepare(), IDLE_MS)
  }

  async newCode(): Promise<void> {
    await this.#try(async () => {
      void askToKeep()
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
      await this.#opened()
    })
  }

  async unlock(form: { pin: string }): Promise<void> {
    await this.#try(async () => {
      await this.#client.call('unlock', { ...form, address: this.#link })
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
    const isDone = await this.#try(async () => this.#client.call('keepPasskey', await makePasskey(this.#words.say('book.title'))))
    if (isDone) rememberDoor('passkey')
    await this.#done(isDone)
  }

  async dropPasskey(): Promise<void> {
    const isDone = await this.#try(async () => this.#client.call('keepPasskey', null))
    if (isDone) rememberDoor('pin')
    await this.#done(isDone)
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
      this.#frame.say(this.#words.say('more.file.saved'))
    })
  }

  async openFile(form: { file: Blob; code: string; pin: string }): Promise<void> {
    await this.#try(async () => {
      const opened = await this.#client.call('openFile', form)
      await this.#opened()
      if (opened === 'vault') this.#frame.say(this.#words.say('file.newer'))
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
    this.#chosen.clear()
    this.#place = 'book'
    await this.#looks.shut(() => this.#try(() => this.#client.call('lock')))
    await this.#look(true)
  }

  async deleteBook({ sure }: { sure: boolean }): Promise<void> {
    if (sure)
      await this.#try(async () => {
        await this.#client.call('deleteBook')
        this.show('book')
        this.#frame.say(this.#words.say('error.vault_deleted'))
      })
  }

  async open({ address }: { address: string }): Promise<void> {
    this.#link = pastedLink(address)
    await this.#follow()
  }

  async dropLink(id: string): Promise<void> {
    await this.#try(async () => this.#client.call('dropLink', { id }))
    await this.#look()
  }

  async askToKeep(): Promise<void> {
    const isKept = await askToKeep()
    await this.#look()
    this.#frame.say(this.#words.say(isKept ? 'done' : 'more.clearing.no'))
  }

  async scan(): Promise<void> {
    const before = this.#place
    await this.#try(async () => {
      const camera = await Camera.open()
      // Whoever went elsewhere meanwhile does not scan any more.
      if (this.#place !== before) return camera.close()
      this.#scanning.use(camera)
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
    this.#frame.say('')
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
    this.#frame.say(this.#words.say('report.copied'))
  }

  async answer(id: string, entry: string, seen: number, isLess = false): Promise<void> {
    const isDone = await this.#try(async () => {
      if ((await this.#client.call('answer', { id, entry, seen, isLess })) === 'shown') this.#place = `codes ${id}`
    })
    await this.#look(isDone && this.#place === `codes ${id}`)
  }

  async prepare(): Promise<void> {
    const isDone = await this.#try(async () => {
      await this.#client.call('prepare')
      // What reads and shows codes is fetched when it is needed, and kept on the phone then.
      await Promise.all([offline(), decoderModule()]).catch(() => {
        throw new RefusedError('unreachable', null)
      })
    })
    await this.#done(isDone)
  }

  async choose(id: string, entry: string): Promise<void> {
    this.#chosen.set(id, entry)
    await this.#look(true)
  }

  async decline(id: string, isTold: boolean): Promise<void> {
    await this.#try(async () => this.#client.call('decline', { id, isTold }))
    await this.#look()
  }

  #speak(): void {
    this.#frame.speak(this.#words, (tag) => this.#pick(tag), () => this.#lockNow())
  }

  async #pick(tag: string): Promise<void> {
    const isLoaded = await this.#try(async () => {
      this.#words = await Words.load(tag, false).catch(() => {
        throw new RefusedError('unreachable', null)
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
    this.#scanning.endCamera()
    this.#frame.clear()
    await this.lock()
  }

  #readLink(): boolean {
    const link = location.hash.slice(1)
    if (!link) return false
    // The address bar and the history do not keep it.
    history.replaceState(null, '', location.pathname)
    this.#link = link
    return true
  }

  #takeLink(): void {
    if (!this.#readLink()) return
    void this.#client.call('status').then(({ phase }) => (phase === 'open' ? this.#follow() : this.#look()), () => this.#look())
  }

  async #opened(): Promise<void> {
    this.#place = 'book'
    this.#code = []
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
    let isKept = false
    const done = await this.#try(async () => {
      const opened = await following
      this.#link = undefined
      isKept = !opened
      if (opened) this.#place = opened.kind === 'question' ? `question ${opened.id}` : `offer ${await this.#client.call('offerOf', { connection: opened.id })}`
    })
    if (!done || isKept) {
      this.#link = undefined
      this.#place = 'book'
    }
    await this.#look(true)
    if (isKept) this.#frame.say(this.#words.say('link.waiting', { date: this.#words.date(Date.now()) }))
  }

  // A question in codes that follow each other, one of which was seen.
  async #readCodes(camera: Camera, first: string): Promise<void> {
    const say = (key: string, named: Record<string, number>): void => this.#frame.say(this.#words.say(key, named))
    const reading = offline().then(({ readCodes }) => readCodes(camera, first, say))
    const message = await reading.catch((error: unknown) => {
      this.show('book')
      throw error
    })
    if (!message) return
    const { id } = await this.#client.call('openShown', { message })
    this.show(`question ${id}`)
  }

  async #look(isNew = false): Promise<void> {
    const look = this.#looks.begin(isNew)
    let status: Status
    try {
      status = await this.#standing.status()
    } catch {
      // The worker did not begin: no storage, no locks, no settings.
      if (this.#looks.mayDraw(look)) this.#frame.draw(this.#screens.broken(), isNew, 'broken')
      return
    }
    if (!this.#looks.mayDraw(look)) return
    this.#noteDoor(status)
    const place = this.#place
    // A picture that moves is on one screen at a time: it stays where it is.
    if (!isNew && /^(?:scan$|codes )/.test(place) && this.#frame.shown === this.#named(status, place)) return
    let screen: Screen
    try {
      screen = await screenAt(place, status, this.#here)
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      if (!this.#looks.mayDraw(look) || this.#looks.isFollowed(look)) return
      this.#frame.complain(error)
      this.#place = 'book'
      return
    }
    if (!this.#looks.mayDraw(look)) return
    this.#looks.drawn(look)
    if (status.phase !== 'open' || place !== 'scan') this.#scanning.endCamera()
    if (status.phase !== 'open' || !place.startsWith('codes ')) this.#scanning.endCodes()
    this.#frame.mayLock(status.phase === 'open')
    this.#isHistoryOpen &&= status.phase === 'open'
    this.#frame.draw(screen, isNew, this.#named(status, place))
  }

  // A passkey that was added or dropped while the book was open is told when it is locked.
  #noteDoor({ phase, hasPasskey }: Status): void {
    if (phase === 'locked') rememberDoor((hasPasskey ?? rememberedDoor() === 'passkey') ? 'passkey' : 'pin')
    else if (phase === 'open') rememberDoor(rememberedDoor() ?? 'pin')
    else if (phase === 'none' || phase === 'forgotten') rememberDoor(undefined)
  }

  #named({ phase }: Status, place: string): string {
    return `${phase} ${place}`
  }

  get #here(): Here {
    return {
      client: this.#client,
      screens: this.#screens,
      scanning: this.#scanning,
      code: this.#code,
      asked: this.#asked,
      link: this.#link,
      chosen: this.#chosen,
      isHistoryOpen: this.#isHistoryOpen,
    }
  }

  // What a button changed may be little to see.
  async #done(isDone: boolean): Promise<void> {
    await this.#look()
    if (isDone) this.#frame.say(this.#words.say('done'))
  }

  async #try(step: () => Promise<unknown>): Promise<boolean> {
    this.#frame.say('')
    try {
      await step()
      return true
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      this.#frame.complain(error)
      return false
    }
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
    if (document.visibilityState === 'hidden' && this.#scanning.video) this.show('book')
    if (document.visibilityState === 'hidden') this.#hidden = setTimeout(() => void this.#lockUnseen(), HIDDEN_MS)
    else void this.#client.call('look').catch(() => undefined)
  }
}

// Where a book is here, its first screen needs no worker, and stands sooner without one that begins beside it.
if (!rememberedDoor()) beginWorker()

function load(): void {
  void Words.load(remembered()).then(
    (words) => {
      new Page(words).begin()
      setTimeout(() => keepFiles(() => Words.load(remembered()).catch(() => undefined)), IDLE_MS)
    },
    () => {
      // No words came: what is left to say stands in the page itself, until the device says that it has a network.
      const unloaded = document.getElementById('unloaded')
      if (unloaded) unloaded.hidden = false
      addEventListener('online', load, { once: true })
    },
  )
}

load()
