// Data Integrity proofs of the cryptosuite eddsa-jcs-2022 (Data Integrity EdDSA Cryptosuites 1.0, section 3.3).

import { sha256 } from '@noble/hashes/sha2.js'
import { base58, fromBase58 } from '../base58.js'
import { concat } from '../bytes.js'
import { fromMultikey, isSignedBy } from '../didcomm/keys.js'
import { CheckFailedError, WalletError } from '../errors.js'
import { canonicalBytes } from '../jcs.js'
import type { Received } from '../received.js'

const LONGEST_SIGNATURE = 128
const LONGEST_METHOD = 1024
const SHA2_256 = Uint8Array.of(0x12, 0x20)

/** The base58btc of the sha2-256 multihash of a text. */
export function multihash(text: string | Uint8Array): string {
  return base58(concat(SHA2_256, sha256(typeof text === 'string' ? new TextEncoder().encode(text) : text)))
}

/**
 * Check one proof of a document.
 *
 * @param document the canonical bytes of the document without its proof
 * @param keyOf the raw 32 bytes of a key that may sign, by its verification method; undefined: it may not
 * @param at the instant, in milliseconds since 1970
 */
export async function checkProof(proof: Received, document: Uint8Array, keyOf: (method: string) => Uint8Array | undefined, at: number): Promise<void> {
  const is = (name: string, value: string): boolean => proof.member(name).text(64) === value
  if (!is('type', 'DataIntegrityProof') || !is('cryptosuite', 'eddsa-jcs-2022') || !is('proofPurpose', 'assertionMethod'))
    throw new CheckFailedError('expected an assertion of the cryptosuite eddsa-jcs-2022')
  const expires = proof.optional('expires')
  if (expires && !(Date.parse(expires.text(64)) > at)) throw new CheckFailedError('expected a proof that has not expired')
  const key = keyOf(proof.member('verificationMethod').text(LONGEST_METHOD))
  if (key === undefined) throw new CheckFailedError('expected a proof by a key that may sign, found another key')
  const encoded = proof.member('proofValue').text(LONGEST_SIGNATURE)
  const { proofValue: _, ...options } = proof.value() as Record<string, unknown>
  const message = concat(sha256(canonicalBytes(options)), sha256(document))
  if (!encoded.startsWith('z') || !(await isSignedBy(key, message, fromBase58(encoded.slice(1), LONGEST_SIGNATURE))))
    throw new CheckFailedError('expected a signature that holds')
}

/** The key of `did:key:<key>#<key>`, body and fragment alike; undefined: it is another form. */
export function didKeyMethod(method: string): { readonly did: string; readonly multikey: string; readonly key: Uint8Array } | undefined {
  const [did = '', multikey = '', more] = method.split('#')
  if (more !== undefined || did !== `did:key:${multikey}`) return undefined
  try {
    return { did, multikey, key: fromMultikey(multikey, 'verificationMethod') }
  } catch (error) {
    if (error instanceof WalletError) return undefined
    throw error
  }
}
