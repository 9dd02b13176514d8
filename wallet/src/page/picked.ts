// Which language was picked here: nothing else is kept where no PIN guards it. Where nothing can be kept, it is the browser's.

const PICKED = 'language'

export function remember(tag: string): void {
  try {
    localStorage.setItem(PICKED, tag)
  } catch {
    // The next visit asks the browser.
  }
}

export function remembered(): string | null {
  try {
    return localStorage.getItem(PICKED)
  } catch {
    return null
  }
}
