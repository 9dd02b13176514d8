// JWS with EdDSA (RFC 7515, RFC 8037) as governance files are signed: compact for one signature, the General JSON Serialization for
// several; the checks are those of `governance/signed/jws.py` of our agents.
//
// 1. Size. 2. Form: three parts, or exactly the members of the other form; each key once; canonical base64url and JSON throughout, so
// that a digest names one text. 3. Each protected header has exactly `alg` EdDSA, `kid` a DID URL, `typ` the type expected here.
// 4. The first signature is the expected author's. 5. Its key, as it stands in the author's document now. 6. It holds.

import { base64url, fromBase64url } from '../base64.js'
import { isSignedBy } from '../didcomm/keys.js'
import { CheckFailedError, MalformedError } from '../errors.js'
import { Received } from '../received.js'
import { readStrictJson, utf8Text } from '../strict_json.js'

const MOST_SIGNATURES = 32
const LONGEST_HEADER = 2_048
const LONGEST_KID = 1_024
const KID = /^(did:[a-z0-9]+:[^#\s]+)#([^#\s]+)$/

/** Gives the raw 32-byte key of a DID URL that stands in its document's `assertionMethod` now; undefined: none does. */
export type KeyResolver = (kid: string) => Promise<Uint8Array | undefined>

/** A signature whose form was checked, and nothing else. */
export interface UnverifiedSignature {
  readonly kid: string
  readonly did: string
  readonly protected: string
  readonly signature: Uint8Array
}

/** A JWS of which only the form was checked (1 to 3). */
export interface UnverifiedJws {
  readonly encoded: string
  readonly unverifiedPayload: Uint8Array
  readonly signatures: readonly UnverifiedSignature[]
}

export function readJws(jws: Uint8Array, typ: string, mostBytes: number): UnverifiedJws {
  if (jws.length > mostBytes) throw new MalformedError('JWS', `at most ${mostBytes} bytes`) // 1
  const text = utf8Text(jws, 'JWS')
  return text.startsWith('{') ? readGeneral(text, typ, mostBytes) : readCompact(text, typ)
}

/** 4; of what nobody pinned, the first is whoever signed first. */
export function firstBy(author: string, { signatures }: UnverifiedJws): UnverifiedSignature {
  const [first] = signatures
  if (!first || first.did !== author) throw new CheckFailedError('expected a signature by the author of the governance file')
  return first
}

/** 5 and 6. False: its key does not stand in the signer's document now. Throws if the signature does not hold. */
export async function verifySignature(jws: UnverifiedJws, signature: UnverifiedSignature, resolve: KeyResolver): Promise<boolean> {
  const key = await resolve(signature.kid)
  if (key === undefined) return false
  const message = new TextEncoder().encode(`${signature.protected}.${jws.encoded}`)
  if (!(await isSignedBy(key, message, signature.signature))) throw new CheckFailedError('a signature of the governance file does not hold')
  return true
}

function readCompact(text: string, typ: string): UnverifiedJws { // 2
  const [header, payload, signature, more] = text.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more !== undefined) throw new MalformedError('JWS', 'three parts')
  return { encoded: payload, unverifiedPayload: canonicalBase64url(payload), signatures: [readSignature(header, signature, typ)] }
}

function readGeneral(text: string, typ: string, mostBytes: number): UnverifiedJws {
  const document = new Received(readStrictJson(text, 'JWS', { mostBytes, mostDepth: 4 }), 'JWS')
  const payload = document.member('payload').text(mostBytes)
  const parts = document.member('signatures').items(MOST_SIGNATURES).map((part) => ({
    protected: part.member('protected').text(4 * LONGEST_HEADER),
    signature: part.member('signature').text(256),
  }))
  const signatures = parts.map((part) => readSignature(part.protected, part.signature, typ))
  const kids = signatures.slice(1).map(({ kid }) => kid)
  const isOrdered = kids.every((kid, index) => index === 0 || (kids[index - 1] as string) < kid)
  const isOnce = new Set(signatures.map(({ kid }) => kid)).size === signatures.length
  if (signatures.length < 2 || !isOrdered || !isOnce || JSON.stringify({ payload, signatures: parts }) !== text)
    throw new MalformedError('JWS', 'the one form of a JWS that several signed')
  return { encoded: payload, unverifiedPayload: canonicalBase64url(payload), signatures }
}

function readSignature(protectedHeader: string, signature: string, typ: string): UnverifiedSignature { // 3
  const decoded = readStrictJson(canonicalBase64url(protectedHeader), 'header', { mostBytes: LONGEST_HEADER, mostDepth: 4 })
  const header = new Received(decoded, 'header')
  const kid = header.member('kid').text(LONGEST_KID)
  const [, did] = KID.exec(kid) ?? []
  if (header.entries(3, 8).length !== 3 || header.member('alg').text(16) !== 'EdDSA' || header.member('typ').text(64) !== typ || did === undefined)
    throw new MalformedError('header', `exactly alg EdDSA, kid a DID URL, and typ ${typ}`)
  return { kid, did, protected: protectedHeader, signature: canonicalBase64url(signature) }
}

function canonicalBase64url(text: string): Uint8Array {
  const bytes = fromBase64url(text, 'JWS')
  if (base64url(bytes) !== text) throw new MalformedError('JWS', 'canonical base64url')
  return bytes
}

