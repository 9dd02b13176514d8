// The ways out of the wallet. A page has fetch and WebSocket; what it may not fetch itself goes through a relay, which proves
// nothing: whoever reads what came checks it.

import { MalformedError } from './errors.js'

export interface Socket {
  send(frame: Uint8Array): void
  close(): void
}

export interface SocketEvents {
  received(envelope: Uint8Array): void
  closed(): void
}

export interface Network {
  /**
   * A public file.
   *
   * @param kept what an earlier visit got there, if it is at hand: where it can be, it is not sent again
   * @throws UnreachableError it could not be fetched, or is longer; GoneError: there is none
   */
  get(url: string, mostBytes: number, kept?: Uint8Array): Promise<Uint8Array>
  /**
   * Send an envelope, and give what came back on the same connection (Aries RFC 0092), if anything.
   *
   * @throws UnreachableError nobody took it, and it may be sent again
   * @throws CheckFailedError it was refused, and would be again
   */
  post(url: string, envelope: string): Promise<Uint8Array | undefined>
  /** Open a web socket; it is open when this resolves. */
  open(url: string, events: SocketEvents): Promise<Socket>
}

/** How large a frame of the mediator's may be: base64 in base64 of messages of 2 MiB together, or of one file. */
export const MOST_FRAME_BYTES = 8 << 20
const LONGEST_ADDRESS = 2048
/** Statuses that say that there is nothing, and not that it cannot be had now. */
export const GONE: readonly number[] = [404, 410]
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * An address that somebody else wrote: of a public name, by TLS, without a user. Addresses of machines (IP), of this machine and
 * of the local network are none, so that no invitation makes a wallet knock there.
 */
export function publicAddress(text: string, path: string, scheme: 'https:' | 'wss:' = 'https:', longest = LONGEST_ADDRESS): URL {
  const url = text.length <= longest ? parsed(text) : undefined
  const host = url?.hostname ?? ''
  const isLocal = /(?:^|\.)(?:localhost|local|internal)$/.test(host)
  if (!url || url.protocol !== scheme || url.username || url.password || isLocal || host.length > 253 || !HOST.test(host))
    throw new MalformedError(path, `an address ${scheme}//… of a public name`)
  return url
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
