// Reading a screen aloud, where this phone has a voice of its own for the language. Voices that a service lends would tell it what is shown.
// What is in English on a page of another language is read by an English voice, where the phone has one too.

import { h } from './dom.js'
import type { Words } from './words.js'

const READ = 'h1, h2, h3, p, dt, dd, li, summary, label, button'

/** The button, and what it does; it is there only with a voice. A screen that goes is read no further. */
export function aloud(words: Words): HTMLElement {
  const speech = (globalThis as { speechSynthesis?: SpeechSynthesis }).speechSynthesis
  const voiceOf = (language: string): SpeechSynthesisVoice | undefined => speech?.getVoices().find(({ lang, localService }) => localService && lang.split(/[-_]/)[0] === language)
  const main = document.getElementById('main') as HTMLElement
  const read = (): void => {
    const own = voiceOf(words.language)
    if (!speech || !own || speech.speaking) return speech?.cancel()
    const english = voiceOf('en')
    let told: SpeechSynthesisUtterance | undefined
    for (const { text, isEnglish } of piecesOf(main)) {
      const voice = (isEnglish && english) || own
      if (told?.voice === voice) told.text += text
      else {
        if (told) speech.speak(told)
        told = new SpeechSynthesisUtterance(text)
        told.lang = voice === own ? words.language : 'en'
        told.voice = voice
      }
    }
    if (told) speech.speak(told)
  }
  const button = h('button', { type: 'button', id: 'aloud', hidden: !voiceOf(words.language), onclick: read }, words.say('read.aloud'))
  speech?.addEventListener('voiceschanged', () => (button.hidden = !voiceOf(words.language)))
  if (speech) new MutationObserver(() => speech.cancel()).observe(main, { childList: true })
  return button
}

// Of these, what can be seen: in Chromium what is folded has an `offsetParent` too.
const UNREAD = 'details:not([open]) > :not(summary), .groups'

interface Read {
  readonly text: string
  readonly isEnglish: boolean
}

// What can be seen, once and not in a second language too; the code of the book is for nobody's ears.
function piecesOf(main: HTMLElement): Read[] {
  const all = [...main.querySelectorAll<HTMLElement>(READ)].filter((each) => each.offsetParent !== null && !each.closest(UNREAD))
  const told = all.map((each) => ownPieces(each)).filter((pieces) => pieces.some(({ text }) => text.trim() !== ''))
  return told.flatMap((pieces, index) => (index ? [{ text: '. ', isEnglish: pieces[0]?.isEnglish ?? false }, ...pieces] : pieces))
}

// Without what is read by itself.
function ownPieces(of: Element, isEnglish = false): Read[] {
  return [...of.childNodes].flatMap((node): Read[] => {
    if (!(node instanceof HTMLElement)) return [{ text: node.textContent ?? '', isEnglish }]
    return node.matches(`.second, [hidden], ${READ}, ${UNREAD}`) ? [{ text: ' ', isEnglish }] : ownPieces(node, isEnglish || node.lang === 'en')
  })
}
