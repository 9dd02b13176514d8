// Frames as square codes (ISO/IEC 18004) that follow each other on a canvas: version 18 with error correction M, in which a frame fits.
//
// 1. Five a second: a point that changes with every code flashes twice and a half, and no more than three are bearable (WCAG 2.3.1).
// 2. Each round is in another order, so that no reader that is slow in the same step misses the same ones for ever.
// 3. They go on as long as the canvas is in the page.

import { encodeQR } from 'qr'

const A_CODE_MS = 200
const POINT = 6
const CODE = { ecc: 'medium', encoding: 'alphanumeric', version: 18, border: 4 } as const

type Picture = readonly (readonly boolean[])[]

export function player(frames: readonly string[]): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  const pictures = frames.map((text): Picture => encodeQR(text, 'raw', CODE))
  const side = (pictures[0]?.length ?? 0) * POINT
  Object.assign(canvas, { width: side, height: side, className: 'codes' })
  canvas.setAttribute('role', 'img')
  canvas.dataset['codes'] = String(frames.length)
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  let round: Picture[] = []
  let wasShown = false
  const next = (): void => {
    if (canvas.isConnected) wasShown = true
    else if (wasShown) return clearInterval(timer) // 3
    if (round.length === 0) round = shuffled(pictures) // 2
    draw(context, side, round.pop() ?? [])
  }
  const timer = setInterval(next, A_CODE_MS) // 1
  next()
  return canvas
}

function draw(context: CanvasRenderingContext2D, side: number, picture: Picture): void {
  context.fillStyle = '#fff'
  context.fillRect(0, 0, side, side)
  context.fillStyle = '#000'
  picture.forEach((line, y) => line.forEach((isDark, x) => isDark && context.fillRect(x * POINT, y * POINT, POINT, POINT)))
}

function shuffled<T>(all: readonly T[]): T[] {
  const order = [...all]
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    ;[order[at], order[other]] = [order[other] as T, order[at] as T]
  }
  return order
}
