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
  const { judgeAsker } = await load('page/judging.js')
  const { worthOf } = await load('page/worth.js')
  const { Governance } = await load('governance/following.js')
  const { PublicFiles } = await load('public_files.js')
  const { MemoryStore } = await load('store.js')
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
    judge_asker: async ({ snapshot, asker, types, asked }) => {
      const { may } = await judgeAsker({ snapshot: async () => snapshotOf(snapshot) }, asker, types, asked)
      return [may.verdict, may.code]
    },
    // A follower whose network gives a file, and another one later; what it asked for, and what is remembered.
    follow: async ({ author, document, versions, parts, dids }) => {
      const asked = []
      const written = []
      const [waiting, held] = [[], []]
      let [isHeld, isAway] = [false, false]
      const served = { ...versions[0], ...parts }
      const network = {
        get: (url) => {
          const name = url.slice('https://a.example.test/'.length)
          asked.push(name)
          if (isAway) return Promise.reject(new UnreachableError('away'))
          const body = fromAnyBase64(served[name], name)
          return new Promise((resolve) => (isHeld ? held : waiting).push(() => resolve(body)))
        },
      }
      class Store extends MemoryStore {
        write(changes) {
          written.push(...changes.filter(({ kind }) => kind === 'seen').map(({ value }) => value.version))
          return super.write(changes)
        }
      }
      const store = new Store()
      const resolver = { resolve: async () => ({ names: [author], document: new Received(document, 'document') }) }
      const made = () => new Governance({ url: 'https://a.example.test', author }, new PublicFiles(network, store), store, resolver)
      const told = (work) => Promise.all(work).then((done) => [...new Set(done.map(({ file }) => file.version))], (error) => error.code)
      let isOver = false
      // What is asked for is answered, the newest first.
      const answering = (async () => {
        while (!isOver) {
          await new Promise((resolve) => setImmediate(resolve))
          for (const answer of waiting.splice(0).reverse()) answer()
        }
      })()
      const outcomes = {}
      const one = made()
      outcomes.together = [await told(Array.from({ length: 10 }, (_, index) => one.snapshot([dids[index % dids.length]]))), asked.splice(0).sort()]
      outcomes.again = [await told([one.snapshot([dids[0]])]), asked.splice(0)]
      outcomes.anew = [await told([made().snapshot([])]), asked.splice(0).length, [...written]]
      // Parts that an earlier visit fetched are read from here; what was altered there is fetched again.
      outcomes.kept = [await told([made().snapshot(dids)]), asked.splice(0).sort()]
      const part = (await store.list('object')).find(([id]) => id.includes('/parts/'))
      await store.write([{ kind: 'object', id: part[0], value: { ...part[1], body: (await store.list('object')).find(([id]) => id.endsWith('.jws'))[1].body } }])
      outcomes.altered = [await told([made().snapshot(dids)]), asked.splice(0).length]
      // Parts that cannot be fetched: who asks again at once shares that; who asks after some seconds does not.
      const { now: clock } = Date
      let without = 0
      const partless = { get: (url) => (url.includes('/parts/') ? ((without += 1), Promise.reject(new UnreachableError('away'))) : network.get(url)) }
      const empty = new MemoryStore()
      const lacking = new Governance({ url: 'https://a.example.test', author }, new PublicFiles(partless, empty), empty, resolver)
      outcomes.lacking = []
      for (const seconds of [0, 0, 6]) {
        Date.now = () => clock() + seconds * 1_000
        try {
          outcomes.lacking.push([await told([lacking.snapshot([dids[0]])]), without])
        } finally {
          Date.now = clock
        }
      }
      asked.length = 0
      // Two visits: the older answer comes last.
      isHeld = true
      const old = told([made().snapshot([])])
      while (held.length < 2) await new Promise((resolve) => setImmediate(resolve))
      isHeld = false
      Object.assign(served, versions[1])
      outcomes.newer = await told([made().snapshot([])])
      waiting.push(...held)
      outcomes.older = await old
      outcomes.remembered = (await store.list('seen')).map(([, { version }]) => version)
      asked.length = 0
      isAway = true
      const lost = made()
      outcomes.away = [await told(Array.from({ length: 4 }, () => lost.snapshot([]))), await told([lost.snapshot([])])]
      while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
      outcomes.away.push(asked.length)
      // What was read while away counts for some seconds; then the network is asked again, for the author's log too.
      isAway = false
      const now = Date.now
      let ahead = 0
      Date.now = () => now() + ahead
      try {
        const files = new PublicFiles(network, store).readAlsoWhile(() => isAway)
        const reading = new Governance({ url: 'https://a.example.test', author }, files, store, resolver)
        await reading.snapshot([])
        const kept = new Governance({ url: 'https://a.example.test', author }, files, store, resolver)
        isAway = true
        outcomes.kept_away = [await told([kept.snapshot([])])]
        isAway = false
        for (const seconds of [4, 2, 200]) {
          ahead += seconds * 1_000
          asked.length = 0
          outcomes.kept_away.push(await told([kept.snapshot([])]), asked.length)
        }
      } finally {
        Date.now = now
      }
      // Two at once: the older one is still being written while the newer one comes.
      let isNewerThere = false
      let begin
      const isWritten = new Promise((resolve) => (begin = resolve))
      class Slow extends MemoryStore {
        async write(changes) {
          const isOlder = changes.some(({ kind, value }) => kind === 'seen' && value.version === 1)
          if (isOlder) begin()
          for (let turn = 0; isOlder && !isNewerThere && turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
          await super.write(changes)
        }
      }
      const slow = new Slow()
      const following = (version) => {
        const get = async (url) => fromAnyBase64(versions[version - 1][url.slice('https://a.example.test/'.length)], 'file')
        return new Governance({ url: 'https://a.example.test', author }, new PublicFiles({ get }, slow), slow, resolver).snapshot([])
      }
      await Promise.all([following(1), isWritten.then(() => following(2)).then(() => (isNewerThere = true))])
      outcomes.at_once = (await slow.list('seen')).map(([, { version }]) => version)
      isOver = true
      await answering
      return outcomes
    },
    may_issue: ({ snapshot, issued, at }) => {
      const { verdict, reason } = mayIssue(snapshot === null ? undefined : snapshotOf(snapshot), { ...issued, frameworkLevel: named(issued.frameworkLevel) }, Date.parse(at))
      return [verdict, reason.code]
    },
    worth: ({ snapshot, issued, at }) => {
      const { verdict, places } = worthOf(snapshotOf(snapshot), { ...issued, frameworkLevel: named(issued.frameworkLevel) }, Date.parse(at))
      return [verdict, places]
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
