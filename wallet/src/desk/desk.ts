// The verifier's desk without a network (`agents/verifier/pages/desk_codes.py`): shows a question as codes that follow each other, and
// reads the answer's from a camera. Pictures stay in the page; once all codes are read, their texts go to the desk's own agent, which judges.

import { FrameCollector, type Taken } from '../codes/frames.js'
import { Camera } from '../page/camera.js'
import { player } from '../page/player.js'

const SAID: readonly Taken[] = ['foreign', 'version', 'carries', 'damaged']

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement
const said = element('codes-said')
const button = element('codes-scan') as HTMLButtonElement

/** A sentence that the page has for this. */
function say(name: string, more = ''): void {
  said.textContent = `${said.dataset[name] ?? ''}${more}`
}

async function scan(): Promise<void> {
  say('begin')
  const camera = await Camera.open()
  try {
    element('codes-seen').replaceChildren(camera.video)
    await read(camera)
  } finally {
    camera.close()
    element('codes-seen').replaceChildren()
  }
}

async function read(camera: Camera): Promise<void> {
  const collector = new FrameCollector('answer')
  for (let text = await camera.read(); text !== undefined; text = await camera.read()) {
    const taken = collector.add(text)
    if (SAID.includes(taken)) say(taken)
    else if (taken === 'new') say('reading', ` ${collector.have} / ${collector.count}`)
    if (!collector.isWhole) continue
    const { texts } = collector
    if ((await collector.message()) === undefined) {
      say('damaged')
      continue
    }
    const form = element('codes-answer') as HTMLFormElement
    ;(form.elements.namedItem('codes') as HTMLInputElement).value = texts.join('|')
    form.submit()
    return
  }
}

const shown = element('codes-shown')
const codes = player((shown.dataset['frames'] ?? '').split('|'))
codes.setAttribute('aria-label', shown.dataset['label'] ?? '')
shown.replaceChildren(codes)
button.hidden = false
button.addEventListener('click', () => {
  button.disabled = true
  scan()
    .catch(() => say('camera'))
    .finally(() => (button.disabled = false))
})
