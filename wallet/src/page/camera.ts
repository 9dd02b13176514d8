// The camera: looked through until a square code is seen (ISO/IEC 18004). Pictures stay in the page; only the text of the code leaves here.
//
// The browser's own detector reads it where there is one (Shape Detection API), else `decoder.ts`. Some browsers say that they have one, and
// fail when it is asked.

import { imported } from './again.js'
import { h } from './dom.js'
import { RefusedError } from './refused.js'

interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>
}
interface DetectorKind {
  new (options: { formats: readonly string[] }): Detector
  getSupportedFormats(): Promise<readonly string[]>
}
type Read = (video: HTMLVideoElement) => Promise<string | undefined>

const QR = 'qr_code'
const WIDTH = 1280

export class Camera {
  readonly #stream: MediaStream
  #isClosed = false
  readonly video: HTMLVideoElement

  private constructor(stream: MediaStream) {
    this.#stream = stream
    this.video = h('video', { playsinline: true }) as HTMLVideoElement
    this.video.muted = true
    this.video.srcObject = stream
  }

  /** @throws RefusedError 'camera_refused': by the worker or the browser; 'camera_none': there is none that works */
  static async open(): Promise<Camera> {
    try {
      return new Camera(await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: WIDTH } } }))
    } catch (error) {
      const isRefused = error instanceof DOMException && ['NotAllowedError', 'SecurityError'].includes(error.name)
      throw new RefusedError(isRefused ? 'camera_refused' : 'camera_none', null)
    }
  }

  /** What the first code says that is seen; undefined: the camera was closed. */
  async read(): Promise<string | undefined> {
    await this.video.play().catch(() => undefined) // it is drawn first
    let own = await detecting()
    while (!this.#isClosed) {
      await new Promise(requestAnimationFrame)
      if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) continue
      try {
        const text = await (own ?? (await decoding()))(this.video)
        if (text && !this.#isClosed) return text
      } catch (error) {
        if (!own) throw error
        own = undefined
      }
    }
    return undefined
  }

  close(): void {
    this.#isClosed = true
    for (const track of this.#stream.getTracks()) track.stop()
    this.video.srcObject = null
  }
}

async function detecting(): Promise<Read | undefined> {
  const { BarcodeDetector } = globalThis as unknown as { BarcodeDetector?: DetectorKind }
  const formats = (await BarcodeDetector?.getSupportedFormats().catch(() => [])) ?? []
  if (!BarcodeDetector || !formats.includes(QR)) return undefined
  const detector = new BarcodeDetector({ formats: [QR] })
  return async (video) => (await detector.detect(video))[0]?.rawValue
}

/** What reads codes where the browser cannot. */
export const decoderModule = imported('./decoder.js', () => import('./decoder.js'))
let decoder: Promise<Read> | undefined

// What could not be fetched is fetched again the next time.
function decoding(): Promise<Read> {
  decoder ??= library().catch(() => {
    decoder = undefined
    throw new RefusedError('unreachable', null)
  })
  return decoder
}

async function library(): Promise<Read> {
  const { default: decode } = await decoderModule()
  const canvas = h('canvas') as HTMLCanvasElement
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
  return async (video) => {
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight })
    context.drawImage(video, 0, 0)
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height)
    try {
      return decode({ data, width, height })
    } catch {
      return undefined // none is in this picture
    }
  }
}
