// What the page knows before its worker answers: which language was picked here, and whether a book is here. Nothing else is kept where no PIN
// guards it. Where nothing can be kept, the language is the browser's, and the worker says what is here.

const PICKED = 'language'
const DOOR = 'door'

/** What opens the book that is here. */
export type Door = 'pin' | 'passkey'

export function remember(tag: string): void {
  keep(PICKED, tag)
}

export function remembered(): string | null {
  return kept(PICKED)
}

/** What the worker said, for the next visit's first screen; undefined: no book is here. */
export function rememberDoor(door: Door | undefined): void {
  if (door !== rememberedDoor()) keep(DOOR, door)
}

export function rememberedDoor(): Door | undefined {
  const door = kept(DOOR)
  return door === 'pin' || door === 'passkey' ? door : undefined
}

function keep(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {
    // The next visit does without it.
  }
}

function kept(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
