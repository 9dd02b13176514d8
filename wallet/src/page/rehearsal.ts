// What an open book does first, done once with nothing in it, while a worker types the PIN: a browser takes ten times as long over what it does
// for the first time, and a slow phone is slow enough. Step by step, each of some milliseconds; nothing of it is kept or sent.

import { compacted, expanded } from '../didcomm/compact.js'
import { pack, unpack } from '../didcomm/envelope.js'
import { SecretKey } from '../didcomm/keys.js'
import { attach } from '../didcomm/attachments.js'
import { message, readMessage } from '../didcomm/message.js'
import { VaultKey } from '../keeping/vault_key.js'

/** As large as most rows are, and as messages are. */
const ROW = 'x'.repeat(16 * 1024)
const ROWS = 4
const MESSAGES = 4
const KEY_BYTES = 32

export function* rehearsal(): Generator<void> {
  const vault = VaultKey.of(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
  for (let index = 0; index < ROWS; index++) {
    vault.openRow(vault.sealRow(ROW, ''), '')
    yield
  }
  const [ours, theirs] = [SecretKey.random(), SecretKey.random()]
  yield
  for (let index = 0; index < MESSAGES; index++) {
    const told = message('trust_ping/1.0/ping', attach('told~attach', 'told', { told: Array.from({ length: 32 }, (_, place) => ({ place })) }))
    const envelope = expanded(compacted(pack(JSON.stringify(told), theirs.verkey, ours)))
    yield
    readMessage(unpack(envelope, () => theirs))
    yield
  }
}
