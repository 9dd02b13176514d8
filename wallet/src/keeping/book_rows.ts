// The rows of a book, made of a vault's revisions and of what waits on a shelf.

import { CheckFailedError } from '../errors.js'
import { restored, type RevisionRow } from './changed_rows.js'
import type { Written } from './sealed_store.js'
import type { Vault, VaultContent } from './vault.js'

/** The rows that a vault's revisions make. @throws CheckFailedError they are not ours */
export async function rowsIn(vault: Vault, content: VaultContent): Promise<Written[]> {
  const [base, ...further] = (await vault.open(content)).map((text) => JSON.parse(text) as RevisionRow[])
  if (!base) throw new CheckFailedError('the vault is empty')
  const rows = new Map<string, Written>()
  for (const row of [...base, ...further.flat()]) {
    const name = nameOf(row)
    if (row[2] === null) rows.delete(name)
    else rows.set(name, restored(row, rows.get(name)))
  }
  return [...rows.values()]
}

const NEVER_BACK: readonly Written[0][] = ['credential', 'seen']

/** Rows with what waited elsewhere (see `takeOver`). */
export function withWaiting(rows: readonly Written[], waiting: readonly Written[]): Written[] {
  const all = new Map(rows.map((row) => [nameOf(row), row]))
  for (const row of merged(waiting)) if (row[2] !== null && (NEVER_BACK.includes(row[0]) || !all.has(nameOf(row)))) all.set(nameOf(row), row)
  return [...all.values()]
}

/** Of several changes of a row, the last one counts. */
export function merged(written: readonly Written[]): Written[] {
  return [...new Map(written.map((row) => [nameOf(row), row])).values()]
}

/** By which a row is known among those of its book. */
export function nameOf([kind, id]: RevisionRow): string {
  return `${kind} ${id}`
}
