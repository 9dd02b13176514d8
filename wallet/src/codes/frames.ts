// A message as square codes that are shown in turn, for two who have no network (docs/adr/0119-shown-without-a-network.md;
// `plugins/trust/offline/frames.py` of our agents is the same). One code is one frame: `WB1/` and, in base45, what it carries (1, for a
// request, or 2, for an answer), its place, how many there are, the first 16 bytes of the SHA-256 of the whole, and its part of the whole:
// 520 bytes, less in the last one. The whole is the message, deflated (RFC 1951).
//
// What is read of a frame, in this order:
//
// 1. A text that begins otherwise is foreign; `WB` and another number is of a version that is not known here.
// 2. Its form: canonical base45; at most 64 frames; a place among them; a part that is full, but in the last frame.
// 3. It carries what is waited for.
// 4. A frame of another whole, or another number of frames, begins anew: only the whole that was seen last is kept, which is at most
//    33,280 bytes, whatever is shown.
// 5. A place that was seen with another part: nobody knows which is right, so it begins anew with none.
// 6. When all are there, the digest is compared; another one: it begins anew with none.
// 7. It is inflated to at most 256 KiB.

import { deflated, inflated } from '../deflate.js'
import { WalletError } from '../errors.js'
import { base45, fromBase45 } from './base45.js'

export type Carried = 'request' | 'answer'

/** What became of a text that was read: taken, known before, or why it was not. */
export type Taken = 'new' | 'known' | 'foreign' | 'version' | 'carries' | 'damaged'

export const MOST_FRAMES = 64
export const PART_BYTES = 520
export const MOST_MESSAGE_BYTES = 256 * 1024
const PREFIX = 'WB1/'
const OTHER_VERSION = /^WB[0-9]+\//
const KINDS: Readonly<Record<Carried, number>> = { request: 1, answer: 2 }
const DIGEST_BYTES = 16
const HEAD_BYTES = 3 + DIGEST_BYTES
const LONGEST = PREFIX.length + Math.ceil(((HEAD_BYTES + PART_BYTES) * 3) / 2)

/** The frames of a message; undefined: it is too long to be shown. */
export async function framesOf(carried: Carried, message: Uint8Array): Promise<string[] | undefined> {
  return message.length > MOST_MESSAGE_BYTES ? undefined : framesOfWhole(carried, await deflated(message))
}

/** The frames of a message that is deflated. */
export async function framesOfWhole(carried: Carried, whole: Uint8Array): Promise<string[] | undefined> {
  const count = Math.ceil(whole.length / PART_BYTES)
  if (count < 1 || count > MOST_FRAMES) return undefined
  const digest = await digestOf(whole)
  return Array.from({ length: count }, (_, place) => PREFIX + base45(Uint8Array.from([KINDS[carried], place, count, ...digest, ...whole.subarray(place * PART_BYTES, (place + 1) * PART_BYTES)])))
}

export class FrameCollector {
  readonly #carried: Carried
  #of = ''
  #count = 0
  readonly #frames = new Map<number, { readonly text: string; readonly part: Uint8Array }>()

  constructor(carried: Carried) {
    this.#carried = carried
  }

  /** How many frames there are; 0: none was seen. */
  get count(): number {
    return this.#count
  }

  /** How many of them are here. */
  get have(): number {
    return this.#frames.size
  }

  get isWhole(): boolean {
    return this.#count > 0 && this.#frames.size === this.#count
  }

  /** The frames that are here, by their places. */
  get texts(): string[] {
    return [...this.#frames].sort(([one], [two]) => one - two).map(([, { text }]) => text)
  }

  add(text: string): Taken {
    if (!text.startsWith(PREFIX)) return OTHER_VERSION.test(text.slice(0, 16)) ? 'version' : 'foreign' // 1
    const bytes = text.length > LONGEST ? undefined : fromBase45(text.slice(PREFIX.length)) // 2
    if (!bytes || bytes.length <= HEAD_BYTES) return 'damaged'
    const [kind, place, count] = bytes as unknown as [number, number, number]
    const part = bytes.slice(HEAD_BYTES)
    const isFull = part.length === PART_BYTES || (place === count - 1 && part.length < PART_BYTES)
    if (count > MOST_FRAMES || place >= count || !isFull || !Object.values(KINDS).includes(kind)) return 'damaged'
    if (kind !== KINDS[this.#carried]) return 'carries' // 3
    const of = bytes.slice(2, HEAD_BYTES).join()
    if (of !== this.#of) this.#begin(of, count) // 4
    const known = this.#frames.get(place)
    if (known && known.text !== text) {
      this.#begin('', 0) // 5
      return 'damaged'
    }
    this.#frames.set(place, { text, part })
    return known ? 'known' : 'new'
  }

  /** The message, once all frames are here; undefined: it is damaged, and nothing of it is here any more. */
  async message(): Promise<Uint8Array | undefined> {
    const of = this.#of
    const parts = [...this.#frames].sort(([one], [two]) => one - two).map(([, { part }]) => part)
    const whole = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer())
    const isSame = [this.#count, ...(await digestOf(whole))].join() === of // 6
    const message = this.isWhole && isSame ? await orDamaged(inflated(whole, MOST_MESSAGE_BYTES)) : undefined // 7
    if (!message && of === this.#of) this.#begin('', 0)
    return message
  }

  #begin(of: string, count: number): void {
    this.#of = of
    this.#count = count
    this.#frames.clear()
  }
}

async function digestOf(whole: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole as Uint8Array<ArrayBuffer>)).subarray(0, DIGEST_BYTES)
}

async function orDamaged(inflating: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await inflating
  } catch (error) {
    if (!(error instanceof WalletError)) throw error
    return undefined
  }
}
