// Base64 in both alphabets (RFC 4648, sections 4 and 5).

import { MalformedError } from './errors.js'

const FORM = /^[A-Za-z0-9_-]*={0,2}$/
const CHUNK = 8192

/** Without padding, with the alphabet that is safe in addresses. */
export function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** With padding, as Aries attachments have it. */
export function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(binary)
}

/**
 * Bytes of base64url text, with or without padding.
 *
 * @param path what it is, for errors
 */
export function fromBase64url(text: string, path: string): Uint8Array {
  const digits = text.replace(/=+$/, '')
  if (!FORM.test(text) || digits.length % 4 === 1) throw new MalformedError(path, 'base64url text')
  const binary = atob(digits.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
  return bytes
}

/** Bytes of text in either alphabet: both are seen in attachments. */
export function fromAnyBase64(text: string, path: string): Uint8Array {
  return fromBase64url(text.replaceAll('+', '-').replaceAll('/', '_'), path)
}
