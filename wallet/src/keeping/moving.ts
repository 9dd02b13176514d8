// A book that comes as a file onto a shelf, and into the vault of this host.
//
// 1. The newest one counts. Is it the file, it takes the place of what the vault has, and whoever had the book open here learns that with
//    their next step. Is it the vault, nothing of the file is taken: who has an old file takes nobody back.
// 2. Where each has gone on without the other, nothing is chosen for the worker.
// 3. What waits on the shelf of the same book goes along, as it does when a book is taken over by its code.

import type { VaultKey } from './vault_key.js'
import { openWaiting, SealedStore, type Written } from './sealed_store.js'
import { numberOn, standingAt, vaultOf } from './standing.js'
import type { Shelf, ShelfChange } from './shelf.js'
import { digestOf, OvertakenError, type Vault } from './vault.js'
import { rowsIn, withWaiting } from './book_rows.js'
import { CheckFailedError } from '../errors.js'
import { BookFileError, type BookFile } from './book_file.js'
import { compared, courseIn, onNewCourse } from './course.js'

const MOST_TRIES = 5

/** Whether what is on a shelf is this key's. */
export async function isOfShelf(key: VaultKey, shelf: Shelf): Promise<boolean> {
  const vault = await vaultOf(shelf)
  if (vault !== undefined) return vault === key.id
  if (!(await shelf.note('vault')) && (await shelf.rows()).length === 0) return false
  try {
    await SealedStore.open(shelf, key)
    return true
  } catch (error) {
    if (error instanceof CheckFailedError) return false
    throw error
  }
}

/** Whether a file is newer than the book that is on a shelf. @throws BookFileError each has gone on without the other (2) */
export async function isNewerThanShelf(file: BookFile, shelf: Shelf, key: VaultKey): Promise<boolean> {
  const rows = (await SealedStore.open(shelf, key)).whole()
  return isNewer(file, { course: courseIn(rows), number: await numberOn(shelf), isAhead: (await shelf.waiting()).length > 0 })
}

/**
 * Take a book from a file, unless the vault has a newer one.
 *
 * @param mediator of this host
 * @param goesOn throws when it is not to go on: nothing is written then
 * @returns 'file': it was taken; 'vault': that is as new or newer, and nothing was done (1)
 * @throws BookFileError each has gone on without the other (2)
 * @throws CheckFailedError what is in the vault is not ours
 */
export async function takeFile(shelf: Shelf, key: VaultKey, vault: Vault, file: BookFile, mediator: string, notes: ShelfChange['notes'], goesOn: () => void): Promise<'file' | 'vault'> {
  const waiting = (await shelf.waiting()).flatMap(({ sealed }) => openWaiting(key, sealed)) // 3; of another book nothing waits
  const rows = onNewCourse(withWaiting(atMediator(file, mediator), waiting))
  for (let left = MOST_TRIES; ; left--) {
    const content = await vault.read()
    if (content && !isNewer(file, { course: courseIn(await rowsIn(vault, content)), number: content.number, isAhead: false })) return 'vault'
    const newest = content?.revisions.at(-1)
    const base = await vault.seal(JSON.stringify(rows), content?.number ?? 0, undefined, newest && digestOf(newest))
    goesOn()
    try {
      await vault.write(base)
    } catch (error) {
      if (!(error instanceof OvertakenError) || left === 0) throw error
      continue
    }
    goesOn()
    await shelf.replace({ rows: SealedStore.sealed(key, rows), notes: { ...notes, vault: standingAt(key, base) } })
    return 'file'
  }
}

function isNewer(file: BookFile, than: Parameters<typeof compared>[1]): boolean {
  const standing = compared(file, than)
  if (standing === 'apart') throw new BookFileError('file_apart')
  return standing === 'newer'
}

// Another mediator knows nothing of this wallet: it is met, and told every key ('anew', `agent/mediator.ts`).
function atMediator({ rows, mediator: before }: BookFile, mediator: string): readonly Written[] {
  if (before === mediator) return rows
  return [...rows.filter(([kind]) => kind !== 'mediator'), ['mediator', 'anew', {}]]
}
