// How to reach who has a DID: did:key and did:peer are their own document, did:webvh is resolved and verified.

import { readContact, type Contact } from '../dids/contact.js'
import { peerDocument } from '../dids/peer.js'
import { MalformedError } from '../errors.js'
import { isWebvh } from '../webvh/did.js'
import type { WebvhResolver } from '../webvh/resolver.js'

export async function contactOf(did: string, resolver: WebvhResolver): Promise<Contact> {
  if (did.startsWith('did:peer:')) return readContact(peerDocument(did))
  if (isWebvh(did)) return readContact((await resolver.resolve(did)).document)
  throw new MalformedError('DID', 'a did:peer or did:webvh DID')
}
