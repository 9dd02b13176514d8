// A governance file as its author and enough of its parties signed it, whether it is fresh, and that it never goes back
// (`governance/signed/` of our agents).
//
// After the checks of `jws.ts`: 8. the payload is a governance file; 9. its author is who signed first; 10. further signatures are by
// parties of this version or the one before, and hold; a key that its party no longer has counts for nothing; 11. this version's
// signatories, and those of the version before, signed in the number that each asks for.

import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../bytes.js'
import { CheckFailedError, MalformedError, UnreachableError } from '../errors.js'
import { Received } from '../received.js'
import { readStrictJson } from '../strict_json.js'
import type { GovernanceFile, Signatories, Snapshot } from './facts.js'
import { firstBy, readJws, verifySignature, type KeyResolver, type UnverifiedJws } from './jws.js'
import { readGovernanceFile, type Parts } from './reading.js'

export const MOST_FILE_BYTES = 8 << 20
const MOST_JWS_BYTES = Math.floor((MOST_FILE_BYTES * 4) / 3) + 32 * 4096
const MOST_FRESHNESS_BYTES = 8_192
const MOST_LIFETIME_S = 7 * 24 * 3600
const SKEW_S = 5 * 60
const YEAR_10000 = 253_402_300_800
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** A file whose signatures were checked. Only `verifyFile` makes one. */
export interface SignedFile {
  readonly file: GovernanceFile
  /** The payload, to be read again with parts of it. */
  readonly payload: Received
  /** "sha256:" and hex of the bytes as received. */
  readonly digest: string
  readonly signers: readonly string[]
}

/** The highest version accepted so far. It must outlive the page. */
export interface SeenVersion {
  readonly id: string
  readonly version: number
  readonly digest: string
}

export interface Freshness extends SeenVersion {
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/**
 * Check a signed file.
 *
 * @param author who is pinned
 * @param previous signatories of the version before, if there was one
 * @throws UnreachableError keys that the threshold needs could not be checked
 * @throws MalformedError, CheckFailedError it is not signed as it must be, or no governance file
 */
export async function verifyFile(jws: Uint8Array, author: string, resolve: KeyResolver, previous?: Signatories): Promise<SignedFile> {
  const received = readJws(jws, 'governance-file+jws', MOST_JWS_BYTES)
  const first = firstBy(author, received)
  if (!(await verifySignature(received, first, resolve))) throw new CheckFailedError('the key of the signature does not stand in the document of the author')
  const bounds = { mostBytes: MOST_FILE_BYTES, mostDepth: 24, fractions: true }
  const payload = new Received(readStrictJson(received.unverifiedPayload, 'governance file', bounds), 'governance file')
  const file = readGovernanceFile(payload) // 8
  if (file.author !== author) throw new CheckFailedError('expected a governance file by who signed it') // 9
  const rules = [file.signatories, previous].filter((rule) => rule !== undefined)
  const { signers, unchecked } = await furtherSigners(received, author, rules, resolve)
  if (!isEnough(signers, rules)) { // 11
    if (isEnough([...signers, ...unchecked], rules)) throw new UnreachableError('keys of parties whose signatures are needed could not be checked')
    throw new CheckFailedError('expected more of the parties to sign the governance file')
  }
  return { file, payload, digest: `sha256:${toHex(sha256(jws))}`, signers }
}

/** Check a freshness statement; it may have expired, and may speak of another version. */
export async function verifyFreshness(jws: Uint8Array, author: string, resolve: KeyResolver, at: number): Promise<Freshness> {
  const received = readJws(jws, 'governance-freshness+jws', MOST_FRESHNESS_BYTES)
  if (received.signatures.length !== 1) throw new MalformedError('freshness statement', 'one signature')
  if (!(await verifySignature(received, firstBy(author, received), resolve))) throw new CheckFailedError('the key of the signature does not stand in the document of the author')
  const path = 'freshness statement'
  const payload = new Received(readStrictJson(received.unverifiedPayload, path, { mostBytes: MOST_FRESHNESS_BYTES, mostDepth: 3 }), path)
  const history = payload.optional('history')
  if (payload.entries(6, 16).length !== (history ? 6 : 5)) throw new MalformedError(path, 'id, version, digest, iat, exp and perhaps history')
  history?.member('size').integer(0, Number.MAX_SAFE_INTEGER)
  const digests = [payload.member('digest'), ...(history ? [history.member('root')] : [])]
  if (digests.some((digest) => !DIGEST.test(digest.text(80)))) throw new MalformedError(path, 'sha256:<hex>')
  const issuedAt = payload.member('iat').integer(0, YEAR_10000 - 1)
  const expiresAt = payload.member('exp').integer(0, YEAR_10000 - 1)
  if (expiresAt <= issuedAt || expiresAt - issuedAt > MOST_LIFETIME_S) throw new CheckFailedError('expected a freshness statement that lasts at most seven days')
  if (issuedAt > at / 1000 + SKEW_S) throw new CheckFailedError('expected a freshness statement that was not made in the future')
  const version = payload.member('version').integer(1, Number.MAX_SAFE_INTEGER)
  return { id: payload.member('id').text(512), version, digest: payload.member('digest').text(80), issuedAt, expiresAt }
}

/** What a decision may rest on: fresh only if the statement speaks of exactly this file. */
export function snapshotOf(signed: SignedFile, freshness: Freshness | undefined, parts: Parts = new Map()): Snapshot {
  const { file, digest } = signed
  const isOfIt = freshness?.id === file.id && freshness.version === file.version && freshness.digest === digest
  return {
    file: parts.size ? readGovernanceFile(signed.payload, parts) : file,
    freshUntil: isOfIt ? freshness.expiresAt * 1000 : undefined,
    freshFrom: isOfIt ? freshness.issuedAt * 1000 : undefined,
    recognised: new Map(),
  }
}

/** What to remember after a file: consumers never go back, and one number never means two files. */
export function accept(seen: SeenVersion | undefined, { file: { id, version }, digest }: SignedFile): SeenVersion {
  if (seen && (id !== seen.id || version < seen.version || (version === seen.version && digest !== seen.digest)))
    throw new CheckFailedError('expected the governance file seen before, or a later version of it')
  return { id, version, digest }
}

/** The records of a part, if the bytes are those that the root names. */
export function readPart({ file }: SignedFile, number: number, bytes: Uint8Array): readonly Received[] {
  const part = file.division?.parts[number]
  if (!part || bytes.length !== part.bytes || `sha256:${toHex(sha256(bytes))}` !== part.digest) throw new CheckFailedError('expected the part that the governance file names')
  return new Received(readStrictJson(bytes, 'part', { mostBytes: part.bytes, mostDepth: 24, fractions: true }), 'part').items(100_000)
}

// 10
async function furtherSigners(received: UnverifiedJws, author: string, rules: readonly Signatories[], resolve: KeyResolver) {
  const parties = new Set([author, ...rules.flatMap((rule) => rule.parties)])
  const further = received.signatures.slice(1)
  if (further.some(({ did }) => !parties.has(did))) throw new CheckFailedError('expected signatures by parties to the governance file')
  const signers = [author]
  const unchecked: string[] = []
  for (const signature of further)
    try {
      if (await verifySignature(received, signature, resolve)) signers.push(signature.did)
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      unchecked.push(signature.did)
    }
  return { signers: [...new Set(signers)], unchecked }
}

function isEnough(signers: readonly string[], rules: readonly Signatories[]): boolean {
  return rules.every(({ threshold, parties }) => new Set(parties.filter((party) => signers.includes(party))).size >= threshold)
}
