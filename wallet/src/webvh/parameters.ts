// What each entry of a log sets, and what is active after it (did:webvh 1.0, DID Method Parameters). `null` is read as the default.
//
// 1. Only parameters of version 1.0 are named.
// 2. The first entry names `method`, `scid` and `updateKeys`; `method` is did:webvh:1.0 wherever it stands, `scid` nowhere else.
// 3. `updateKeys`, `nextKeyHashes` and `watchers` are lists of text.
// 4. `portable` is true from the first entry on or never; `deactivated` is true or false.
// 5. `ttl` is a whole number from 0 to 2^31.
// 6. `witness` keeps the rules of `witnesses.ts`.
// 7. Where the entry before committed to keys, this one names `updateKeys` and `nextKeyHashes`, and each of its update keys is one
//    of those committed to.

import { CheckFailedError, MalformedError } from '../errors.js'
import type { Received } from '../received.js'
import { multihash } from './proof.js'
import { readRule, type WitnessRule } from './witnesses.js'

export interface Parameters {
  readonly scid: string
  readonly updateKeys: readonly string[]
  readonly nextKeyHashes: readonly string[]
  readonly witness: WitnessRule | undefined
  readonly portable: boolean
  readonly deactivated: boolean
}

const METHOD = 'did:webvh:1.0'
const KNOWN = ['method', 'scid', 'updateKeys', 'nextKeyHashes', 'witness', 'watchers', 'portable', 'deactivated', 'ttl']
const MOST_LISTED = 256
const LONGEST = 512

export function readParameters(received: Received, before: Parameters | undefined): Parameters {
  const names = received.entries(KNOWN.length, 64).map(([name]) => name)
  if (names.some((name) => !KNOWN.includes(name))) throw new MalformedError(received.path, `parameters of ${METHOD}`) // 1
  const isNamed = !before || names.includes('method')
  if (isNamed && received.member('method').value() !== METHOD) throw new MalformedError(received.path, `the method ${METHOD}`) // 2
  if (before && names.includes('scid')) throw new MalformedError(received.path, 'scid in the first entry only')
  if (!before) received.member('updateKeys')
  const list = (name: string, otherwise: readonly string[]): readonly string[] =>
    names.includes(name) ? (received.optional(name)?.items(MOST_LISTED) ?? []).map((item) => item.text(LONGEST)) : otherwise // 3
  const flag = (name: string, otherwise: boolean): boolean =>
    names.includes(name) ? (received.optional(name)?.boolean() ?? false) : otherwise // 4
  list('watchers', [])
  received.optional('ttl')?.integer(0, 2 ** 31) // 5
  const witness = received.optional('witness')
  const after = {
    scid: before?.scid ?? received.member('scid').text(64),
    updateKeys: list('updateKeys', before?.updateKeys ?? []),
    nextKeyHashes: list('nextKeyHashes', before?.nextKeyHashes ?? []),
    witness: names.includes('witness') ? witness && readRule(witness) : before?.witness, // 6
    portable: flag('portable', before?.portable ?? false),
    deactivated: flag('deactivated', before?.deactivated ?? false),
  }
  if (before && received.optional('portable')?.value() === true) throw new MalformedError(received.path, 'portable: true in the first entry only')
  if (before?.nextKeyHashes.length) {
    if (!names.includes('updateKeys') || !names.includes('nextKeyHashes'))
      throw new MalformedError(received.path, 'updateKeys and nextKeyHashes while keys are committed to')
    if (after.updateKeys.some((key) => !before.nextKeyHashes.includes(multihash(key)))) // 7
      throw new CheckFailedError('expected update keys that the entry before commits to')
  }
  return after
}
