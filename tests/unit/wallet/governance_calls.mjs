// Calls about governance files and decisions; see `driver.mjs`.

export async function calls(load) {
  const { Received } = await load('received.js')
  const { fromAnyBase64 } = await load('base64.js')
  const { readStrictJson } = await load('strict_json.js')
  const { readGovernanceFile } = await load('governance/reading.js')
  const { decide } = await load('governance/decision.js')
  const { mayAsk } = await load('governance/asking.js')
  const { mayIssue } = await load('governance/issuing.js')
  const signing = await load('governance/signed.js')
  const isco08 = await load('governance/isco08.js')
  const { UnreachableError } = await load('errors.js')

  const files = new Map()
  const snapshotOf = ({ file, until, recognised = [] }) => {
    const others = recognised.map(snapshotOf)
    return {
      file: files.get(file),
      freshUntil: until === null ? undefined : Date.parse(until),
      freshFrom: undefined,
      recognised: new Map(others.map((other) => [other.file.author, other])),
    }
  }
  const resolverOf = (keys) => async (kid) => {
    if (keys[kid] === 'unreachable') throw new UnreachableError('away')
    return keys[kid] && fromAnyBase64(keys[kid], 'key')
  }
  const signedBy = ({ jws, author, keys, previous }) => {
    const rule = previous && files.get(previous).signatories
    return signing.verifyFile(fromAnyBase64(jws, 'jws'), author, resolverOf(keys), rule)
  }
  const named = (value) => (value === null ? undefined : value)
  return {
    governance_file: ({ file: name, document }) => {
      const bounds = { mostBytes: 8_000_000, mostDepth: 32, fractions: true }
      files.set(name, readGovernanceFile(new Received(readStrictJson(fromAnyBase64(document, name), name, bounds), name)))
      return name
    },
    decide: ({ requirement, evidence, snapshot, at }) => {
      const asked = {
        occupation: requirement.occupation,
        jurisdiction: requirement.jurisdiction,
        minEqfLevel: named(requirement.min_eqf_level),
        minCefrLevel: named(requirement.min_cefr_level),
        credentialType: requirement.credential_type ?? 'qualification/1.0',
        notRevoked: requirement.not_revoked ?? true,
        purpose: requirement.purpose ?? 'employment',
        isNamed: (requirement.subject ?? 'none') !== 'none',
      }
      const shown = {
        issuer: evidence.issuer,
        source: evidence.source,
        credentialType: evidence.credential_type,
        occupation: evidence.occupation,
        provenEqfLevel: named(evidence.proven_eqf_level),
        provenCefrLevel: named(evidence.proven_cefr_level ?? null),
        framework: evidence.framework,
        crosswalkVersion: named(evidence.crosswalk_version),
        awarded: evidence.awarded,
        expiresOn: named(evidence.expires_on),
        status: named(evidence.status),
        binding: evidence.binding,
      }
      const { verdict, reasons, chain } = decide(asked, shown, snapshot === null ? undefined : snapshotOf(snapshot), Date.parse(at))
      return { verdict, codes: [...new Set(reasons.map(({ code }) => code))], chain }
    },
    may_ask: ({ snapshot, asked, at }) => {
      const { verdict, reason } = mayAsk(snapshot === null ? undefined : snapshotOf(snapshot), asked, Date.parse(at))
      return [verdict, reason.code]
    },
    may_issue: ({ snapshot, issued, at }) => {
      const { verdict, reason } = mayIssue(snapshot === null ? undefined : snapshotOf(snapshot), { ...issued, frameworkLevel: named(issued.frameworkLevel) }, Date.parse(at))
      return [verdict, reason.code]
    },
    // Check a signed file and, if there is one, its freshness statement; keep it as `file`, with the parts of some buckets.
    signed_file: async ({ file, freshness, at, parts, ...told }) => {
      const signed = await signedBy(told)
      const fresh = freshness && (await signing.verifyFreshness(fromAnyBase64(freshness, 'jws'), told.author, resolverOf(told.keys), Date.parse(at)))
      const read = new Map((parts ?? []).map(([bucket, part]) => [bucket, signing.readPart(signed, bucket, fromAnyBase64(part, 'part'))]))
      const snapshot = signing.snapshotOf(signed, fresh, read)
      files.set(file, snapshot.file)
      return { digest: signed.digest, signers: signed.signers, fresh_until: snapshot.freshUntil ?? null }
    },
    accept: async ({ seen, ...told }) => signing.accept(seen, await signedBy(told)),
    isco08: ({ codes }) => codes.map((code) => [isco08.isOccupation(code), isco08.isUnitGroup(code), isco08.childrenOf(code)]),
    cefr: ({ levels }) => levels.map(isco08.cefrRank),
  }
}
