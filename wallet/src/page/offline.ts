// Codes that follow each other: a question is read from them, an answer is shown as them (`codes/frames.ts`). Fetched when somebody
// shows something without a network, and not before.

import { FrameCollector, framesOf, type Taken } from '../codes/frames.js'
import type { Camera } from './camera.js'
import { player } from './player.js'

/** What is said of a text that is none of what is waited for. */
const SAID: Readonly<Partial<Record<Taken, string>>> = { foreign: 'codes.foreign', version: 'codes.version', carries: 'codes.carries', damaged: 'codes.damaged' }

/**
 * Read until all codes of a question are there.
 *
 * @param first what was read before
 * @param say what there is to say: how many are there, or what is wrong
 * @returns undefined: the camera was closed
 */
export async function readCodes(camera: Camera, first: string, say: (key: string, named: Record<string, number>) => void): Promise<Uint8Array | undefined> {
  const collector = new FrameCollector('request')
  for (let text: string | undefined = first; text !== undefined; text = await camera.read()) {
    const taken = collector.add(text)
    const wrong = SAID[taken]
    if (wrong !== undefined) say(wrong, {})
    else if (taken === 'new') say('codes.reading', { have: collector.have, count: collector.count })
    const message = collector.isWhole ? await collector.message() : undefined
    if (message) return message
    if (taken === 'new' && collector.count === 0) say('codes.damaged', {})
  }
  return undefined
}

/** A canvas on which the codes of an answer follow each other; undefined: it is too long for that. */
export async function codesOf(message: Uint8Array): Promise<HTMLCanvasElement | undefined> {
  const frames = await framesOf('answer', message)
  return frames && player(frames)
}
