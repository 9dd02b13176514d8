// Rows as a further revision has them: of one that the vault has already, only the members that changed (ADR 121).
//
// 1. A row that tells what changed names the members that it keeps: [kind, id, changed members, names of those kept]. It is read upon the
//    same row in the revisions before it, whose digest is in the seal of this one: so both are of one course.
// 2. It is told so only where what the vault has is known, from what this visit wrote; and where that is much shorter.

import { CheckFailedError } from '../errors.js'
import type { Json, JsonObject } from '../store.js'
import type { Written } from './sealed_store.js'

const LEAST_SAVED = 64

/** A row as it is in a revision. */
export type RevisionRow = Written | readonly [...Written, readonly string[]]

/** @param known the row as the vault has it; undefined: it has none, or nobody knows (2) */
export function shortened(row: Written, known: JsonObject | undefined): RevisionRow {
  const [kind, id, value] = row
  if (value === null || known === undefined) return row
  const kept = Object.keys(value).filter((name) => Object.hasOwn(known, name) && isSame(value[name] as Json, known[name] as Json))
  if (lengthOf(Object.fromEntries(kept.map((name) => [name, value[name] as Json]))) < LEAST_SAVED + lengthOf(kept)) return row
  return [kind, id, Object.fromEntries(Object.entries(value).filter(([name]) => !kept.includes(name))), kept]
}

/**
 * The row that one in a revision makes of the one before it (1).
 *
 * @throws CheckFailedError that one is not there, or has no such member
 */
export function restored([kind, id, changed, kept]: RevisionRow, before: Written | undefined): Written {
  if (kept === undefined || changed === null) return [kind, id, changed]
  const known = before?.[2]
  const members = kept.map((name): [string, Json] => {
    if (!known || !Object.hasOwn(known, name)) throw new CheckFailedError('a revision tells what changed in a row that is not there')
    return [name, known[name] as Json]
  })
  return [kind, id, { ...Object.fromEntries(members), ...changed }]
}

// Rows are frozen, and a changed one shares what it keeps with the one before it only now and then.
function isSame(one: Json, other: Json): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function lengthOf(value: Json): number {
  return JSON.stringify(value).length
}
