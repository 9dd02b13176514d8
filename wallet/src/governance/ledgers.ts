// DIDs on Indy ledgers have two names, did:sov and did:indy, and what is said under the one binds the other
// (`governance/facts/indy.py`). The wallet resolves neither; a governance file may name them.

const ON_LEDGERS = /^did:(?:indy|sov):/
const NYM = '[1-9A-HJ-NP-Za-km-z]{21,22}'
const NEW = new RegExp(`^did:indy:[a-z0-9:_-]+:(${NYM})/anoncreds/v0/REV_REG_DEF/([0-9]+)/([^/]+)/([^/]+)$`)
const OLD = new RegExp(`^(${NYM}):4:\\1:3:CL:([0-9]+):([^:]+):CL_ACCUM:([^:]+)$`)
const ANONCREDS = 'anoncreds:'

export function isOnLedger(did: string): boolean {
  return ON_LEDGERS.test(did)
}

/** Whether two DIDs may be two names of one: did:sov names no ledger, so it may be that of any did:indy. */
export function mayBeOne(first: string, second: string): boolean {
  if (first === second || !isOnLedger(first) || !isOnLedger(second) || endOf(first) !== endOf(second)) return false
  return first.startsWith('did:sov:') || second.startsWith('did:sov:')
}

/** Who publishes the object with an id of AnonCreds. */
export function publisherOf(id: string): string {
  return id.startsWith('did:') ? (id.split('/')[0] as string) : `did:sov:${id.split(':')[0] as string}`
}

/** A status as another name of its publisher's DID names it; what is not on a ledger stays as it is. */
export function statusNamedBy(status: string, did: string): string {
  const [, nym, number, tag, registry] = NEW.exec(status.slice(ANONCREDS.length)) ?? OLD.exec(status.slice(ANONCREDS.length)) ?? []
  if (!status.startsWith(ANONCREDS) || nym === undefined || !isOnLedger(did)) return status
  if (did.startsWith('did:sov:')) return `${ANONCREDS}${endOf(did)}:4:${endOf(did)}:3:CL:${number}:${tag}:CL_ACCUM:${registry}`
  return `${ANONCREDS}${did}/anoncreds/v0/REV_REG_DEF/${number}/${tag}/${registry}`
}

function endOf(did: string): string {
  return did.slice(did.lastIndexOf(':') + 1)
}
