// What the authority's file says of who issues and of who asks; what could not be looked up is told as such.

import { beyond, mayAsk, registeredFor } from '../governance/asking.js'
import type { Purpose, Snapshot } from '../governance/facts.js'
import type { Governance } from '../governance/following.js'
import { mayIssue, type Issued } from '../governance/issuing.js'
import { UnreachableError, WalletError } from '../errors.js'
import type { Judgement, Party, Registered } from './protocol.js'

const PURPOSES: readonly Purpose[] = ['employment', 'study', 'regulated-profession']
const GOAL = 'wanderbuch.verify.'

/** A judgement of who asks. */
export interface AskerJudged extends Judged {
  /** For which purposes the authority lets them ask this. */
  readonly purposes: readonly Purpose[]
  readonly registered: readonly Registered[]
  /** What they ask for beyond what it lets them. */
  readonly beyond: readonly string[]
}

export interface Judged {
  readonly party: Party
  readonly authority: string | null
  readonly may: Judgement
}

/** Whether who offers may sign it. `inviter` is who the connection's invitation is by. */
export async function judgeIssuer(governance: Governance | undefined, issued: Issued | undefined, signer: string, inviter: string | undefined): Promise<Judged> {
  return judged(governance, signer, (snapshot) => {
    if (inviter !== undefined && inviter !== signer) return { verdict: 'NOT_TRUSTED', code: 'offer.another_signer', about: [] }
    if (!issued) return { verdict: 'NOT_TRUSTED', code: 'offer.unknown_type', about: [] }
    const { verdict, reason } = mayIssue(snapshot, issued, Date.now())
    return { verdict, code: reason.code, about: reason.about }
  })
}

/** Whether who asks may ask that, of credentials of one of these types; who states no purpose is trusted only with what is allowed for all. */
export async function judgeAsker(
  governance: Governance | undefined,
  asker: string | null,
  types: readonly string[],
  asked: { readonly shown: readonly string[]; readonly proven: readonly string[]; readonly purpose: Purpose | null },
): Promise<AskerJudged> {
  if (asker === null) return { party: { did: null, name: null }, authority: null, may: { verdict: 'UNKNOWN', code: 'verifier.nameless', about: [] }, purposes: [], registered: [], beyond: [] }
  let allowedFor: readonly Purpose[] = []
  let tooMuch: readonly string[] = []
  let listed: readonly Registered[] = []
  const judgement = await judged(governance, asker, (snapshot) => {
    const wanted = (purpose: Purpose) => (types.length ? types : ['']).map((credentialType) => ({ verifier: asker, credentialType, revealed: asked.shown, predicates: asked.proven, purpose }))
    const decided = (purpose: Purpose) => {
      const ofTypes = wanted(purpose).map((each) => mayAsk(snapshot, each, Date.now()))
      return ofTypes.find(({ verdict }) => verdict === 'TRUSTED') ?? (ofTypes[0] as (typeof ofTypes)[number])
    }
    allowedFor = PURPOSES.filter((purpose) => decided(purpose).verdict === 'TRUSTED')
    listed = snapshot ? registeredFor(snapshot, asker, Date.now()) : []
    const purposes = asked.purpose === null ? PURPOSES : [asked.purpose]
    const decisions = purposes.map(decided)
    if (snapshot && decisions.every(({ verdict }) => verdict === 'NOT_TRUSTED')) tooMuch = purposes.flatMap(wanted).map((each) => beyond(snapshot, each, Date.now())).find((names) => names.length) ?? []
    const allowed = decisions.filter(({ verdict }) => verdict === 'TRUSTED')
    const [{ verdict, reason }] = (allowed.length ? allowed : decisions) as [(typeof decisions)[number]]
    if (allowed.length && allowed.length < decisions.length) return { verdict: 'UNKNOWN', code: 'verifier.no_purpose', about: reason.about }
    return { verdict, code: reason.code, about: reason.about }
  })
  return { ...judgement, purposes: allowedFor, registered: listed, beyond: tooMuch }
}

/** The purpose that a goal code states (Aries RFC 0519), if it is one of ours. */
export function purposeOf(goalCode: unknown): Purpose | null {
  return PURPOSES.find((purpose) => goalCode === GOAL + purpose) ?? null
}

async function judged(governance: Governance | undefined, did: string, judge: (snapshot: Snapshot | undefined) => Judgement): Promise<Judged> {
  try {
    const snapshot = await governance?.snapshot([did])
    const party = { did, name: snapshot?.file.names.get(did) ?? null }
    return { party, authority: snapshot?.file.name ?? null, may: judge(snapshot) }
  } catch (error) {
    if (!(error instanceof WalletError)) throw error
    const code = error instanceof UnreachableError ? 'governance.unreachable' : 'governance.refused'
    return { party: { did, name: null }, authority: null, may: { verdict: 'UNKNOWN', code, about: [] } }
  }
}
