// `did_rotate~attach` (Aries RFCs 0017 and 0023): a DID, signed by the key that an invitation was for.

import { fromAnyBase64, fromBase64url } from '../base64.js'
import { CheckFailedError } from '../errors.js'
import { Received } from '../received.js'
import { readStrictJson, utf8Text } from '../strict_json.js'
import { isSigned, publicKey, type Verkey } from './keys.js'

const LONGEST = 64 * 1024
const LONGEST_HEADER = 4096

/**
 * The text of a signed attachment.
 *
 * @param by whose signatures count. What the header says about its key is not relied on
 * @throws MalformedError it is none
 * @throws CheckFailedError none of them signed it
 */
export function readSignedText(attachment: Received, by: readonly Verkey[]): string {
  const data = attachment.member('data')
  const received = data.member('base64')
  // What is signed is base64url without padding, whichever form it came in.
  const payload = received.text(LONGEST).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  const jws = data.member('jws')
  const protectedHeader = jws.member('protected').text(LONGEST_HEADER)
  const decodedHeader = readStrictJson(fromBase64url(protectedHeader, jws.path), jws.path, { mostBytes: LONGEST_HEADER, mostDepth: 8 })
  const header = new Received(decodedHeader, `${jws.path}.protected`)
  const isPlain = header.member('alg').text(16) === 'EdDSA' && !header.optional('crit') && !header.optional('b64')
  const signature = fromBase64url(jws.member('signature').text(256), jws.path)
  const message = new TextEncoder().encode(`${protectedHeader}.${payload}`)
  if (!isPlain || !by.some((key) => isSigned(publicKey(key), message, signature)))
    throw new CheckFailedError('the DID of the response is not signed by a key of the invitation')
  return utf8Text(fromAnyBase64(payload, received.path), received.path)
}
