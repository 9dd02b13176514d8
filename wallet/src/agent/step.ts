// What handling a message, or an answer of the worker's, comes to: rows that change and messages that go out, written at once.
//
// So whatever ends the page in between, the next visit finds either none of it, and the message waits still; or all of it, and what
// was to be sent is sent then. A message may go out twice, word for word; never another one in its place.

import type { Contact } from '../dids/contact.js'
import type { Incoming } from '../didcomm/message.js'
import type { Verkey } from '../didcomm/keys.js'
import { UnreachableError, WalletError } from '../errors.js'
import type { Change, JsonObject } from '../store.js'

export interface Outgoing {
  readonly from: Verkey
  readonly to: Contact
  readonly message: JsonObject
}

export interface Step {
  readonly changes: readonly Change[]
  readonly send?: readonly Outgoing[]
}

/** Does what a message asks for. It may be called again with the same message. Undefined: the message is about nothing here. */
export type Handler = (incoming: Incoming) => Promise<Step | undefined>

/**
 * Do the next step of something that a row tells of. What cannot be done now stays as it is, for later; what can never be done ends,
 * with the reason in its row.
 */
export async function ifItCanBe(
  agent: { commit(step: Step): Promise<void> },
  row: JsonObject,
  change: (row: JsonObject) => Change,
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (error instanceof WalletError && !(error instanceof UnreachableError)) await agent.commit({ changes: [change({ ...row, state: 'failed', why: error.code })] })
    throw error
  }
}
