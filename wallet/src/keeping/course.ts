// How far a book has come, so that an older copy is never taken for the newer one.
//
// Numbers count at one host alone. So a book notes each time that a file took the place of what a host had: the course of who went on
// without that file has another end.

import type { Written } from './sealed_store.js'

export const COURSE = 'course'
const ID_BYTES = 12

/** Where a copy of the book stands. */
export interface Progress {
  /** Ids of the files that were opened on the way, the oldest first. */
  readonly course: readonly string[]
  /** Of the newest revision that its host had then. */
  readonly number: number
  /** Whether it has more than that revision. */
  readonly isAhead: boolean
}

export function courseIn(rows: readonly Written[]): string[] {
  const value = rows.find(([kind, id]) => kind === COURSE && id === COURSE)?.[2]
  return ((value?.['files'] as string[] | undefined) ?? []).slice()
}

/** The same rows, on a course of their own from here on. */
export function onNewCourse(rows: readonly Written[]): Written[] {
  const id = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(ID_BYTES))))
  return [...rows.filter(([kind]) => kind !== COURSE), [COURSE, COURSE, { files: [...courseIn(rows), id] }]]
}

/** What one copy is to another: 'apart': each has gone on without the other. */
export function compared(one: Progress, other: Progress): 'newer' | 'not newer' | 'apart' {
  if (isSame(one.course, other.course))
    return one.number > other.number || (one.number === other.number && one.isAhead && !other.isAhead) ? 'newer' : 'not newer'
  if (isBegun(other.course, one.course)) return 'newer'
  return isBegun(one.course, other.course) ? 'not newer' : 'apart'
}

/** Whether somebody opened a file since, so that a lower number is no older one. */
export function wentOn(theirs: readonly string[], ours: readonly string[]): boolean {
  return !isBegun(theirs, ours)
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && isBegun(one, other)
}

// Whether one course is the beginning of the other, or all of it.
function isBegun(beginning: readonly string[], course: readonly string[]): boolean {
  return beginning.length <= course.length && beginning.every((id, index) => id === course[index])
}
