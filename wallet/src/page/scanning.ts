// What a camera reads, and codes that follow each other on the screen.

import { imported } from './again.js'
import { Camera } from './camera.js'
import type { Client } from './client.js'
import { RefusedError } from './refused.js'

const codesModule = imported('./offline.js', () => import('./offline.js'))

/** What reads and shows codes: fetched when somebody shows something without a network, and not before. */
export function offline(): Promise<typeof import('./offline.js')> {
  return codesModule().catch(() => {
    throw new RefusedError('unreachable', null)
  })
}

export class Scanning {
  /** Open while the worker scans, and no longer. */
  #camera: Camera | undefined
  /** What is shown as codes, by its question. */
  #codes: { readonly id: string; readonly canvas: HTMLElement } | undefined

  /** What the camera sees; undefined: nobody scans. */
  get video(): HTMLElement | undefined {
    return this.#camera?.video
  }

  use(camera: Camera): void {
    this.#camera = camera
  }

  endCamera(): void {
    this.#camera?.close()
    this.#camera = undefined
  }

  endCodes(): void {
    this.#codes = undefined
  }

  /** Where the codes of an answer follow each other. */
  async codes(client: Client, id: string): Promise<HTMLElement> {
    if (this.#codes?.id !== id) {
      const message = await client.call('shown', { id })
      if (!message) throw new RefusedError('codes_gone', null)
      const canvas = await (await offline()).codesOf(message)
      if (!canvas) throw new RefusedError('codes_long', null)
      this.#codes = { id, canvas }
    }
    return this.#codes.canvas
  }
}
