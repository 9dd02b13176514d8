// Deflated bytes, by what the browser has (Compression Streams): without a head (RFC 1951), or with one and a checksum (RFC 1950).
//
// What is inflated may be foreign. It goes in by small slices, each when what the one before became was taken: so no more comes than the
// bound and what one slice holds, 1,032 times as much at most.

import { concat } from './bytes.js'
import { MalformedError } from './errors.js'

const SLICE = 4_096

export function deflated(content: Uint8Array): Promise<Uint8Array> {
  return through(content, new CompressionStream('deflate-raw'), Infinity)
}

/**
 * What was deflated.
 *
 * @param format 'deflate' is the one with a head and a checksum
 * @throws MalformedError it is something else, or becomes more than `mostBytes`
 */
export async function inflated(content: Uint8Array, mostBytes: number, format: 'deflate' | 'deflate-raw' = 'deflate-raw'): Promise<Uint8Array> {
  try {
    return await through(content, new DecompressionStream(format), mostBytes)
  } catch {
    throw new MalformedError('deflated bytes', `what becomes at most ${mostBytes} bytes`)
  }
}

async function through(content: Uint8Array, stream: CompressionStream | DecompressionStream, mostBytes: number): Promise<Uint8Array> {
  let at = 0
  const slices = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      if (at >= content.length) return controller.close()
      controller.enqueue(content.slice(at, (at += SLICE)))
    },
  }, { highWaterMark: 0 })
  const reader = slices.pipeThrough(stream).getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(...parts)
    length += value.length
    if (length > mostBytes) {
      await reader.cancel()
      throw new RangeError('too much')
    }
    parts.push(value)
  }
}
