// Whole calendar days as "2026-11-28", both ends of a span included; and sets of days as sorted, disjoint spans.

import { MalformedError } from '../errors.js'
import type { Received } from '../received.js'

/** ISO 8601; texts of this form compare as the days do. */
export type Day = string

export interface Span {
  readonly first: Day
  readonly last: Day
}

export const OPEN_END: Day = '9999-12-31'
export const FIRST_DAY: Day = '0001-01-01'
export const ALWAYS: Span = { first: FIRST_DAY, last: OPEN_END }
const DAY_MS = 24 * 3600 * 1000
const FORM = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/

export function readDay(received: Received): Day {
  const text = received.text(10)
  if (!isDay(text)) throw new MalformedError(received.path, 'a day such as 2026-11-28')
  return text
}

/** Whether there is such a day: neither 2026-13-45 nor 2026-02-30. */
export function isDay(text: string): boolean {
  const at = FORM.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN
  return at >= Date.parse(`${FIRST_DAY}T00:00:00Z`) && dayOf(at) === text
}

/** The same days, sorted, disjoint and merged. */
export function normal(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of [...spans].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1)
    if (span.last < span.first) continue
    if (before && (before.last === OPEN_END || span.first <= shifted(before.last, 1)))
      merged[merged.length - 1] = { first: before.first, last: before.last > span.last ? before.last : span.last }
    else merged.push(span)
  }
  return merged
}

/** The days of `spans` that are not in `gone`. */
export function without(spans: readonly Span[], gone: Span): Span[] {
  return spans.flatMap((span) => {
    if (span.last < gone.first || gone.last < span.first) return [span]
    const left: Span[] = []
    if (span.first < gone.first) left.push({ first: span.first, last: shifted(gone.first, -1) })
    if (gone.last < span.last) left.push({ first: shifted(gone.last, 1), last: span.last })
    return left
  })
}

/** Whether every day of `asked` is in `spans`. */
export function covers(spans: readonly Span[], asked: Span): boolean {
  return spans.some((span) => span.first <= asked.first && asked.last <= span.last)
}

/** Whether at least one day of `asked` is in `spans`. */
export function touches(spans: readonly Span[], asked: Span): boolean {
  return spans.some((span) => span.first <= asked.last && asked.first <= span.last)
}

/** The days that it is somewhere on earth at an instant: from UTC-12, where a day ends last, to UTC+14, where it begins first. */
export function daysAnywhere(at: number): Span {
  return { first: dayOf(at - 12 * 3600 * 1000), last: dayOf(at + 14 * 3600 * 1000) }
}

export function shifted(day: Day, by: number): Day {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + by * DAY_MS)
}

function dayOf(at: number): Day {
  return new Date(at).toISOString().slice(0, 10)
}
