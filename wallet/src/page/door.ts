// Where the wallet stands before anything of it is opened: what the first screen needs, without cryptography and protocols.

import type { Shelf } from '../keeping/shelf.js'
import type { PasskeyPlace, Phase, Settings, Status } from './protocol.js'

/** Of a browser in which no book is open; without the settings, as if the operator had named a mediator. */
export async function phaseAt(shelf: Shelf, settings?: Settings): Promise<Phase> {
  if (settings?.mediator === null) return 'unset'
  if ((await shelf.note('phone')) !== undefined) return 'locked'
  return (await shelf.note('vault')) ? 'forgotten' : 'none'
}

/** Where the passkey is that opens the book, if one does. */
export async function passkeyAt(shelf: Shelf): Promise<PasskeyPlace | null> {
  const { passkey } = ((await shelf.note('phone')) ?? {}) as { passkey?: PasskeyPlace }
  return passkey ? { id: passkey.id, salt: passkey.salt } : null
}

export async function statusAt(shelf: Shelf, settings?: Settings): Promise<Status> {
  const [phase, passkey] = await Promise.all([phaseAt(shelf, settings), passkeyAt(shelf)])
  return { phase, backup: 'waiting', isOnline: false, hasPasskey: passkey !== null }
}
