// The recovery code: what alone opens a book anywhere. 36 digits in six groups of six, so that it can be written in any script.
//
// 1. Five digits of each group are random, 30 together: 99.6 bits. The sixth is a check digit (Damm 2004), which finds every wrong
//    digit and every two neighbours that changed places.
// 2. The check begins with the group's number: two groups that changed places are found too. So an error says which group it is in.
// 3. Digits of any script count, by their value (Unicode, General_Category Nd); what stands between them does not.

import { WalletError } from '../errors.js'
import { randomBelow } from '../random.js'
import { asciiDigits } from './digits.js'

const GROUPS = 6
const GROUP_DIGITS = 6
const CHECKED = GROUP_DIGITS - 1
const LONGEST_TEXT = 400

// Damm's quasigroup of order ten (H. Michael Damm, Total anti-symmetrische Quasigruppen, 2004, p. 111).
const DAMM = [
  '0317598642',
  '7092154863',
  '4206871359',
  '1750983426',
  '6123045978',
  '3674209581',
  '5869720134',
  '8945362017',
  '9438617205',
  '2581436790',
]

/** A code that is no recovery code: `group` (from 1 on) has a wrong digit, or 0: it has too many or too few digits. */
export class RecoveryCodeError extends WalletError {
  readonly group: number

  constructor(group: number) {
    super('recovery_code', group ? `group ${group} of the recovery code is not right` : 'a recovery code has 36 digits')
    this.group = group
  }

  override get detail(): number {
    return this.group
  }
}

/** A recovery code: 36 digits without blanks. Only `newRecoveryCode` and `readRecoveryCode` make one. */
export type RecoveryCode = string & { readonly __brand: 'RecoveryCode' }

/** A new code, all codes as likely. */
export function newRecoveryCode(): RecoveryCode {
  const most = 10n ** BigInt(GROUPS * CHECKED)
  const digits = (randomBelow(most + 1n) - 1n).toString().padStart(GROUPS * CHECKED, '0')
  return groupsOf(digits, CHECKED).map((group, index) => `${group}${checkDigit(group, index + 1)}`).join('') as RecoveryCode
}

/**
 * The code that somebody typed.
 *
 * @throws RecoveryCodeError it is none; the first group that is wrong
 */
export function readRecoveryCode(text: string): RecoveryCode {
  const digits = text.length > LONGEST_TEXT ? '' : asciiDigits(text)
  if (digits.length !== GROUPS * GROUP_DIGITS) throw new RecoveryCodeError(0)
  groupsOf(digits, GROUP_DIGITS).forEach((group, index) => {
    if (checkDigit(group.slice(0, CHECKED), index + 1) !== group[CHECKED]) throw new RecoveryCodeError(index + 1)
  })
  return digits as RecoveryCode
}

/** The code as people write it down: six groups. */
export function recoveryGroups(code: RecoveryCode): string[] {
  return groupsOf(code, GROUP_DIGITS)
}

/** What is random in a code (1): 30 digits. */
export function codeSecret(code: RecoveryCode): string {
  return groupsOf(code, GROUP_DIGITS).map((group) => group.slice(0, CHECKED)).join('')
}

function checkDigit(digits: string, group: number): string {
  const interim = [...digits].reduce((row, digit) => Number(DAMM[row]?.[Number(digit)]), group)
  // The digit that brings the row to 0 (1): in every row, 0 stands once, on the diagonal.
  return String(interim)
}

function groupsOf(digits: string, size: number): string[] {
  return Array.from({ length: digits.length / size }, (_, index) => digits.slice(index * size, (index + 1) * size))
}
