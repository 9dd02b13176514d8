// Digits of any script, by their value (Unicode, General_Category Nd): people write and type those that they learned.

/** The digits of a text, as 0 to 9; what stands between them goes. */
export function asciiDigits(text: string): string {
  return [...text].map((character) => (DIGIT.test(character) ? valueOf(character) : '')).join('')
}

/** A text with its digits as 0 to 9, and the rest as it is. */
export function withAsciiDigits(text: string): string {
  return [...text].map((character) => (DIGIT.test(character) ? valueOf(character) : character)).join('')
}

const DIGIT = /\p{Nd}/u

function valueOf(character: string): string {
  const code = character.codePointAt(0) as number
  // Blocks of ten begin at a zero: go back to the last code point that is no digit, or to the ten before it.
  let first = code
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1
  return String((code - first) % 10)
}
