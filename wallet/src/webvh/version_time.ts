// `versionTime`: an instant in UTC as the writer of a log put it, compared as exactly as it is written (did:webvh 1.0, Read, step 4).

import { MalformedError } from '../errors.js'

const DAY = '([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?'
const BASIC = '([0-9]{4})([0-9]{2})([0-9]{2})[Tt]([0-9]{2})([0-9]{2})([0-9]{2})?'
const END = '(?:[.,]([0-9]{1,30}))?(?:[Zz]|\\+00:00)'
const FORMS = [new RegExp(`^${DAY}${END}$`), new RegExp(`^${BASIC}${END}$`)]
const DIGITS = 30

/** An instant in units of 10^-30 seconds since 1970. */
export type VersionTime = bigint

export function parseVersionTime(text: string): VersionTime {
  const match = FORMS.map((form) => form.exec(text)).find((found) => found !== null)
  const [year, month, day, hour, minute] = (match ?? []).slice(1, 6).map(Number)
  const [, , , , , , second, fraction] = match ?? []
  if (year === undefined || month === undefined || day === undefined || hour === undefined || minute === undefined) return fail()
  if (fraction !== undefined && second === undefined) return fail()
  const at = new Date(0)
  at.setUTCFullYear(year, month - 1, day)
  at.setUTCHours(hour, minute, Number(second ?? 0))
  // A day or hour that is none comes out as another one.
  const same = at.getUTCFullYear() === year && at.getUTCMonth() === month - 1 && at.getUTCDate() === day && at.getUTCHours() === hour
  if (year === 0 || !same || at.getUTCMinutes() !== minute || at.getUTCSeconds() !== Number(second ?? 0)) return fail()
  return BigInt(at.getTime() / 1000) * 10n ** BigInt(DIGITS) + BigInt((fraction ?? '').padEnd(DIGITS, '0'))
}

/** An instant in milliseconds since 1970 as a VersionTime. */
export function versionTimeOf(milliseconds: number): VersionTime {
  return BigInt(Math.floor(milliseconds)) * 10n ** BigInt(DIGITS - 3)
}

function fail(): never {
  throw new MalformedError('versionTime', 'a time in UTC such as 2026-01-31T09:30:00Z')
}
