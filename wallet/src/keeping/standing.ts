// Where a vault stands, as a phone knows it: a note on the shelf beside the rows (`backup.ts` writes it, and its numbers say why).

import type { Shelf, ShelfChange } from './shelf.js'
import { askedEarly, digestOf, type Fetch, type Sealed } from './vault.js'
import type { VaultKey } from './vault_key.js'

/** Where the vault stands, as the phone knows it. */
export interface Standing {
  /** Whose: the id of the vault. */
  readonly vault?: string
  /** Of the revision that we wrote last; 0: none. */
  readonly number: number
  /** Digest of that revision; undefined: nobody knows, so that a base comes next. */
  readonly digest?: string | undefined
  /** What we wrote before the host knew less (3): the highest number, and what was being sent upon it. */
  readonly lost?: readonly SentRevision[]
  /** Further revisions since the base, and their bytes; the base's own. */
  readonly further: number
  readonly bytes: number
  readonly baseBytes: number
  /** What is being sent (1), with the last of what waits that is in it. */
  readonly sending?: Sealed & { readonly upTo: number }
}

/** What was sent, by its digest. */
export interface SentRevision {
  readonly number: number
  readonly digest: string
}

/** Of a vault that was never written. */
export const NOTHING: Standing = { number: 0, further: 0, bytes: 0, baseBytes: 0 }

/** The number of the newest revision that is ours, and its digest where we know it. */
export function knownIn({ number, digest, sending }: Standing): [number, string | undefined] {
  return sending ? [number + 1, digestOf(sending.sealed)] : [number, digest]
}

/** Begin to ask the vault of a shelf whether the book is still here, as `check` will; undefined: the shelf is for no vault. */
export async function checkedEarly(shelf: Shelf, origin: string): Promise<Fetch | undefined> {
  const standing = (await shelf.note('vault')) as Standing | undefined
  return standing?.vault === undefined ? undefined : askedEarly(origin, standing.vault, ...knownIn(standing))
}

/** Whose vault a shelf is for; undefined: nobody's, or it does not say so. */
export async function vaultOf(shelf: Shelf): Promise<string | undefined> {
  return ((await shelf.note('vault')) as Standing | undefined)?.vault
}

/** The number of the revision that a shelf's vault had last. */
export async function numberOn(shelf: Shelf): Promise<number> {
  return ((await shelf.note('vault')) as Standing | undefined)?.number ?? 0
}

/** What a shelf has of a vault that took this base as its newest revision. */
export function standingAt(key: VaultKey, { after, sealed }: Sealed): unknown {
  const standing: Standing = { vault: key.id, number: after + 1, digest: digestOf(sealed), further: 0, bytes: 0, baseBytes: sealed.length }
  return standing
}

/** What a shelf has of a vault that was never written. */
export function unwritten(key: VaultKey): ShelfChange['notes'] {
  return { vault: { ...NOTHING, vault: key.id } }
}

/** The same, with nothing that is being sent. */
export function withoutSending({ sending: _, ...standing }: Standing): Standing {
  return standing
}

