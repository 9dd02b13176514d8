// Whether a status list may be looked up while a question waits: not where it is the asker's. They would learn that somebody reads it, and
// a no, nothing that fits and silence would look alike no more.

import { parseResourceId, parseWebvh } from '../webvh/did.js'
import { WalletError } from '../errors.js'
import type { JsonObject } from '../store.js'
import type { Entry } from './credentials.js'

/**
 * Whether who asks has no part in where the list of a credential lies: neither their DID nor the address of their agent is of that host.
 *
 * @param question its row
 */
export function mayForesee(question: JsonObject, { credential }: Entry): boolean {
  const { asker, contact } = question
  const endpoint = typeof contact === 'object' && contact !== null ? (contact as JsonObject)['endpoint'] : undefined
  try {
    const lists = [credential.definitionId, credential.nonRevocation?.registryId].filter((id) => id !== undefined).map((id) => parseResourceId(id).did.host)
    const hosts = [typeof asker === 'string' && asker.startsWith('did:webvh:') && parseWebvh(asker).host, typeof endpoint === 'string' && new URL(endpoint).hostname]
    return !hosts.some((host) => host !== false && lists.includes(host))
  } catch (error) {
    if (error instanceof WalletError || error instanceof TypeError) return false // nobody knows where they are
    throw error
  }
}
