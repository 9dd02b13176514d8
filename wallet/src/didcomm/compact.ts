// Envelopes between this wallet and its mediator, without base64 (ADR 120; `plugins/exchange/compact.py` of our agents is the same).
//
// 1. Only what comes out the same, to the letter, is made compact: one recipient, the header as ours write it.
// 2. It begins with a byte that no JSON begins with; what it becomes is read as any envelope.
//
// 01 | flags | key of the recipient (32) | its encrypted key (48, anonymous: 80)
//    | authenticated: sender (length in 1 byte), nonce of the box (24) | nonce (12) | tag (16) | ciphertext

import { base58, fromBase58 } from '../base58.js'
import { base64, fromBase64url } from '../base64.js'
import { concat } from '../bytes.js'
import { MalformedError } from '../errors.js'

const VERSION = 1
const IS_ANONYMOUS = 1
const IS_PADDED = 2
const MOST_FLAGS = 3
const KEY_BYTES = 32
const LONGEST_KEY = 64
const BOX_BYTES = 48
const SEALED_BYTES = 80
const BOX_NONCE_BYTES = 24
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface Written {
  readonly alg: string
  readonly recipients: readonly { readonly encrypted_key: string; readonly header: { readonly kid: string; readonly sender: string; readonly iv: string } }[]
}

/** An envelope made compact; as it is, if it would not come out the same (1). */
export function compacted(envelope: string): Uint8Array {
  const bytes = utf8(envelope)
  try {
    const frame = frameOf(envelope)
    return textOf(frame) === envelope ? frame : bytes
  } catch {
    return bytes
  }
}

/**
 * The envelope of a frame; as it came, if it is no compact one.
 *
 * @throws MalformedError it is cut short
 */
export function expanded(frame: Uint8Array): Uint8Array {
  return frame[0] === VERSION ? utf8(textOf(frame)) : frame
}

function frameOf(envelope: string): Uint8Array {
  const outside = JSON.parse(envelope) as Record<'protected' | 'iv' | 'ciphertext' | 'tag', string>
  const { alg, recipients } = JSON.parse(new TextDecoder().decode(bytesOf(outside.protected))) as Written
  const [recipient] = recipients as Written['recipients'] & [Written['recipients'][0]]
  const { kid, sender, iv } = recipient.header
  const isAnonymous = alg === 'Anoncrypt'
  const flags = (isAnonymous ? IS_ANONYMOUS : 0) | (outside.tag.endsWith('=') ? IS_PADDED : 0)
  const parts = [Uint8Array.of(VERSION, flags), fromBase58(kid, LONGEST_KEY), bytesOf(recipient.encrypted_key)]
  if (!isAnonymous) {
    const from = bytesOf(sender)
    parts.push(Uint8Array.of(from.length), from, bytesOf(iv))
  }
  return concat(...parts, bytesOf(outside.iv), bytesOf(outside.tag), bytesOf(outside.ciphertext))
}

function textOf(frame: Uint8Array): string {
  let at = 2
  const next = (size: number): Uint8Array => {
    at += size
    if (at > frame.length) throw new MalformedError('envelope', 'a whole compact envelope')
    return frame.subarray(at - size, at)
  }
  const flags = frame[1] ?? Infinity
  if (flags > MOST_FLAGS) throw new MalformedError('envelope', 'flags that are known')
  const b64 = (bytes: Uint8Array): string => {
    const text = base64(bytes).replaceAll('+', '-').replaceAll('/', '_')
    return flags & IS_PADDED ? text : text.replace(/=+$/, '')
  }
  const kid = base58(next(KEY_BYTES))
  const isAnonymous = (flags & IS_ANONYMOUS) > 0
  const key = b64(next(isAnonymous ? SEALED_BYTES : BOX_BYTES))
  const header = isAnonymous ? { kid } : { kid, sender: b64(next(next(1)[0] as number)), iv: b64(next(BOX_NONCE_BYTES)) }
  const inside = { enc: 'xchacha20poly1305_ietf', typ: 'JWM/1.0', alg: isAnonymous ? 'Anoncrypt' : 'Authcrypt', recipients: [{ encrypted_key: key, header }] }
  const [iv, tag] = [b64(next(NONCE_BYTES)), b64(next(TAG_BYTES))]
  return JSON.stringify({ protected: b64(utf8(JSON.stringify(inside))), iv, ciphertext: b64(frame.subarray(at)), tag })
}

function bytesOf(text: string): Uint8Array {
  return fromBase64url(text, 'envelope')
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
