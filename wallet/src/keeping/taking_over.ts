// Taking a book over from its vault: on another phone, or on this one again.

import { rowsIn, withWaiting } from './book_rows.js'
import { courseIn, wentOn } from './course.js'
import { openWaiting, SealedStore } from './sealed_store.js'
import type { Shelf, ShelfChange } from './shelf.js'
import { standingAt, type Standing } from './standing.js'
import { digestOf, OvertakenError, type Vault } from './vault.js'
import type { VaultKey } from './vault_key.js'

const MOST_TRIES = 5

/**
 * Take a book from its vault onto a shelf, and take it over: whoever had it open learns that with their next step.
 *
 * What waits on the shelf is of the same book: what the vault lacks of it goes along. Where both have a row, the vault's counts, since
 * another phone went on from there; but what was seen of certificates, DIDs and files does not go back.
 *
 * @param notes kept on the shelf with it
 * @param goesOn throws when it is not to go on: nothing is written then
 * @returns 'taken'; 'none': there is no book; 'older': the host knows less than this phone wrote, and nothing was taken
 * @throws CheckFailedError what is in the vault is not ours
 */
export async function takeOver(shelf: Shelf, key: VaultKey, vault: Vault, notes: ShelfChange['notes'] = {}, goesOn: () => void = () => {}): Promise<'taken' | 'none' | 'older'> {
  const own = (await shelf.note('vault')) as Standing | undefined
  const isOurs = own?.vault === key.id
  const course = isOurs ? courseIn((await SealedStore.open(shelf, key)).whole()) : []
  const waiting = isOurs ? (await shelf.waiting()).flatMap(({ sealed }) => openWaiting(key, sealed)) : []
  for (let left = MOST_TRIES; ; left--) {
    const content = await vault.read()
    if (!content) return 'none'
    const theirs = await rowsIn(vault, content)
    if (isOurs && content.number < own.number && !wentOn(courseIn(theirs), course)) return 'older'
    const rows = withWaiting(theirs, waiting)
    const base = await vault.seal(JSON.stringify(rows), content.number, undefined, digestOf(content.revisions.at(-1) as Uint8Array))
    goesOn()
    try {
      await vault.write(base)
      goesOn()
      await shelf.replace({ rows: SealedStore.sealed(key, rows), notes: { ...notes, vault: standingAt(key, base) } })
      return 'taken'
    } catch (error) {
      // Whoever has the book open may write just between: what they wrote comes along.
      if (!(error instanceof OvertakenError) || left === 0) throw error
    }
  }
}
