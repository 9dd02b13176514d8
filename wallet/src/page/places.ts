// Which screen a place is, in each phase.

import { betterThan } from './browsers.js'
import type { Client } from './client.js'
import { historyScreen, reportScreen } from './history_screen.js'
import { offerScreen, wrongScreen } from './offer_screen.js'
import { mayBeCleared } from './kept.js'
import type { Screen } from './parts.js'
import { mayHavePasskey } from './passkey.js'
import type { Status } from './protocol.js'
import { questionScreen } from './question_screen.js'
import type { Scanning } from './scanning.js'
import type { Screens } from './screens.js'

/** What the page knows beside what it asks the worker. */
export interface Here {
  readonly client: Client
  readonly screens: Screens
  readonly scanning: Scanning
  /** The new recovery code, and which group of it is asked. */
  readonly code: readonly string[]
  readonly asked: number
  readonly link: string | undefined
  /** The entry that the worker would answer a question with, by the question. */
  readonly chosen: ReadonlyMap<string, string>
  readonly isHistoryOpen: boolean
}

export async function screenAt(place: string, status: Status, here: Here): Promise<Screen> {
  const { client, screens } = here
  switch (status.phase) {
    case 'unset':
      return screens.unset()
    case 'elsewhere':
      return screens.elsewhere()
    case 'other-tab':
      return screens.otherTab()
    case 'open':
      return openScreen(place, status, here)
  }
  if (place === 'file') return screens.file()
  if (place === 'code' && here.code.length) return screens.code(here.code)
  if (place === 'confirm' && here.code.length) return screens.confirm(here.asked)
  if (place === 'anew' && status.phase !== 'none') return screens.anew()
  if (place === 'restore' || status.phase === 'forgotten') return screens.restore(status.phase)
  return status.phase === 'locked' ? screens.locked(status.hasPasskey ?? (await client.call('passkey')) !== null) : screens.start(here.link !== undefined, inApp(here.link))
}

async function openScreen(place: string, status: Status, { client, screens, scanning, chosen, isHistoryOpen }: Here): Promise<Screen> {
  const [kind, ...rest] = place.split(' ')
  const id = rest.join(' ')
  switch (kind) {
    case 'offer':
      return offerScreen(screens, await client.call('offer', { id }))
    case 'question':
      return questionScreen(screens, await client.call('question', { id, entry: chosen.get(id) }))
    case 'wrong':
      return wrongScreen(screens, await client.call('offer', { id }))
    case 'history':
      return historyScreen(screens, isHistoryOpen ? await client.call('history') : null)
    case 'report':
      return reportScreen(screens, await client.call('question', { id }))
    case 'codes':
      return screens.codes(await scanning.codes(client, id))
    case 'waiting':
      return screens.waiting()
    case 'more':
      return screens.more((await client.call('passkey')) ? 'kept' : (await mayHavePasskey()) ? 'possible' : 'none', await client.call('ready'), await mayBeCleared())
  }
  if (kind === 'scan' && scanning.video) return screens.scan(scanning.video)
  return screens.book(await client.call('book'), status)
}

function inApp(link: string | undefined): { readonly browser: string; readonly address: string } | undefined {
  const browser = betterThan(navigator.userAgent, matchMedia('(display-mode: standalone)').matches)
  return browser && { browser, address: `${location.origin}/${link === undefined ? '' : `#${link}`}` }
}
