// What an entry is good for: where it counts, by the authority's file. Of the home file alone, as an employer there would decide who
// asks for what the entry says; whether it is revoked or over is said beside it.

import { aboutIssuer, type Evidence } from '../governance/case.js'
import { decide } from '../governance/decision.js'
import type { Snapshot } from '../governance/facts.js'
import { isLanguage } from '../governance/isco08.js'
import type { Issued } from '../governance/issuing.js'
import type { Worth } from './protocol.js'

export function worthOf(snapshot: Snapshot, issued: Issued, at: number): Pick<Worth, 'verdict' | 'places'> {
  const isOfLanguage = isLanguage(issued.occupation)
  const evidence: Evidence = {
    issuer: issued.issuer,
    source: issued.source,
    credentialType: issued.credentialType,
    occupation: issued.occupation,
    provenEqfLevel: issued.eqfLevel || undefined,
    provenCefrLevel: isOfLanguage ? issued.frameworkLevel : undefined,
    framework: issued.framework,
    crosswalkVersion: issued.crosswalkVersion,
    awarded: { first: issued.awarded, last: issued.awarded },
    expiresOn: undefined,
    status: undefined,
    binding: 'link-secret',
  }
  const places = [...new Set(aboutIssuer(snapshot.file, issued.issuer).flatMap(({ jurisdictions }) => jurisdictions))].sort()
  const decided = places.map((jurisdiction) => {
    const requirement = {
      occupation: issued.occupation,
      jurisdiction,
      minEqfLevel: evidence.provenEqfLevel,
      minCefrLevel: evidence.provenCefrLevel,
      credentialType: issued.credentialType,
      notRevoked: false,
      purpose: 'employment' as const,
      isNamed: false,
    }
    return { jurisdiction, verdict: decide(requirement, evidence, snapshot, at).verdict }
  })
  const counting = decided.filter(({ verdict }) => verdict === 'TRUSTED').map(({ jurisdiction }) => jurisdiction)
  // Of whom the file says nothing, another authority's may say something.
  const other = decided.find(({ verdict }) => verdict !== 'NOT_TRUSTED')?.verdict ?? (decided.length ? 'NOT_TRUSTED' : 'UNKNOWN')
  return { verdict: counting.length ? 'TRUSTED' : other, places: counting }
}
