// What is there whatever is shown: the bar with languages, voice and lock, the line that says what happened, and where screens are drawn.

import { aloud } from './aloud.js'
import { h } from './dom.js'
import type { Screen } from './parts.js'
import type { RefusedError } from './refused.js'
import { LANGUAGES, type Words } from './words.js'

export class Frame {
  #words: Words
  #shown = ''

  constructor(words: Words) {
    this.#words = words
  }

  /** The place that is drawn. */
  get shown(): string {
    return this.#shown
  }

  /** In a language of the worker: the page, and the bar with the choice of another one. */
  speak(words: Words, pick: (tag: string) => unknown, lock: () => unknown): void {
    this.#words = words
    document.documentElement.lang = words.language
    document.documentElement.dir = words.direction
    const options = LANGUAGES.map(([tag, name]) => h('option', { value: tag, lang: tag, selected: tag === words.language }, name))
    const select = h('select', { id: 'language', 'aria-label': words.say('language.label'), onchange: (event) => void pick((event.target as HTMLSelectElement).value) }, ...options)
    const button = h('button', { type: 'button', id: 'lock', hidden: true, onclick: () => void lock() }, words.say('lock.now'))
    document.getElementById('bar')?.replaceChildren(select, aloud(words), button)
  }

  mayLock(may: boolean): void {
    const lock = document.getElementById('lock')
    if (lock) lock.hidden = !may
  }

  /** A screen that is the same is left as it is: nobody loses their place, or what they are typing. */
  draw({ title, body }: Screen, isNew: boolean, place: string): void {
    const main = mainPart()
    const made = h('div', {}, h('h1', { tabindex: -1 }, title), ...body)
    const same = place === this.#shown
    if (same && !isNew && (made.textContent === main.textContent || main.querySelector(':is(input, textarea):focus'))) return
    const isHere = same && !isNew && title === document.title
    this.#shown = place
    document.title = title
    const hadFocus = main.contains(document.activeElement)
    main.replaceChildren(made)
    // Whoever goes by keys, or listens, is not sent back to the beginning of the page; nor is who looks, where a button changed a part of it.
    if (!same || isNew || hadFocus) main.querySelector('h1')?.focus({ preventScroll: isHere })
  }

  clear(): void {
    mainPart().replaceChildren()
  }

  say(text: string): void {
    const state = document.getElementById('state') as HTMLElement
    state.textContent = text
  }

  complain({ code, detail }: RefusedError): void {
    const key = code === 'pin' && detail === 0 ? 'error.pin.forgotten' : code === 'recovery_code' && detail ? 'error.recovery_code.group' : `error.${code}`
    this.say(this.#words.say(this.#words.has(key) ? key : 'error.broke', { detail: detail ?? '' }))
  }
}

function mainPart(): HTMLElement {
  return document.getElementById('main') as HTMLElement
}
