// did:webvh DIDs and the ids of resources under them (did:webvh 1.0, DID-to-HTTPS Transformation; DID Attested Resources 0.1).
//
// 1. The host is a dotted name in ASCII and lower case or upper case, percent-encoded at most once; its last label begins with a
//    letter, so that nothing is an IP address. Names of other scripts are taken in their ASCII form (xn--) only.
// 2. A port is 1 to 65535, written %3A<port>.
// 3. A segment of the path is percent-decoded once; it is not empty, "." or "..", has no slash or control character, and no blank
//    at its ends.
// 4. Nothing under localhost is meant for others.

import { MalformedError } from '../errors.js'

export interface WebvhDid {
  readonly did: string
  readonly scid: string
  readonly host: string
  /** Below it the DID's files lie; no slash at its end. */
  readonly base: string
  readonly logUrl: string
  readonly witnessUrl: string
}

export interface ResourceId {
  readonly id: string
  readonly did: WebvhDid
  /** The multihash of its content, in multibase. */
  readonly digest: string
  readonly url: string
}

const LONGEST = 512
const FORM = /^did:webvh:([1-9A-HJ-NP-Za-km-z]{46}):([A-Za-z0-9._%-]+)((?::[A-Za-z0-9._%-]+)*)$/
const RESOURCE = /^(did:webvh:.*)\/resources\/(z[1-9A-HJ-NP-Za-km-z]{46,48})$/
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const PORT = /^[1-9][0-9]{0,4}$|^0[0-9]{1,4}$/
const NOT_IN_SEGMENTS = /[\u0000-\u001f\u007f-\u009f/\\]/

export function parseWebvh(text: string, path = 'DID'): WebvhDid {
  const [, scid, domain, segments] = (text.length <= LONGEST && FORM.exec(text)) || []
  const expected = 'did:webvh:<SCID>:<host>:<path>'
  if (scid === undefined || domain === undefined || segments === undefined) throw new MalformedError(path, expected)
  const [name = '', port, ...more] = percentDecoded(domain, path).split(':')
  const host = name.toLowerCase()
  const isLocal = host === 'localhost' || host.endsWith('.localhost')
  if (more.length || isLocal || host.length > 253 || !HOST.test(host)) throw new MalformedError(path, expected)
  if (port !== undefined && (!PORT.test(port) || Number(port) < 1 || Number(port) > 65535)) throw new MalformedError(path, expected)
  const folders = segments.split(':').slice(1).map((segment) => percentDecoded(segment, path))
  if (folders.some((folder) => ['', '.', '..'].includes(folder) || folder !== folder.trim() || NOT_IN_SEGMENTS.test(folder)))
    throw new MalformedError(path, expected)
  const site = `https://${host}${port === undefined ? '' : `:${Number(port)}`}`
  const base = [site, ...folders.map(encodeURIComponent)].join('/')
  const logFolder = folders.length ? base : `${base}/.well-known`
  return { did: text, scid, host, base, logUrl: `${logFolder}/did.jsonl`, witnessUrl: `${logFolder}/did-witness.json` }
}

export function isWebvh(text: string): boolean {
  return text.startsWith('did:webvh:')
}

export function parseResourceId(text: string, path = 'resource id'): ResourceId {
  const [, did, digest] = (text.length <= LONGEST + 64 && RESOURCE.exec(text)) || []
  if (did === undefined || digest === undefined) throw new MalformedError(path, '<did:webvh DID>/resources/<digest>')
  const owner = parseWebvh(did, path)
  return { id: text, did: owner, digest, url: `${owner.base}/resources/${digest}` }
}

function percentDecoded(text: string, path: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new MalformedError(path, 'percent-encoded UTF-8')
  }
}
