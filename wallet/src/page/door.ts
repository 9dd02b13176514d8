// Where the wallet stands before anything of it is opened: what the first screen needs, without cryptography and protocols.

import type { Shelf } from '../keeping/shelf.js'
import type { Phase, Settings, Status } from './protocol.js'

/** Of a browser in which no book is open. */
export async function phaseAt(shelf: Shelf, { mediator }: Settings): Promise<Phase> {
  if (mediator === null) return 'unset'
  if ((await shelf.note('phone')) !== undefined) return 'locked'
  return (await shelf.note('vault')) ? 'forgotten' : 'none'
}

export async function statusAt(shelf: Shelf, settings: Settings): Promise<Status> {
  return { phase: await phaseAt(shelf, settings), name: settings.name, backup: 'waiting', isOnline: false }
}
