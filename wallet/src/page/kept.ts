// The page's side of `keeper.ts`, which keeps the page's files on the phone. A newer page takes over at the beginning of a visit, before
// anything is opened: so a book that is open goes on with the files that it began with.

import { scriptUrl } from './scripts.js'

const KEEPER = '/keeper.js'
const LONGEST_MS = 5_000

/** Resolves when this visit may go on with the files it has; with newer ones the page is loaded again, and it does not resolve. */
export async function upToDate(): Promise<void> {
  // Without one (private windows of some browsers) the page works, but not off line.
  const serviceWorker = navigator.serviceWorker as ServiceWorkerContainer | undefined
  const next = serviceWorker?.controller && (await serviceWorker.getRegistration())?.waiting
  if (!next) return
  const isTaken = await new Promise<boolean>((resolve) => {
    serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true })
    setTimeout(() => resolve(false), LONGEST_MS)
    next.postMessage('take over')
  })
  if (isTaken) {
    location.reload()
    await new Promise<never>(() => {})
  }
}

/** @param first what a first visit fetched before anything was kept: asked for again, it is kept too */
export function keepFiles(first: () => unknown): void {
  const serviceWorker = navigator.serviceWorker as ServiceWorkerContainer | undefined
  if (serviceWorker?.controller === null) serviceWorker.addEventListener('controllerchange', () => void first(), { once: true })
  void serviceWorker?.register(scriptUrl(KEEPER), { updateViaCache: 'none' }).catch(() => undefined)
}
