// DIDComm v1 envelopes (Aries RFC 0019). `enc` says xchacha20poly1305_ietf, as all implementations write it; the content is
// encrypted with chacha20poly1305 and a nonce of 12 bytes, as all of them do.
//
// An envelope is refused, and nothing of it is used, unless:
// 1. it is strict JSON of a bounded size with `protected`, `iv`, `ciphertext` and `tag`;
// 2. the protected header names Authcrypt or Anoncrypt, and 1 to 10 recipients, none of them twice;
// 3. a recipient is a key of ours, and its box opens: with Authcrypt, as one of the sender that it names;
// 4. the content opens with the whole protected header as it came.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { base64url, fromBase64url } from '../base64.js'
import { concat } from '../bytes.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import { Received } from '../received.js'
import { readStrictJson, utf8Text } from '../strict_json.js'
import { agreementKey, box, boxNonce, openBox, openSeal, seal, sharedKey } from './box.js'
import { verkey, type SecretKey, type Verkey } from './keys.js'

/** As large as our agents take one. */
export const MOST_ENVELOPE_BYTES = 1 << 20
const MOST_RECIPIENTS = 10
const LONGEST_HEADER = 16 * 1024
const LONGEST_BOX = 512
const MOST_DEPTH = 6
const NONCE_BYTES = 12
const TAG_BYTES = 16
const ENCRYPTIONS = ['xchacha20poly1305_ietf', 'chacha20poly1305_ietf']

/** What was in an envelope. */
export interface Opened {
  /** The key of ours that it was for. */
  readonly to: Verkey
  /** The sender's key, proven; undefined if the sender is anonymous. */
  readonly from: Verkey | undefined
  /** A message or another envelope, not looked at yet. */
  readonly content: string
  /** Bytes that follow the message, behind a zero, which no JSON has (ADR 120). */
  readonly tail?: Uint8Array | undefined
}

/**
 * An envelope that only the owner of `to` can open.
 *
 * @param from whose key proves who sends; without it nobody does (Anoncrypt)
 * @param tail bytes that follow it, for a mediator that takes them
 * @throws MalformedError `to` is no key
 */
export function pack(content: string, to: Verkey, from: SecretKey | undefined, tail?: Uint8Array): string {
  const contentKey = crypto.getRandomValues(new Uint8Array(32))
  const recipient = from ? authenticated(contentKey, to, from) : { encrypted_key: base64url(seal(contentKey, theirs(to))), header: { kid: to } }
  const header = { enc: ENCRYPTIONS[0], typ: 'JWM/1.0', alg: from ? 'Authcrypt' : 'Anoncrypt', recipients: [recipient] }
  const protectedHeader = base64url(utf8(JSON.stringify(header)))
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const sealed = chacha20poly1305(contentKey, nonce, utf8(protectedHeader)).encrypt(tail ? concat(utf8(content), Uint8Array.of(0), tail) : utf8(content))
  return JSON.stringify({
    protected: protectedHeader,
    iv: base64url(nonce),
    ciphertext: base64url(sealed.subarray(0, -TAG_BYTES)),
    tag: base64url(sealed.subarray(-TAG_BYTES)),
  })
}

/**
 * Open an envelope.
 *
 * @param keyOf our secret key to a public one, if it is ours
 * @param mostBytes how large it may be
 * @param hasTails whether bytes may follow a message
 * @throws MalformedError it is none
 * @throws CheckFailedError it is for nobody here, was changed, or does not come from whom it names
 */
export function unpack(envelope: Uint8Array | string, keyOf: (key: Verkey) => SecretKey | undefined, mostBytes = MOST_ENVELOPE_BYTES, hasTails = false): Opened {
  // 1
  const outside = new Received(readStrictJson(envelope, 'envelope', { mostBytes, mostDepth: MOST_DEPTH }), 'envelope')
  const protectedHeader = outside.member('protected').text(LONGEST_HEADER)
  const nonce = bytesOf(outside.member('iv'), LONGEST_BOX)
  const tag = bytesOf(outside.member('tag'), LONGEST_BOX)
  if (nonce.length !== NONCE_BYTES || tag.length !== TAG_BYTES) throw new MalformedError('envelope', `an iv of ${NONCE_BYTES} bytes and a tag of ${TAG_BYTES}`)
  const ciphertext = bytesOf(outside.member('ciphertext'), mostBytes)
  // 2
  const inside = readStrictJson(fromBase64url(protectedHeader, 'envelope.protected'), 'envelope.protected', { mostBytes: LONGEST_HEADER, mostDepth: MOST_DEPTH })
  const header = new Received(inside, 'envelope.protected')
  const algorithm = header.member('alg').text(16)
  if ((algorithm !== 'Authcrypt' && algorithm !== 'Anoncrypt') || !ENCRYPTIONS.includes(header.member('enc').text(32)))
    throw new MalformedError('envelope.protected', 'Authcrypt or Anoncrypt with chacha20poly1305 (Aries RFC 0019)')
  const recipients = header.member('recipients').items(MOST_RECIPIENTS).map((item) => ({ item, kid: item.member('header').member('kid').text(64) }))
  if (recipients.length === 0 || new Set(recipients.map(({ kid }) => kid)).size !== recipients.length)
    throw new MalformedError('envelope.protected.recipients', `1 to ${MOST_RECIPIENTS} recipients, each of them once`)
  // 3
  for (const { item, kid } of recipients) {
    const own = keyOf(kid as Verkey)
    if (own === undefined) continue
    const { from, contentKey } = opening(() => openKey(item, own, algorithm === 'Authcrypt'))
    // 4
    const content = opening(() => chacha20poly1305(contentKey, nonce, utf8(protectedHeader)).decrypt(concat(ciphertext, tag)))
    const end = hasTails ? content.indexOf(0) : -1
    const [text, tail] = end < 0 ? [content, undefined] : [content.subarray(0, end), content.subarray(end + 1)]
    return { to: own.verkey, from, content: utf8Text(text, 'content of an envelope'), tail }
  }
  throw new CheckFailedError('no recipient of the envelope is a key of ours')
}

function authenticated(contentKey: Uint8Array, to: Verkey, from: SecretKey): object {
  const nonce = boxNonce()
  const key = theirs(to)
  // Who writes is told in the same words each time: who has the recipient's key reads them, and nobody else sees these envelopes (TLS).
  // Towards others keys live for one message.
  const at = from.with(to)
  const sender = (at.sender ??= base64url(seal(utf8(from.verkey), key)))
  const encryptedKey = base64url(box(contentKey, nonce, (at.shared ??= sharedKey(from.agreement(), key))))
  return { encrypted_key: encryptedKey, header: { kid: to, sender, iv: base64url(nonce) } }
}

function openKey(recipient: Received, own: SecretKey, isAuthenticated: boolean): { from: Verkey | undefined; contentKey: Uint8Array } {
  const boxed = bytesOf(recipient.member('encrypted_key'), LONGEST_BOX)
  const unsealed = (sealed: Uint8Array): Uint8Array => openSeal(sealed, own.agreement(), agreementKey(own.verkey))
  if (!isAuthenticated) return { from: undefined, contentKey: unsealed(boxed) }
  const header = recipient.member('header')
  const sender = header.member('sender')
  // A mediator of ours says in the same words each time who writes, as `authenticated` does (ADR 131).
  const from = own.sender(sender.text(LONGEST_BOX), () => verkey(utf8Text(unsealed(bytesOf(sender, LONGEST_BOX)), 'sender'), 'sender'))
  const shared = (own.with(from).shared ??= sharedKey(own.agreement(), agreementKey(from)))
  return { from, contentKey: openBox(boxed, bytesOf(header.member('iv'), LONGEST_BOX), shared) }
}

function theirs(key: Verkey): Uint8Array {
  try {
    return agreementKey(key)
  } catch {
    throw new MalformedError('recipient', 'an Ed25519 key')
  }
}

// What the libraries throw says nothing that a caller could use, and might say too much.
function opening<T>(open: () => T): T {
  try {
    return open()
  } catch {
    throw new CheckFailedError('the envelope cannot be opened')
  }
}

function bytesOf(received: Received, longest: number): Uint8Array {
  return fromBase64url(received.text(longest), received.path)
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
