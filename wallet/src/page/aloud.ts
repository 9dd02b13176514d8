// Reading a screen aloud, where this phone has a voice of its own for the language. Voices that a service lends would tell it what is shown.

import { h } from './dom.js'
import type { Words } from './words.js'

const READ = 'h1, h2, h3, p, dt, dd, li, summary, label, button'

/** The button, and what it does; it is there only with a voice. A screen that goes is read no further. */
export function aloud(words: Words): HTMLElement {
  const speech = (globalThis as { speechSynthesis?: SpeechSynthesis }).speechSynthesis
  const voice = (): SpeechSynthesisVoice | undefined => speech?.getVoices().find(({ lang, localService }) => localService && lang.split(/[-_]/)[0] === words.language)
  const main = document.getElementById('main') as HTMLElement
  const read = (): void => {
    if (!speech || speech.speaking) return speech?.cancel()
    const told = new SpeechSynthesisUtterance(textOf(main))
    told.lang = words.language
    told.voice = voice() ?? null
    speech.speak(told)
  }
  const button = h('button', { type: 'button', id: 'aloud', hidden: !voice(), onclick: read }, words.say('read.aloud'))
  speech?.addEventListener('voiceschanged', () => (button.hidden = !voice()))
  if (speech) new MutationObserver(() => speech.cancel()).observe(main, { childList: true })
  return button
}

// Of these, what can be seen: in Chromium what is folded has an `offsetParent` too.
const UNREAD = 'details:not([open]) > :not(summary), .groups'

// What can be seen, in this language alone; the code of the book is for nobody's ears.
function textOf(main: HTMLElement): string {
  const all = [...main.querySelectorAll<HTMLElement>(READ)].filter((each) => each.offsetParent !== null && !each.closest(UNREAD))
  return all.map(ownText).filter((text) => text.trim() !== '').join('. ')
}

// Without what is read by itself.
function ownText(of: HTMLElement): string {
  const texts = [...of.childNodes].map((node) => (!(node instanceof HTMLElement) ? node.textContent : node.matches(`.second, [hidden], ${READ}, ${UNREAD}`) ? ' ' : ownText(node)))
  return texts.join('')
}
