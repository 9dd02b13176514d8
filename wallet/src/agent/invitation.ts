// Invitations (Aries RFC 0434, out-of-band 1.1). Anybody may have written one, so it is taken apart once, strictly; what people are
// shown of it is cut short and proves nothing.

import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '../base58.js'
import { fromAnyBase64 } from '../base64.js'
import { readInlineService, type Contact } from '../dids/contact.js'
import { decoded } from '../didcomm/attachments.js'
import { identifier, kindOf, told } from '../didcomm/message.js'
import { DeadLinkError, GoneError, MalformedError, NotPublicError } from '../errors.js'
import { canonicalBytes } from '../jcs.js'
import { publicAddress, type Network } from '../network.js'
import { Received } from '../received.js'
import { readStrictJson } from '../strict_json.js'

export interface Invitation {
  readonly id: string
  /** Of the whole invitation: the same one opened again is known by it. */
  readonly digest: string
  /** The DID that invites, or where it stands in the invitation itself: then nobody says who it is. */
  readonly service: string | Contact
  /** The newest version of DID Exchange in it that we speak, if it is for a connection. */
  readonly handshake: string | undefined
  /** The message that it carries. */
  readonly attached: Received | undefined
  readonly label: string | undefined
  readonly goalCode: string | undefined
  /** A mediator takes compact envelopes (ADR 120). */
  readonly takesCompact: boolean
}

/** Of a link with its invitation in itself: with an offer of 25 attributes a stock ACA-Py makes 39,000 to 52,000. A QR code has 2,953 bytes at most. */
const LONGEST_LINK = 64 * 1024
const MOST_BYTES = 256 * 1024
const MOST_ATTACHED = 128 * 1024
const LONGEST_DID = 16 * 1024
const KIND = /^out-of-band\/1\.[0-9]{1,3}\/invitation$/
const HANDSHAKE = /(?:^https:\/\/didcomm\.org\/|;spec\/)didexchange\/1\.[0-9]{1,3}$/

/**
 * The invitation behind an address that was scanned or pasted: in it, or where it leads.
 *
 * @throws DeadLinkError it leads nowhere
 */
export async function fetchInvitation(address: string, network: Network): Promise<Invitation> {
  const url = linkAddress(address)
  const encoded = url.searchParams.get('oob')
  if (encoded !== null) return readInvitation(fromAnyBase64(encoded, 'address'))
  const invitation = await network.get(url.href, MOST_BYTES).catch((error: unknown) => {
    throw error instanceof GoneError ? new DeadLinkError() : error
  })
  return readInvitation(invitation)
}

/** What was scanned or pasted, as an address; only one with its invitation in itself may be long. */
export function linkAddress(text: string): URL {
  const url = publicAddress(text, 'address', 'https:', LONGEST_LINK)
  return url.searchParams.has('oob') ? url : publicAddress(text, 'address')
}

export function readInvitation(bytes: Uint8Array): Invitation {
  const body = new Received(readStrictJson(bytes, 'invitation', { mostBytes: MOST_BYTES, mostDepth: 32 }), 'invitation')
  if (!KIND.test(kindOf(body))) throw new MalformedError('invitation.@type', 'an invitation of out-of-band 1.1')
  const [service, ...others] = body.member('services').items(8)
  if (!service || others.length) throw new MalformedError('invitation.services', 'one service')
  const protocols = body.optional('handshake_protocols')?.items(16).map((item) => item.text(256)) ?? []
  const versions = protocols.filter((protocol) => HANDSHAKE.test(protocol)).map((protocol) => (protocol.endsWith('/1.0') ? '1.0' : '1.1'))
  const [attachment, ...more] = body.optional('requests~attach')?.items(8) ?? []
  if (more.length || (versions.length === 0 && !attachment)) throw new MalformedError('invitation', 'one request, or to connect by DID Exchange')
  return {
    id: identifier(body.member('@id')),
    digest: base58(sha256(canonicalBytes(body.value()))),
    service: typeof service.value() === 'string' ? didOf(service) : reachable(readInlineService(service)),
    handshake: versions.includes('1.1') ? '1.1' : versions[0],
    attached: attachment && decoded(attachment, MOST_ATTACHED),
    label: told(body.optional('label'), 128),
    goalCode: told(body.optional('goal_code'), 128),
    takesCompact: body.optional('takes_compact')?.value() === true,
  }
}

// Who invites by the network of a house, or in clear, would be waited for in vain.
function reachable(contact: Contact): Contact {
  try {
    publicAddress(contact.endpoint, 'invitation.services')
  } catch (error) {
    throw error instanceof MalformedError ? new NotPublicError() : error
  }
  return contact
}

function didOf(service: Received): string {
  const did = service.text(LONGEST_DID)
  if (!/^did:[a-z0-9]+:\S+$/.test(did)) throw new MalformedError(service.path, 'a DID')
  return did
}
