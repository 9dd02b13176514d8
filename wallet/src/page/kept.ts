// What the browser keeps for us; and the page's side of `keeper.ts`, which keeps the page's files on the phone. A newer page waits until no page of ours is open: so a book
// that is open goes on with the files that it began with, and no page is changed under its feet.

import { scriptUrl } from './scripts.js'

const KEEPER = '/keeper.js'

/** Whether the browser may clear what it keeps of ours when the phone is full (Storage Standard, persistent buckets). */
export async function mayBeCleared(): Promise<boolean> {
  const storage = navigator.storage as StorageManager | undefined
  return storage?.persisted !== undefined && !(await storage.persisted())
}

/** Ask it not to; gives whether it agrees. */
export async function askToKeep(): Promise<boolean> {
  const storage = navigator.storage as StorageManager | undefined
  return (await storage?.persist?.()) ?? false
}

/** @param first what a first visit fetched before anything was kept: asked for again, it is kept too */
export function keepFiles(first: () => unknown): void {
  const serviceWorker = navigator.serviceWorker as ServiceWorkerContainer | undefined
  if (serviceWorker?.controller === null) serviceWorker.addEventListener('controllerchange', () => void first(), { once: true })
  void serviceWorker?.register(scriptUrl(KEEPER), { updateViaCache: 'none' }).catch(() => undefined)
}
