// The service worker: keeps the page's files on the phone, so that the book opens without a network.
//
// 1. It has the SHA-256 of every file from the build. What it keeps stands under path and digest, was checked by the browser (Subresource
//    Integrity) when it came, and is answered without asking anybody. So all files of a visit are of one build.
// 2. Another build is another service worker. It fetches what differs, waits, and takes over when no page is open. It is not hurried: a
//    worker's file that is asked for while Chromium changes from one to the other may never come.
// 3. A file that is not kept and does not come as it should is taken as the host gives it: the page says what does not fit, and nobody is
//    shut out of their book by a half update.
// 4. `settings.json` is the host's own: asked for at each visit, the one before it where nobody answers. The policy of the page
//    (Content-Security-Policy) follows from it, so what carries the policy is fetched anew when it changes.
// 5. Vaults and all other hosts are none of its business.

/** By path: SHA-256 in base64; from the build. */
declare const FILES: Readonly<Record<string, string>>

const CACHE = 'page'
const SETTINGS = '/settings.json'
const WITH_POLICY = ['/', '/worker.js']
const FURTHER = /^\/(?:words\/(?!en\.json|facts\.json)|(?:decoder|offline)\.js$)/
const PATIENCE_MS = 4_000

interface Lasting extends Event {
  waitUntil(done: Promise<unknown>): void
}
interface Asked extends Lasting {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}
interface Keeper {
  readonly clients: { claim(): Promise<void> }
  readonly location: Location
  addEventListener(kind: 'install' | 'activate', listener: (event: Lasting) => void): void
  addEventListener(kind: 'fetch', listener: (event: Asked) => void): void
}

const keeper = globalThis as unknown as Keeper
/** Opened once: a visit asks for half a dozen files. What could not be opened is opened again. */
let opened: Promise<Cache> | undefined

keeper.addEventListener('install', (event) => event.waitUntil(install()))
keeper.addEventListener('activate', (event) => event.waitUntil(tidy().then(() => keeper.clients.claim())))
keeper.addEventListener('fetch', (event) => {
  const { method, url } = event.request
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== keeper.location.origin) return
  if (pathname === SETTINGS) event.respondWith(settings())
  else if (Object.hasOwn(FILES, pathname)) event.respondWith(file(pathname).catch(() => fetch(event.request))) // 3
})

// Everything that a visit in English needs, and what the keeper before had of other languages, and for scanning. One after the other: six at
// once would be as many connections, each of which costs three kilobytes.
async function install(): Promise<void> {
  const cache = await kept()
  const before = (await cache.keys()).map(({ url }) => new URL(url).pathname)
  for (const path of Object.keys(FILES)) if (!FURTHER.test(path) || before.includes(path)) await file(path, true)
  await settings('force-cache')
}

async function tidy(): Promise<void> {
  const cache = await kept()
  const wanted = [SETTINGS, ...Object.keys(FILES).map(placeOf)].map((place) => new URL(place, keeper.location.origin).href)
  await Promise.all((await cache.keys()).filter(({ url }) => !wanted.includes(url)).map((request) => cache.delete(request)))
}

function kept(): Promise<Cache> {
  if (!opened) {
    opened = caches.open(CACHE)
    opened.catch(() => (opened = undefined))
  }
  return opened
}

function placeOf(path: string): string {
  return `${path}?${FILES[path]}`
}

/** What needs the cache and can be done without: it may be full, or was cleared under our feet, and is opened anew then. */
async function ifItCan<Told>(step: (cache: Cache) => Promise<Told>): Promise<Told | undefined> {
  try {
    return await step(await kept())
  } catch {
    opened = undefined
    return undefined
  }
}

// 1; `isNeeded`: whether it must be kept.
async function file(path: string, isNeeded = false): Promise<Response> {
  const here = await ifItCan((cache) => cache.match(placeOf(path), { ignoreVary: true }))
  // What the browser has of this visit need not come again: it counts if its digest does.
  return here ?? brought(path, 'force-cache', isNeeded).catch(() => brought(path, 'reload', isNeeded))
}

async function brought(path: string, how: RequestCache, isNeeded: boolean): Promise<Response> {
  const response = await fetch(path, { integrity: `sha256-${FILES[path]}`, cache: how, credentials: 'omit' })
  if (!response.ok) throw new TypeError('the file did not come')
  const keep = (cache: Cache): Promise<void> => cache.put(placeOf(path), response.clone())
  await (isNeeded ? kept().then(keep) : ifItCan(keep))
  return response
}

// 4; `how`: where it is installed, what the browser has just asked for need not be asked for again.
async function settings(how: RequestCache = 'no-cache'): Promise<Response> {
  const before = await ifItCan((cache) => cache.match(SETTINGS, { ignoreVary: true }))
  try {
    const response = await fetch(SETTINGS, { cache: before ? 'no-cache' : how, credentials: 'omit', signal: before ? AbortSignal.timeout(PATIENCE_MS) : null })
    if (response.ok) {
      const told = await response.clone().text()
      if (told === (await before?.clone().text())) return response
      await ifItCan(async (cache) => {
        // First what carries the policy: if it does not come whole, the next visit finds that the settings are others, and asks for it again.
        if (before) await Promise.all(WITH_POLICY.map((path) => brought(path, 'reload', true)))
        await cache.put(SETTINGS, response.clone())
      })
      return response
    }
  } catch {
    // Nobody answers.
  }
  return before ?? Response.error()
}
