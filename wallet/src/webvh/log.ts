// did:webvh 1.0 logs (Read). A log is accepted only if every rule holds, for every entry; they are those of `plugins/webvh/log.py`.
//
// 1. It is strict JSON of a bounded size, one object a line, with just the five members.
// 2. Its parameters fit those before (`parameters.ts`).
// 3. Its number counts from 1; its hash is that of the entry as received, chained to the entry before; the first one's is the SCID.
// 4. Every proof is an assertion by an update key that is authorised for the entry: its own ones in the first entry and where keys
//    were committed to, else those of before.
// 5. versionTime grows, and lies at most five minutes ahead of the clock.
// 6. The document's id is a did:webvh DID with the SCID of the log; it changes only while the DID is portable, and then the document
//    names the one before in `alsoKnownAs`.
// 7. The DID that is being resolved is the id of at least one entry.
// 8. Nothing follows the entry that deactivates the DID.
// 9. Where the log names witnesses, enough of them approved (`witnesses.ts`).

import { CheckFailedError, MalformedError } from '../errors.js'
import { canonical } from '../jcs.js'
import { Received } from '../received.js'
import { readStrictJson, utf8Text } from '../strict_json.js'
import { parseWebvh, type WebvhDid } from './did.js'
import { readParameters, type Parameters } from './parameters.js'
import { checkProof, didKeyMethod, multihash } from './proof.js'
import { parseVersionTime, versionTimeOf, type VersionTime } from './version_time.js'
import { checkApprovals, readProofs, type WitnessRule } from './witnesses.js'

export const MOST_LOG_BYTES = 512 * 1024
const MOST_ENTRIES = 1000
const MOST_PROOFS = 16
const MOST_NAMES = 32
const MOST_DOCUMENT = 64 * 1024
const BOUNDS = { mostBytes: MOST_LOG_BYTES, mostDepth: 64, fractions: true }
const SKEW_MS = 5 * 60_000
const MEMBERS = ['versionId', 'versionTime', 'parameters', 'state', 'proof']
const PLACEHOLDER = '{SCID}'

/** A log that keeps all rules. Only `verifyLog` makes one. */
export interface VerifiedLog {
  readonly did: WebvhDid
  /** Every name of the DID, the present one first. */
  readonly names: readonly string[]
  readonly versionIds: readonly string[]
  readonly document: Received
  readonly isDeactivated: boolean
}

interface Entry {
  readonly versionId: string
  readonly time: VersionTime
  readonly name: string
  readonly parameters: Parameters
  readonly document: Received
}

/** Whether a log that was not verified names witnesses, so that their proofs must be fetched. */
export function namesWitnesses(log: Uint8Array): boolean {
  return linesOf(log).some((line) => {
    const witness = line.member('parameters').optional('witness')
    return witness !== undefined && witness.entries(MOST_NAMES, 64).length > 0
  })
}

/**
 * Check a log against all rules.
 *
 * @param log the content of did.jsonl
 * @param witness the content of did-witness.json, if there is one
 * @param at the instant, in milliseconds since 1970
 * @throws MalformedError, CheckFailedError a rule is broken
 */
export async function verifyLog(did: WebvhDid, log: Uint8Array, witness: Uint8Array | undefined, at: number): Promise<VerifiedLog> {
  const entries: Entry[] = []
  const rules: (WitnessRule | undefined)[] = []
  for (const line of linesOf(log)) {
    const before = entries.at(-1)
    const entry = await checkEntry(line, entries.length + 1, did.scid, before, at)
    rules.push(before?.parameters.witness ?? entry.parameters.witness)
    entries.push(entry)
  }
  const names = [...new Set(entries.map(({ name }) => name).reverse())]
  if (!names.includes(did.did)) throw new CheckFailedError('expected the log of the DID, found one in which no entry has its id') // 7
  if (names.length > MOST_NAMES) throw new MalformedError('log', `at most ${MOST_NAMES} names of the DID`)
  const versionIds = entries.map(({ versionId }) => versionId)
  if (rules.some((rule) => rule !== undefined)) await checkApprovals(versionIds, rules, witness ? readProofs(witness) : new Map()) // 9
  const { document, parameters } = entries.at(-1) as Entry
  return { did, names, versionIds, document, isDeactivated: parameters.deactivated }
}

// 1
function linesOf(log: Uint8Array): Received[] {
  if (log.length > MOST_LOG_BYTES) throw new MalformedError('log', `at most ${MOST_LOG_BYTES} bytes`)
  const lines = utf8Text(log, 'log').split('\n').filter((line) => line.trim())
  if (lines.length === 0 || lines.length > MOST_ENTRIES) throw new MalformedError('log', `1 to ${MOST_ENTRIES} entries`)
  return lines.map((line, index) => new Received(readStrictJson(line, `entry ${index + 1}`, BOUNDS), `entry ${index + 1}`))
}

async function checkEntry(received: Received, number: number, scid: string, before: Entry | undefined, at: number): Promise<Entry> {
  const names = received.entries(MEMBERS.length, 64).map(([name]) => name)
  if (MEMBERS.some((name) => !names.includes(name))) throw new MalformedError(received.path, `the members ${MEMBERS.join(', ')}`)
  const document = received.member('state')
  document.entries(1024, 1024)
  if (canonical(document.value()).length > MOST_DOCUMENT) throw new MalformedError(document.path, `at most ${MOST_DOCUMENT} bytes`)
  const parameters = readParameters(received.member('parameters'), before?.parameters) // 2
  if (before?.parameters.deactivated) throw new CheckFailedError('expected nothing after the entry that deactivates the DID') // 8
  if (parameters.scid !== scid) throw new CheckFailedError('the scid is not that of the DID')
  const name = checkName(document, scid, before, parameters) // 6
  const time = parseVersionTime(received.member('versionTime').text(64)) // 5
  if (time > versionTimeOf(at + SKEW_MS)) throw new CheckFailedError('expected a versionTime of at most five minutes ahead')
  if (before && time <= before.time) throw new CheckFailedError('expected a versionTime later than that of the entry before')
  const versionId = received.member('versionId').text(128)
  if (!before) checkScid(received, scid) // 3
  if (versionId !== `${number}-${multihash(withVersionId(received, before?.versionId ?? scid))}`)
    throw new CheckFailedError('expected the versionId to hold the number and the hash of the entry')
  const isOwn = !before || before.parameters.nextKeyHashes.length > 0
  await checkSignatures(received, versionId, isOwn ? parameters.updateKeys : before.parameters.updateKeys, at) // 4
  return { versionId, time, name, parameters, document }
}

function checkName(document: Received, scid: string, before: Entry | undefined, parameters: Parameters): string {
  const name = parseWebvh(document.member('id').text(512), `${document.path}.id`)
  if (name.scid !== scid) throw new CheckFailedError("expected the SCID of the log in the document's id")
  if (before && name.did !== before.name) {
    const known = document.optional('alsoKnownAs')?.value()
    if (!parameters.portable || !Array.isArray(known) || !known.includes(before.name))
      throw new CheckFailedError("expected the document's id as before, or a portable DID that names the one before in alsoKnownAs")
  }
  return name.did
}

function checkScid(received: Received, scid: string): void {
  const text = withVersionId(received, PLACEHOLDER).replaceAll(scid, PLACEHOLDER)
  // Read again: a member's name may hold the SCID, and then the order of members is another one.
  const preliminary = readStrictJson(text, received.path, { ...BOUNDS, mostBytes: 2 * MOST_LOG_BYTES, mostDepth: 65 })
  if (multihash(canonical(preliminary)) !== scid) throw new CheckFailedError('expected the first entry to be the one that the SCID was made from')
}

async function checkSignatures(received: Received, versionId: string, updateKeys: readonly string[], at: number): Promise<void> {
  const proof = received.member('proof')
  const proofs = Array.isArray(proof.value()) ? proof.items(MOST_PROOFS) : [proof]
  if (proofs.length === 0) throw new MalformedError(proof.path, 'a proof')
  const body = new TextEncoder().encode(withVersionId(received, versionId))
  for (const each of proofs)
    await checkProof(
      each,
      body,
      (method) => {
        const named = didKeyMethod(method)
        return named && updateKeys.includes(named.multikey) ? named.key : undefined
      },
      at,
    )
}

// The canonical text of an entry without its proofs, with another versionId.
function withVersionId(received: Received, versionId: string): string {
  const { proof: _, ...unsigned } = received.value() as Record<string, unknown>
  return canonical({ ...unsigned, versionId })
}
