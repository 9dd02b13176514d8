// Bytes and the whole numbers that they write.

/** Parts, one after the other. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** The number that bytes write, the most significant first. */
export function toNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

/** The fewest bytes that write a number, the most significant first; one for zero. */
export function toBytes(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return fromHex(hex.length % 2 ? `0${hex}` : hex)
}

/** A number below 2^256 as 32 bytes, the most significant first. */
export function to32Bytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'))
}

/** Bytes with zeros behind them, up to a length. */
export function padded(bytes: Uint8Array, length: number): Uint8Array {
  const longer = new Uint8Array(length)
  longer.set(bytes)
  return longer
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.length; index++) bytes[index] = parseInt(hex.slice(2 * index, 2 * index + 2), 16)
  return bytes
}
