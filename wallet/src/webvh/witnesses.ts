// Who must approve a log entry, and the proofs that they did (did:webvh 1.0, DID Witnesses; the parameter `witness`).
//
// 1. A rule has exactly `threshold` and `witnesses`; every witness is {"id": "did:key:…"} of an Ed25519 key, none stands twice; the
//    threshold is a whole number from 1 to their count. Anything else that is not {} refuses the log.
// 2. A rule that comes after none is in force at once, for its own entry too; one that replaces another, or ends it with {}, is in
//    force after its entry, which the witnesses of before must approve.
// 3. A proof counts if it is an assertion over exactly {"versionId": …} by did:key:<key>#<key>, and does not expire.
// 4. A proof approves the entry that it names and all before it. What names an entry that is not in this log counts for nothing.
// 5. For every entry with a rule in force, at least `threshold` different witnesses of that rule approved it.

import { CheckFailedError, MalformedError, WalletError } from '../errors.js'
import { fromDidKey } from '../didcomm/keys.js'
import { canonicalBytes } from '../jcs.js'
import { Received } from '../received.js'
import { readStrictJson } from '../strict_json.js'
import { checkProof, didKeyMethod } from './proof.js'

export const MOST_WITNESS_BYTES = 1 << 20
const MOST_WITNESSES = 64
const MOST_PROOFS = 4096

export interface WitnessRule {
  readonly threshold: number
  readonly witnesses: readonly string[]
}

/** Rule 1; undefined for {}. */
export function readRule(received: Received): WitnessRule | undefined {
  const members = received.entries(3, 64)
  if (members.length === 0) return undefined
  if (members.length !== 2) throw new MalformedError(received.path, 'threshold and witnesses')
  const witnesses = received.member('witnesses').items(MOST_WITNESSES).map((witness) => {
    const id = witness.member('id').text(128)
    if (witness.entries(1, 8).length !== 1 || id.includes('#')) throw new MalformedError(witness.path, '{"id": "did:key:…"}')
    fromDidKey(id, witness.path)
    return id
  })
  if (witnesses.length === 0 || new Set(witnesses).size !== witnesses.length) throw new MalformedError(received.path, 'each witness once')
  return { threshold: received.member('threshold').integer(1, witnesses.length), witnesses }
}

/** Proofs of `did-witness.json` by versionId, none of them checked. */
export function readProofs(bytes: Uint8Array): Map<string, Received[]> {
  const path = 'did-witness.json'
  const list = new Received(readStrictJson(bytes, path, { mostBytes: MOST_WITNESS_BYTES, mostDepth: 8, fractions: true }), path)
  const proofs = new Map<string, Received[]>()
  let count = 0
  for (const entry of list.items(MOST_PROOFS)) {
    const versionId = entry.optional('versionId')?.value()
    const proof = entry.optional('proof')
    if (typeof versionId !== 'string' || !proof) continue
    const these = (Array.isArray(proof.value()) ? proof.items(MOST_PROOFS) : [proof]).filter((each) => isObject(each.value()))
    count += these.length
    proofs.set(versionId, [...(proofs.get(versionId) ?? []), ...these])
  }
  if (count > MOST_PROOFS) throw new MalformedError(path, `at most ${MOST_PROOFS} proofs`)
  return proofs
}

/**
 * Rules 3 to 5.
 *
 * @param rules for each entry, the rule in force
 */
export async function checkApprovals(versionIds: readonly string[], rules: readonly (WitnessRule | undefined)[], proofs: ReadonlyMap<string, Received[]>): Promise<void> {
  const wanted = new Set(rules.flatMap((rule) => rule?.witnesses ?? []))
  const upTo = new Map<string, number>()
  for (let number = versionIds.length; number > 0; number--) {
    const versionId = versionIds[number - 1] as string
    for (const proof of proofs.get(versionId) ?? []) {
      const did = String(proof.optional('verificationMethod')?.value()).split('#')[0] as string
      if (wanted.has(did) && !upTo.has(did) && (await approves(proof, versionId))) upTo.set(did, number)
    }
  }
  rules.forEach((rule, index) => {
    const approved = rule?.witnesses.filter((witness) => (upTo.get(witness) ?? 0) > index).length ?? 0
    if (rule && approved < rule.threshold) throw new CheckFailedError(`insufficient approval of entry ${index + 1} by its witnesses`)
  })
}

async function approves(proof: Received, versionId: string): Promise<boolean> {
  try {
    if ('expires' in (proof.value() as object)) return false
    await checkProof(proof, canonicalBytes({ versionId }), (method) => didKeyMethod(method)?.key, 0)
    return true
  } catch (error) {
    if (error instanceof WalletError) return false
    throw error
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
