// Draws one screen of the wallet's page as it is for these views; called by `test_wallet_screens.py` in a page without a worker.
// With `markup`, that stands wherever somebody else wrote a text: all but codes, ids and days.
async ({ tag, screen, markup }) => {
  const [{ Words }, { Screens }, offers, { questionScreen }, histories] = await Promise.all(
    ['words', 'screens', 'offer_screen', 'question_screen', 'history_screen'].map((name) => import(`/build/page/${name}.js`)),
  )
  const nothing = () => Promise.resolve()
  const actions = new Proxy({}, { get: () => nothing })
  const words = await Words.load(tag)
  const parts = new Screens(words, actions)
  const values = {
    family_name: 'Perera', given_names: '-', birth_date: '19910305', occupation_isco08: 'C7212', qualification_title: 'National Certificate <b>Welder</b>',
    framework: 'LK-NVQ', framework_level: '4', eqf_level: '4', eqf_min_4: '1', learning_setting: 'informal-rpl', country_of_award: 'LKA',
    awarded_on: '20240517', expires_on: '20290516', crosswalk_version: 'none', details: '-',
  }
  const list = Object.entries(values).map(([name, raw]) => ({ name, raw }))
  const centre = { did: 'did:webvh:x:centre.example', name: 'Colombo Welding Centre (example)' }
  const authority = 'Vocational qualifications of Sri Lanka (example)'
  const worth = { verdict: 'TRUSTED', authority, places: ['LKA', 'MLT'], level: '4' }
  const entry = { id: 'one', at: Date.UTC(2026, 10, 28), isRevoked: false, issuer: centre, type: 'qualification/1.0', values: list, worth }
  const may = (verdict, code) => ({ verdict, code, about: [] })
  const question = {
    id: 'q', state: 'asked', why: null, at: Date.UTC(2026, 10, 28), asker: { did: 'did:webvh:x:yard.example', name: 'Shipyard of Malta' }, authority,
    may: may('TRUSTED', 'verifier.may_ask'), comment: null, isFromLink: true, isTold: false, purpose: 'employment', purposes: ['employment', 'study'], beyond: [], left: [], mayLeave: false,
    registered: [{ aim: 'To hire welders for the yard', policy: 'https://yard.example/privacy', keepsDays: 30 }, { aim: null, policy: null, keepsDays: 0 }],
    reference: 'A-17/3', kept: { until: '20310501', law: 'Decree 4, art. 7', purpose: 'Proof of training' },
    parts: [{ shown: ['occupation_isco08', 'eqf_min_4', 'expires_on', 'crosswalk_version'], proven: [], learned: [], candidates: [], revoked: [] }, { shown: [], proven: [{ name: 'expires_on', comparison: '>=', value: 20270101 }], learned: [], candidates: [], revoked: [] }],
    answer: entry, chosen: 'longest', others: [{ ...entry, id: 'two' }], misfit: null,
  }
  const none = (code) => ({ ...question, answer: null, chosen: null, others: [], misfit: { code, entry: ['empty', 'attribute', 'several'].includes(code) ? null : entry, names: ['country_of_award'] } })
  const offer = { id: 'o', state: 'offered', why: null, at: 0, issuer: centre, authority, may: may('UNKNOWN', 'governance.unreachable'), isTold: false, type: 'qualification/1.0', values: list }
  const book = { entries: [entry, { ...entry, id: 'old', values: list.map((each) => (each.name === 'expires_on' ? { ...each, raw: '20200101' } : each)) }, { ...entry, id: 'gone', isRevoked: true }], offers: [{ id: 'o', state: 'offered', at: 0, type: null }, { id: 'u', state: 'unsigned', at: 0, type: 'qualification/1.0', isOver: true }, { id: 'v', state: 'withdrawn', at: 0, type: null, isOver: true }], questions: [], links: [{ id: 'w', state: 'waiting', at: 0 }, { id: 'f', state: 'failed', at: 0 }], unread: 1, isSending: true }
  const given = { question: { ...question, state: 'accepted', left: ['birth_date'] }, erasure: { at: 0, answeredAt: Date.UTC(2026, 10, 28), kept: [{ until: '20310501', law: 'Decree 4' }] } }
  const misfits = ['empty', 'revoked', 'over', 'ends', 'level', 'occupation', 'issuer', 'value', 'attribute', 'several']
  const ours = ['id', 'state', 'verdict', 'code', 'chosen', 'comparison', 'type', 'backup', 'purpose', 'purposes', 'until']
  const marked = (value, key) => {
    if (typeof value === 'string') return ours.includes(key) ? value : markup
    if (Array.isArray(value)) return [...value.map((each) => marked(each, key)), ...(value[0]?.raw ? [{ name: markup, raw: markup }] : [])]
    if (value === null || typeof value !== 'object') return value
    const isAttribute = 'raw' in value || 'values' in value || 'comparison' in value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === 'kept' && each && !Array.isArray(each) ? { ...marked(each), purpose: markup } : isAttribute && name === 'name' ? each : marked(each, name)]))
  }
  const seen = (view) => (markup ? marked(view) : view)
  const screens = {
    start: () => [parts.start(true)],
    book: () => [parts.book(seen(book), { backup: 'waiting' })],
    more: () => [parts.more('possible', { ready: 1, missing: 0, since: 0 }, true)],
    file: () => [parts.file(), parts.scan(document.createElement('video')), parts.anew()],
    offer: () => [offers.offerScreen(parts, seen(offer))],
    unsigned: () => [offers.offerScreen(parts, seen({ ...offer, state: 'unsigned' }))],
    unfit: () => [questionScreen(parts, seen(none('level')))],
    wrong: () => [offers.wrongScreen(parts, seen(offer))],
    question: () => [questionScreen(parts, seen({ ...question, comment: markup ?? null, parts: [{ ...question.parts[0], learned: [{ name: 'family_name', values: ['Perera', 'Silva'] }] }, question.parts[1]] }))],
    'too-much': () => [questionScreen(parts, seen({ ...question, may: may('NOT_TRUSTED', 'verification.attributes'), beyond: ['birth_date', 'eqf_min_4'] }))],
    // More than they may ask, but that may be left out; and a question that could be answered either way.
    less: () => [[may('NOT_TRUSTED', 'verification.attributes'), ['birth_date']], [question.may, []]].map(([judged, beyond]) => questionScreen(parts, seen({ ...question, may: judged, beyond, left: ['family_name', 'given_names', 'birth_date'], mayLeave: true }))),
    misfits: () => misfits.map((code) => questionScreen(parts, seen(none(code)))),
    history: () => [histories.historyScreen(parts, seen({ given: [given] }))],
    doors: () => [parts.code(['307364', '232018', '960442', '246657', '839281', '661691']), parts.confirm(3), parts.locked(true), parts.restore('locked'), parts.broken(), parts.elsewhere(), parts.otherTab(), parts.unset(), parts.waiting()],
    report: () => [histories.reportScreen(parts, seen(question))],
  }
  document.documentElement.lang = words.language
  document.documentElement.dir = words.direction
  const drawn = screens[screen]().flatMap(({ title, body }, index) => {
    const heading = document.createElement(index ? 'h2' : 'h1')
    heading.append(title)
    const box = document.createElement('div')
    box.append(heading, ...body.filter((child) => child))
    return [box]
  })
  document.getElementById('main').replaceChildren(...(screen === 'misfits' ? drawn.map((box) => box.querySelector('.note.bad')) : drawn))
  if (screen === 'misfits') document.getElementById('main').prepend(Object.assign(document.createElement('h1'), { textContent: document.title }))
  return document.getElementById('main').innerText
}
