// What the page makes of a request and of a book, without a browser; see `driver.mjs`.

export async function calls(load) {
  const { Received } = await load('received.js')
  const { encoded } = await load('anoncreds/attributes.js')
  const { readPresentationRequest } = await load('anoncreds/presentation_request.js')
  const { readRestrictions } = await load('exchange/fitting.js')
  const { closest } = await load('page/misfits.js')
  const { askedWords } = await load('page/asked_words.js')
  const { judgeAsker } = await load('page/judging.js')
  const { flat, Words } = await load('page/words.js')
  const { Looks } = await load('page/looks.js')
  const { betterThan } = await load('page/browsers.js')
  const { pastedLink } = await load('page/pasted.js')
  const { reportLines } = await load('page/history_screen.js')

  const entryOf = ({ id, values, isRevoked = false, definition = 'centre' }) => ({
    id,
    isKnownRevoked: isRevoked,
    credential: { definitionId: `${definition}/d`, schemaId: 'authority/s', attributes: new Map(Object.entries(values).map(([name, raw]) => [name, { name, raw, encoded: encoded(raw) }])) },
  })

  return {
    closest: ({ entries, request, today }) => {
      const received = new Received({ name: 'q', version: '1.0', nonce: '1', requested_attributes: {}, requested_predicates: {}, ...request }, 'request')
      const { code, entry, names } = closest(entries.map(entryOf), readPresentationRequest(received), readRestrictions(received), today)
      return [code, entry?.id ?? null, names]
    },
    better_browser: ({ agent, isOnHomeScreen }) => betterThan(agent, isOnHomeScreen) ?? null,
    pasted: ({ texts }) => texts.map(pastedLink),
    asked_words: ({ names, isSigned }) => names.map((name) => askedWords(new Received({ name }, 'request'), isSigned)),
    // Of a verifier that may ask some of it, for study.
    judged_asker: async ({ shown, proven, purpose, told = {}, ends = '9999-12-31', freshUntil = Infinity }) => {
      const statement = { id: 'v', credentialType: 'qualification/1.0', attributes: ['occupation_isco08'], predicates: ['eqf_level'], purposes: ['study', 'employment'], jurisdictions: [], intervals: [{ first: '2020-01-01', last: ends }], aim: null, policy: null, keepsDays: null, ...told }
      const file = { name: 'A', verifications: new Map([['did:x:v', [statement, { ...statement, id: 'w' }]]]), names: new Map(), division: undefined, loaded: new Set() }
      const snapshot = { file, freshUntil, freshFrom: undefined, recognised: new Map() }
      const { may, purposes, registered, beyond } = await judgeAsker({ snapshot: async () => snapshot }, 'did:x:v', ['qualification/1.0'], { shown, proven, purpose })
      return [may.verdict, may.code, purposes, beyond, registered]
    },
    // Looks that end in any order, and a lock between them.
    looks: async () => {
      const looks = new Looks()
      const seen = {}
      const [old, fresh] = [looks.begin(false), looks.begin(true)]
      seen.elsewhere = [looks.mayDraw(old), looks.mayDraw(fresh), looks.isFollowed(old), looks.isFollowed(fresh)]
      const [one, two] = [looks.begin(false), looks.begin(false)]
      seen.both = [looks.mayDraw(one), looks.mayDraw(two)]
      looks.drawn(two)
      seen.later = [looks.mayDraw(one), looks.mayDraw(two)]
      let during
      await looks.shut(async () => (during = looks.mayDraw(looks.begin(true)))).catch(() => {})
      seen.locked = [during, looks.mayDraw(two), looks.mayDraw(looks.begin(false))]
      await looks.shut(() => Promise.reject(new Error('no'))).catch(() => {})
      seen.failed = looks.mayDraw(looks.begin(false))
      return seen
    },
    report: ({ catalogue, facts, isFromLink }) => {
      const parts = [{ shown: ['family_name'], proven: [{ name: 'eqf_level', comparison: '>=', value: 3 }], learned: [{ name: 'birth_date', values: ['19900101'] }], candidates: [], revoked: [] }]
      return reportLines({ words: new Words(catalogue, facts) }, { isFromLink, parts, left: ['given_names'], answer: null, asker: { name: 'Big \u202eemployer', did: 'did:x:v' }, at: 0, purpose: 'study', reference: 'A-17' })
    },
    filled: ({ catalogue, facts, type, value, bare }) => {
      const words = new Words(catalogue, facts)
      return [words.say('report.reference', { reference: value }), words.say('report.reference', { reference: bare }), words.label(null, value), flat(words.values(type, [{ name: 'family_name', raw: value }])[0].text)]
    },
    // Pieces that are English are given as such.
    occupations: ({ catalogue, facts, titles, codes }) => {
      const words = new Words(catalogue, facts, titles)
      return codes.map((code) => words.inWords('qualification/1.0', 'occupation_isco08', code))
    },
    unknown_language: ({ catalogue, facts }) => {
      const words = new Words(catalogue, facts)
      return [words.day('20270531'), words.list(['a', 'b'])]
    },
    dates: ({ catalogues, facts, raw }) => Object.entries(catalogues).map(([tag, catalogue]) => [tag, new Words(catalogue, facts).day(raw)]),
  }
}
