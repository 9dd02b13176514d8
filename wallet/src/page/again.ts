// What was dropped on its way, as when a phone changes its network, is asked for again: a few times, later and later, and at once when the
// device says that it has a network. What loads the page itself does the same (`page/index.html`).

export const WAITS_MS = [500, 2_000, 8_000]

export async function again<Told>(ask: () => Promise<Told>): Promise<Told> {
  for (const wait of WAITS_MS) {
    try {
      return await ask()
    } catch {
      await soonest(wait)
    }
  }
  return ask()
}

/** A module, when it is asked for. Of one that did not come many browsers remember so by its address: it is asked for at another one then. */
export function imported<Module>(path: string, first: () => Promise<Module>): () => Promise<Module> {
  let times = 0
  let loading: Promise<Module> | undefined
  return () => {
    loading ??= (times ? (import(`${path}?${times}`) as Promise<Module>) : first()).catch((error: unknown) => {
      times += 1
      loading = undefined
      throw error
    })
    return loading
  }
}

/** After so long, or as soon as the device says that it has a network. */
export function soonest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
  })
}
