// What keeps a book: recovery code, phone, sealed rows, the copy in the vault; see `driver.mjs`. The host is simulated by its rules
// (`agents/wallet_host/vaults.py`); the real one is asked in `tests/interop/test_page.py`.

import { register } from 'node:module'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { library } from './native_scrypt.mjs'

export async function calls(load) {
  register('./native_scrypt.mjs', import.meta.url)
  const codes = await load('keeping/recovery_code.js')
  const { open, seal, VaultKey } = await load('keeping/vault_key.js')
  const { MemoryShelf } = await load('keeping/shelf.js')
  const { SealedStore } = await load('keeping/sealed_store.js')
  const { Vault } = await load('keeping/vault.js')
  const { Backup } = await load('keeping/backup.js')
  const { takeOver } = await load('keeping/taking_over.js')
  const { openBookFile, readBookFile, sealBookFile } = await load('keeping/book_file.js')
  const { courseIn } = await load('keeping/course.js')
  const { isNewerThanShelf, takeFile } = await load('keeping/moving.js')
  const phone = await load('keeping/phone.js')
  const { isSigned } = await load('didcomm/keys.js')
  const { fromBase64url, base64url } = await load('base64.js')
  const { sha256 } = await import(new URL('../../../wallet/node_modules/@noble/hashes/sha2.js', import.meta.url))

  const ORIGIN = 'https://wallet.example.test'
  const KEY = VaultKey.of(Uint8Array.from({ length: 32 }, (_, index) => index))
  const gate = () => {
    let resolve
    return { promise: new Promise((open) => (resolve = open)), resolve }
  }
  const text = (bytes) => new TextDecoder('latin1').decode(bytes)
  const hex = (bytes) => Buffer.from(bytes).toString('hex')
  const failure = (work) => Promise.resolve().then(work).then(() => 'none', (error) => (typeof error.code === 'string' ? error.code : error.name))

  // One vault of one host, by the rules of the real one.
  class Host {
    constructor(origin = ORIGIN) {
      this.origin = origin
    }
    number = 0
    base = 0
    revisions = new Map()
    isDeleted = false
    isAway = false
    isBlank = false
    most = Infinity
    asked = []
    // Called with each write that was taken; whatever it throws comes in place of the answer.
    onTaken = () => {}

    fetch = async (url, { method, headers, body }) => {
      if (this.isAway) throw new TypeError('away')
      this.asked.push(method)
      const answer = (status, told = {}, bytes) => new Response(bytes ?? null, { status, headers: told })
      const tag = () => ({ ETag: `"${this.number}"` })
      if (url !== `${this.origin}/vault`) return answer(404)
      const newest = this.revisions.get(this.number)
      const isMeant = headers['Vault-Newest'] === undefined || (newest && headers['Vault-Newest'] === hex(sha256(newest)))
      const gone = () => answer(410, this.deletion ? { 'Vault-Signature': this.deletion } : {})
      if (method === 'GET') {
        if (this.isDeleted) return gone()
        if (this.isBlank || !this.number || this.key !== headers['Vault-Key']) return answer(404)
        if (isMeant && headers['If-None-Match'] === `"${this.number}"`) return answer(304, tag())
        const parts = [...this.revisions.values()].flatMap((sealed) => {
          const length = Buffer.alloc(4)
          length.writeUInt32BE(sealed.length)
          return [length, sealed]
        })
        return answer(200, { ...tag(), 'Vault-Base': String(this.base) }, Buffer.concat(parts))
      }
      const after = method === 'DELETE' ? 0 : headers['If-None-Match'] === '*' ? 0 : Number(JSON.parse(headers['If-Match']))
      const isBase = headers['Vault-Base'] === '?1'
      const what = method === 'DELETE' ? 'delete' : isBase ? 'base' : 'further'
      const sealed = Buffer.from(body ?? [])
      const signed = `wanderbuch vault 1\n${this.origin}\n${what}\n${after}\n${hex(sha256(sealed))}`
      const isTheirs = isSigned(fromBase64url(headers['Vault-Key'], 'key'), Buffer.from(signed), fromBase64url(headers['Vault-Signature'], 'signature'))
      if (!isTheirs) return answer(403)
      if (this.isDeleted) return gone()
      if (method === 'DELETE') {
        this.deletion = headers['Vault-Signature']
        this.revisions.clear()
        this.isDeleted = true
        return answer(204)
      }
      this.key ??= headers['Vault-Key']
      const same = this.number === after + 1 && this.revisions.get(this.number)?.equals(sealed)
      if (!same && (this.number !== after || !isMeant)) return answer(412, tag())
      const size = [...this.revisions.values()].reduce((sum, each) => sum + each.length, 0)
      if (!same && (isBase ? 0 : size) + sealed.length > this.most) return answer(507, tag())
      if (isBase && !same) this.revisions.clear()
      this.number = after + 1
      if (isBase || after === 0) this.base = this.number
      this.revisions.set(this.number, sealed)
      this.onTaken()
      return answer(204, tag())
    }
  }

  // A shelf whose page ends after so many writes: what was written is there, nothing comes back.
  class MortalShelf {
    constructor(shelf, last) {
      Object.assign(this, { shelf, last, steps: 0 })
      for (const name of ['rows', 'waiting', 'note']) this[name] = (...told) => (this.isOver ? new Promise(() => {}) : shelf[name](...told))
    }
    get isOver() {
      return this.steps >= this.last
    }
    async write(change) {
      if (this.isOver) return new Promise(() => {})
      await this.shelf.write(change)
      this.steps += 1
      return this.isOver ? new Promise(() => {}) : undefined
    }
    replace = (change) => this.shelf.replace(change)
  }

  async function opened(shelf, host, key = KEY) {
    const store = await SealedStore.open(shelf, key)
    const backup = await Backup.open(shelf, key, store, new Vault(ORIGIN, key, host.fetch))
    return { store, backup, guarded: backup.guarded() }
  }
  async function until(holds) {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const row = (id, value, kind = 'connection') => ({ kind, id, value })
  const rowsOf = async (store, kind = 'connection') => Object.fromEntries(await store.list(kind))
  async function elsewhere(host, key = KEY) {
    const shelf = new MemoryShelf()
    const had = await takeOver(shelf, key, new Vault(ORIGIN, key, host.fetch))
    return { had: had === 'taken', shelf, ...(await opened(shelf, host, key)) }
  }

  return {
    codes: ({ count }) =>
      Array.from({ length: count }, () => {
        const code = codes.newRecoveryCode()
        return { code, again: codes.readRecoveryCode(codes.recoveryGroups(code).join(' ')) === code }
      }),
    read_code: ({ text: typed }) => {
      try {
        return codes.readRecoveryCode(typed)
      } catch (error) {
        return error.group
      }
    },
    key_of_code: async ({ code, byLibrary }) => {
      library.isUsed = byLibrary
      const key = await VaultKey.ofCode(codes.readRecoveryCode(code)).finally(() => (library.isUsed = false))
      return { id: key.id, secret: hex(key.reveal()), shown: `${key} ${await failure(() => JSON.stringify({ key }))}`.slice(0, 20) }
    },
    phone: async () => {
      const shelf = new MemoryShelf()
      const short = await failure(() => phone.remembering(KEY, '12345'))
      await shelf.write({ notes: { phone: await phone.remembering(KEY, '246810') } })
      const wrong = await failure(() => phone.recall(shelf, '246811'))
      const right = hex((await phone.recall(shelf, ' 246810')).reveal()) === hex(KEY.reveal())
      const { device, sealed } = await shelf.note('phone')
      const exported = await failure(() => crypto.subtle.exportKey('raw', device))
      // The same rows in another browser: another device key.
      const other = await phone.remembering(KEY, '246810')
      const copied = new MemoryShelf()
      await copied.write({ notes: { phone: { ...(await shelf.note('phone')), device: other.device } } })
      const elsewhere = await failure(() => phone.recall(copied, '246810'))
      for (let turn = 0; turn < 10; turn++) await failure(() => phone.recall(shelf, '000000'))
      const after = [await phone.isRemembered(shelf), await failure(() => phone.recall(shelf, '246810'))]
      return { short, wrong, right, exported, elsewhere, after, plain: text(sealed).includes(text(KEY.reveal())) }
    },
    // A PIN that is stretched while it is typed: how often that is done, what it counts, and what opens then.
    typed: async () => {
      const shelf = new MemoryShelf()
      await shelf.write({ notes: { phone: await phone.remembering(KEY, '246810') } })
      const { deriveBits } = crypto.subtle
      let count = 0
      crypto.subtle.deriveBits = (...told) => ((count += 1), deriveBits.apply(crypto.subtle, told))
      const seen = []
      const look = async (outcome) => seen.push([outcome, count, (await shelf.note('phone')).tries])
      const opens = async (pin) => hex((await phone.recall(shelf, pin)).reveal()) === hex(KEY.reveal())
      try {
        await look(await failure(() => phone.foresee(shelf, '24681')))
        await Promise.all(['246810', '2468101', '24681012'].map((pin) => phone.foresee(shelf, pin))) // the first and the last of what is typed at once
        await look('typed')
        await phone.foresee(shelf, '246810')
        await look('typed')
        await look(await opens('246810'))
        await phone.foresee(shelf, '000000')
        await look(await opens('246810'))
        await phone.foresee(shelf, '000000')
        await look(await failure(() => phone.recall(shelf, '000000')))
      } finally {
        delete crypto.subtle.deriveBits
      }
      return seen
    },
    // What could not be stretched while it was typed is stretched when it is given, whether that failed by then or fails later.
    typed_in_vain: async () => {
      const shelf = new MemoryShelf()
      await shelf.write({ notes: { phone: await phone.remembering(KEY, '246810') } })
      const { deriveBits } = crypto.subtle
      const broken = gate()
      let count = 0
      crypto.subtle.deriveBits = (...told) => ((count += 1), count % 3 === 1 ? broken.promise : deriveBits.apply(crypto.subtle, told))
      const opens = async () => hex((await phone.recall(shelf, '246810')).reveal()) === hex(KEY.reveal())
      const seen = []
      try {
        const typed = phone.foresee(shelf, '246810').catch((error) => error.message)
        while (!count) await new Promise((resolve) => setImmediate(resolve))
        const opening = opens()
        broken.resolve(Promise.reject(new Error('no memory')))
        seen.push(await typed, await opening, count)
        await phone.foresee(shelf, '246810') // it is the third
        await phone.recall(shelf, '246810')
        seen.push(await phone.foresee(shelf, '246810').catch((error) => error.message), count)
        seen.push(await phone.foresee(shelf, '246810').then(() => 'again', (error) => error.message), await opens(), count)
      } finally {
        delete crypto.subtle.deriveBits
      }
      return seen
    },
    // By Node.js's own functions: how a phone had it sealed before, what opening that makes of it, and what a passkey beside it is worth then.
    phone_before: async () => {
      const shelf = new MemoryShelf()
      const { device } = await phone.remembering(KEY, '246810')
      const keyed = async (stretched) => new Uint8Array(await crypto.subtle.sign('HMAC', device, stretched))
      const salt = crypto.getRandomValues(new Uint8Array(16))
      const byScrypt = await keyed(scryptSync('246810', salt, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }))
      await shelf.write({ notes: { phone: { device, salt, sealed: seal(byScrypt, KEY.reveal(), 'this phone'), tries: 0 } } })
      const secret = crypto.getRandomValues(new Uint8Array(32))
      await phone.rememberPasskey(shelf, KEY, { id: salt, salt, secret })
      const isKey = async (found) => hex((await found).reveal()) === hex(KEY.reveal())
      const wrong = [await failure(() => phone.recall(shelf, '246811')), (await shelf.note('phone')).stretching ?? null]
      const first = await isKey(phone.recall(shelf, '246810'))
      const { salt: fresh, sealed, stretching, tries } = await shelf.note('phone')
      const opened = open(await keyed(pbkdf2Sync('246810', fresh, 210_000, 32, 'sha512')), sealed, 'this phone')
      const anew = [stretching, tries, hex(fresh) !== hex(salt), hex(opened) === hex(KEY.reveal())]
      return { wrong, first, anew, again: await isKey(phone.recall(shelf, '246810')), other: await failure(() => phone.recall(shelf, '246811')), passkey: await isKey(phone.recallByPasskey(shelf, secret)) }
    },
    sealed_rows: async () => {
      const shelf = new MemoryShelf()
      const store = await SealedStore.open(shelf, KEY)
      await store.write([row('did:example:centre', { name: 'Perera' }), row('b', { n: 1 }), row('o', { big: 1 }, 'object')])
      await store.write([row('b', { n: 2 }), row('did:example:centre', undefined), row('c', { n: 3 })])
      const given = await store.get('connection', 'b')
      const frozen = await failure(() => void (given.n = 9))
      const again = await SealedStore.open(shelf, KEY)
      const lying = [...(await shelf.rows()), ...(await shelf.waiting())]
      const written = JSON.stringify(lying.map((each) => [each.name, text(each.sealed)]))
      const [one, two] = await shelf.rows()
      const swapped = new MemoryShelf()
      await swapped.write({ rows: [{ ...one, sealed: two.sealed }] })
      await store.write(['d', 'e', 'f'].map((id) => row(id, { n: 4 })))
      const misplaced = new MemoryShelf()
      await misplaced.write({ rows: [{ name: 'waiting', order: 1, sealed: (await shelf.waiting()).at(-1).sealed }] })
      return {
        rows: await again.list('connection'),
        frozen,
        objects: (await again.list('object')).length,
        whole: again.whole().map(([kind]) => kind),
        tells: ['connection', 'Perera', 'did:example', 'object'].filter((word) => written.includes(word)),
        swapped: await failure(() => SealedStore.open(swapped, KEY)),
        misplaced: await failure(() => SealedStore.open(misplaced, KEY)),
        another: await failure(() => SealedStore.open(shelf, VaultKey.of(new Uint8Array(32)))),
      }
    },
    // Changes of one moment: how many timers run and what the host has, before and after the timer; and of a message that came.
    together: async () => {
      const host = new Host()
      const { backup, guarded } = await opened(new MemoryShelf(), host)
      const { setTimeout } = globalThis
      const timers = []
      globalThis.setTimeout = (step, wait) => timers.push({ step, wait })
      const told = []
      try {
        for (let n = 0; n < 5; n++) await guarded.write([row('a', { n }), row(`b${n}`, { n })])
        told.push(timers.length, timers[0].wait > 0, host.number)
        timers[0].step()
        await backup.flush()
        told.push(host.number, backup.state)
        await guarded.write([row('c', { n: 1 })])
        told.push(timers.length, host.number)
        await guarded.write([row('m', { n: 1 }, 'inbox')])
        told.push(timers.length, host.number)
        await guarded.settle()
        told.push(timers.length, host.number)
        await guarded.write([row('p', { n: 1 }, 'outbox')])
        for (const until = Date.now() + 10_000; Date.now() < until && host.number === 2; ) await new Promise((resolve) => setImmediate(resolve))
        told.push(host.number)
        // What came of a message is there once it was dealt with; that one was sent can wait, and waits for nobody.
        await guarded.write([row('m', undefined, 'inbox'), row('d', { n: 1 })])
        await backup.flush()
        await guarded.write([row('p', undefined, 'outbox')])
        const [seldom, before] = [timers.at(-1).wait, timers.length]
        await guarded.write([row('e', { n: 1 })])
        told.push(host.number, seldom, timers.length - before, timers.at(-1).wait)
      } finally {
        globalThis.setTimeout = setTimeout
      }
      return told
    },
    // Of a row that the vault has, the next revision tells what changed in it; another visit, and another phone, read it whole.
    changed: async () => {
      const host = new Host()
      const shelf = new MemoryShelf()
      const { backup, guarded } = await opened(shelf, host)
      const long = hex(crypto.getRandomValues(new Uint8Array(4000)))
      const lengths = []
      const step = async (own, ...changes) => {
        await own.guarded.write(changes)
        await own.backup.flush()
        lengths.push(host.revisions.get(host.number).length)
      }
      const one = { backup, guarded }
      await step(one, row('a', { long, state: 1, gone: 2 }))
      const [base] = [...host.revisions.values()]
      await step(one, row('a', { long, state: 3 }), row('b', { small: 1 }))
      const second = host.revisions.get(2)
      await step(one, row('a', undefined), row('b', { small: 2 }))
      await step(one, row('a', { long, state: 4 }))
      const again = await opened(shelf, host)
      await step(again, row('a', { long, state: 5 })) // who has not written it this time does not know what the vault has
      await step(again, row('a', { long, state: 6, more: [] }))
      const place = (form) => `wanderbuch revision ${form}\n${KEY.id}\n2\nfurther\n${hex(sha256(base))}`
      const forms = await Promise.all([2, 3].map((form) => failure(() => KEY.openRevision(second, place(form)))))
      const vault = new Vault(ORIGIN, KEY, host.fetch)
      const moved = await elsewhere(host)
      const rows = Object.entries(await rowsOf(moved.store)).map(([id, value]) => [id, { ...value, ...(value.long && { long: value.long === long }) }])
      // One that keeps what is not there is not ours.
      const { sealed } = await vault.seal(JSON.stringify([['connection', 'c', { n: 1 }, ['long']]]), 1, hex(sha256(base)), undefined, 3)
      const other = Object.assign(new Host(), { number: 2, base: 1, key: KEY.id, revisions: new Map([[1, base], [2, Buffer.from(sealed)]]) })
      return { isShort: lengths.map((length) => length < 1_200), rows: Object.fromEntries(rows), forms, nowhere: await failure(() => elsewhere(other)) }
    },
    moves: async () => {
      const host = new Host()
      const first = await opened(new MemoryShelf(), host)
      await first.guarded.write([row('a', { n: 1 }), row('gone', { n: 1 }), row('o', { public: 1 }, 'object')])
      await first.backup.flush()
      await first.guarded.write([row('a', { n: 2 }), row('gone', undefined), row('b', { n: 3 })])
      await first.guarded.write([row('a', { n: 4 })])
      await first.backup.flush()
      const [atHost, isRevised] = [[...host.revisions.values()].map((each) => text(each)).join(''), host.revisions.size]
      const second = await elsewhere(host)
      const late = [await failure(() => first.guarded.write([row('m', { from: 'x' }, 'inbox')]))]
      late.push(await failure(() => first.guarded.write([row('m', undefined, 'inbox'), row('p', { n: 1 }, 'outbox')])))
      late.push(await failure(() => first.guarded.settle()))
      const after = await failure(() => first.guarded.write([row('a', { n: 5 })]))
      await second.guarded.write([row('c', { n: 6 })])
      await second.backup.flush()
      return {
        isRevised,
        had: second.had,
        rows: await rowsOf(second.store),
        objects: (await second.store.list('object')).length,
        late: [...late, after, first.backup.state],
        second: [second.backup.state, host.number, host.base],
        tells: ['connection', '"n"'].some((word) => atHost.includes(word)),
        sizes: [...host.revisions.values()].map((each) => each.length % 512),
        stranger: (await elsewhere(host, VaultKey.of(new Uint8Array(32).fill(7)))).had,
      }
    },
    // Whoever has the book open writes between what the one who takes over reads and writes.
    raced: async () => {
      const host = new Host()
      const first = await opened(new MemoryShelf(), host)
      await first.guarded.write([row('a', { n: 0 })])
      await first.backup.flush()
      let turns = 0
      const fetch = async (url, init) => {
        const answer = await host.fetch(url, init)
        if (init.method === 'GET' && turns < 3) {
          turns += 1
          await first.guarded.write([row('a', { n: turns })])
          await first.backup.flush()
        }
        return answer
      }
      const shelf = new MemoryShelf()
      await takeOver(shelf, KEY, new Vault(ORIGIN, KEY, fetch))
      const second = await opened(shelf, host)
      return [turns, await rowsOf(second.store), await failure(() => first.backup.check())]
    },
    // The page ends after each write to the shelf, also just when the host has taken a revision: nothing is lost, and nobody is
    // taken for somebody else.
    ended: async () => {
      const outcomes = []
      for (let last = 1; last <= 12; last++) {
        const [host, shelf] = [new Host(), new MemoryShelf()]
        const mortal = new MortalShelf(shelf, last)
        const life = (async () => {
          const { guarded, backup } = await opened(mortal, host)
          await guarded.write([row('a', { n: 1 })])
          await backup.flush()
          await guarded.write([row('b', { n: 2 })])
          await backup.flush()
          await guarded.write([row('m', { from: 'x' }, 'inbox')])
        })()
        await Promise.race([life, new Promise((resolve) => setTimeout(function look() { mortal.isOver ? resolve() : setTimeout(look, 1) }, 1))])
        await new Promise((resolve) => setTimeout(resolve, 5)) // what was on its way to the host arrives
        const next = await opened(shelf, host)
        await next.backup.check()
        await next.backup.flush()
        const moved = await elsewhere(host)
        const same = JSON.stringify(next.store.whole()) === JSON.stringify(moved.store.whole())
        outcomes.push(`${next.backup.state} ${same}`)
      }
      return outcomes
    },
    host_knows_less: async () => {
      const host = new Host()
      const { guarded, backup, store } = await opened(new MemoryShelf(), host)
      await guarded.write([row('a', { n: 1 })])
      await backup.flush()
      const copy = { number: host.number, base: host.base, revisions: new Map(host.revisions) }
      for (const n of [2, 3]) {
        await guarded.write([row('a', { n })])
        await backup.flush()
      }
      Object.assign(host, copy)
      await backup.check()
      await backup.flush()
      const restored = await rowsOf((await elsewhere(host)).store)
      const lost = new Host()
      Object.assign(host, { number: 0, base: 0, revisions: lost.revisions })
      const next = await opened(new MemoryShelf(), host)
      await next.guarded.write([row('z', { n: 1 })])
      await next.backup.flush()
      return [restored, await rowsOf((await elsewhere(host)).store), store.whole().length]
    },
    away_full_deleted: async () => {
      const host = new Host()
      const { guarded, backup } = await opened(new MemoryShelf(), host)
      host.isAway = true
      await guarded.write([row('m', { from: 'x' }, 'inbox')]) // taken all the same: it waits
      const away = [backup.state, await failure(() => backup.flush())]
      Object.assign(host, { isAway: false, most: 2_000 })
      await backup.flush()
      const kept = backup.state
      for (let n = 0; n < 4; n++) {
        await guarded.write([row('a', { n })])
        await backup.flush()
      }
      const bases = host.base > 1
      await guarded.write([row('large', { text: Array.from(crypto.getRandomValues(new Uint8Array(4_000))).join(' ') })])
      const full = [await failure(() => backup.flush()), backup.state]
      await guarded.write([row('large', undefined)])
      await backup.flush()
      const again = backup.state
      await new Vault(ORIGIN, KEY, host.fetch).delete()
      const deleted = [await failure(() => backup.check()), backup.state, await failure(() => guarded.write([row('b', {})]))]
      return { away, kept, bases, full, again, deleted }
    },
    host_lies: async () => {
      const made = async () => {
        const host = new Host()
        const { guarded, backup } = await opened(new MemoryShelf(), host)
        for (const n of [1, 2, 3]) {
          await guarded.write([row('a', { n })])
          await backup.flush()
        }
        return host
      }
      const lies = {
        altered: (host) => (host.revisions.get(2)[40] ^= 1),
        reordered: (host) => (host.revisions = new Map([[1, host.revisions.get(1)], [2, host.revisions.get(3)], [3, host.revisions.get(2)]])),
        'one in the middle left out': (host) => host.revisions.delete(2),
        'the base left out': (host) => (host.revisions.delete(1), (host.base = 2)),
        'another number': (host) => (host.number = 7),
        'another base': (host) => (host.base = 2),
        cut: (host) => host.revisions.set(3, host.revisions.get(3).subarray(0, 20)),
      }
      const outcomes = {}
      for (const [name, lie] of Object.entries(lies)) {
        const host = await made()
        lie(host)
        outcomes[name] = await failure(() => elsewhere(host))
      }
      return outcomes
    },
    long_life: async ({ steps }) => {
      const host = new Host()
      const { guarded, backup, store } = await opened(new MemoryShelf(), host)
      let [most, bases] = [0, new Set()]
      for (let n = 0; n < steps; n++) {
        await guarded.write([row(`r${n % 7}`, { n })])
        await backup.flush()
        most = Math.max(most, host.revisions.size)
        bases.add(host.base)
      }
      const moved = await elsewhere(host)
      return { most, bases: bases.size, same: JSON.stringify(moved.store.whole()) === JSON.stringify(store.whole()) }
    },
    // Two phones with one host and no network else: what the page of each is told.
    sessions: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      globalThis.fetch = (url, init) => host.fetch(url, init)
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      const phoneOf = async (shelf) => Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
      const seen = []
      const note = (name, ...told) => seen.push([name, ...told])
      try {
        const [here, there] = [new MemoryShelf(), new MemoryShelf()]
        const one = await phoneOf(here)
        note('new', one.status().phase, await failure(() => one.book()), await failure(() => one.create({ pin: '246810' })))
        const linksOf = async (session) => (await session.book()).links.map(({ state }) => state)
        const code = one.newCode().join(' ')
        note('short', await failure(() => one.create({ pin: '2468' })), one.status().phase)
        await one.create({ pin: '246810' })
        await until(() => host.number === 1)
        note('made', one.status().phase, (await one.book()).entries.length, await one.follow({ address: 'https://centre.example.test/i/1' }))
        await one.lock()
        note('locked', one.status().phase, await failure(() => one.book()), await failure(() => one.unlock({ pin: '000000' })))
        const again = await phoneOf(here)
        await again.unlock({ pin: '246810' })
        note('next visit', again.status().phase, await linksOf(again))

        const two = await phoneOf(there)
        note('no book', await failure(() => two.restore({ code: codes.newRecoveryCode(), pin: '135790' })), two.status().phase)
        await two.restore({ code, pin: '135790' })
        note('moved', two.status().phase, await linksOf(two))
        for (const { id } of (await two.book()).links) await two.dropLink({ id })
        note('put away', await linksOf(two))
        if (again.status().phase === 'open') {
          // On a slow machine its retry of the link has met the vault by now, and learnt it so.
          await again.lock()
          await again.unlock({ pin: '246810' })
        }
        note('overtaken', again.status().phase, await failure(() => again.book()))
        await again.useHere()
        note('taken back', again.status().phase)
        const [shut, wrong] = [await failure(() => again.history()), await failure(() => again.openHistory({ pin: '000000' }))]
        await again.openHistory({ pin: '246810' })
        const { given } = await again.history()
        again.closeHistory()
        note('history', shut, wrong, given.length, await failure(() => again.history()), await failure(() => again.erase({ id: 'x' })), again.status().phase)
        await two.lock()
        await two.unlock({ pin: '135790' })
        note('overtaken in turn', two.status().phase)
        const other = new MemoryShelf()
        await (await SealedStore.open(other, VaultKey.of(new Uint8Array(32).fill(9)))).write([row('a', { n: 1 })])
        await other.write({ notes: { vault: { number: 0, further: 0, bytes: 0, baseBytes: 0 } } })
        const shared = await phoneOf(other)
        note("somebody else's", shared.status().phase, await failure(() => shared.restore({ code, pin: '135790' })), (await other.rows()).length)
        host.isAway = true
        await again.lock()
        await again.unlock({ pin: '246810' })
        await until(() => again.status().backup === 'kept') // nothing waits
        note('host away', again.status().phase, again.status().backup, await failure(() => again.deleteBook()), again.status().phase)
        host.isAway = false
        await again.deleteBook()
        note('deleted', again.status().phase, (await here.rows()).length, await phone.isRemembered(here), host.revisions.size)
        const last = await phoneOf(there)
        await last.unlock({ pin: '135790' })
        note('and there', last.status().phase, (await there.rows()).length)
        for (const each of [one, again, two, last]) each.leave()
      } finally {
        globalThis.fetch = before
      }
      return seen
    },
    // What came of somebody's message is told as soon as it is here; what goes out then waits for the vault.
    told_before: async () => {
      const host = new Host()
      const shelf = new MemoryShelf()
      const held = gate()
      const seen = []
      const fetch = async (url, init) => {
        if (init.method === 'PUT') await held.promise
        const answer = await host.fetch(url, init)
        if (init.method === 'PUT') seen.push('vault')
        return answer
      }
      const { guarded } = await opened(shelf, { fetch })
      const written = guarded.write([row('m', undefined, 'inbox'), row('q', { state: 'accepted' }, 'question')], () => seen.push('here'))
      await until(() => seen.length === 1)
      const settled = guarded.settled().then(() => seen.push('may go out'))
      await new Promise((resolve) => setTimeout(resolve, 20))
      held.resolve()
      await Promise.all([written, settled])
      return seen
    },
    // What came of somebody's message is here, and the vault says that another phone has the book: nothing of it goes out.
    told_in_vain: async () => {
      const host = new Host()
      const shelf = new MemoryShelf()
      const held = gate()
      let isHeld = false
      const fetch = async (url, init) => {
        if (isHeld && init.method === 'PUT') await held.promise
        return host.fetch(url, init)
      }
      const { guarded, backup } = await opened(shelf, { fetch })
      await guarded.write([row('a', { n: 1 })])
      await backup.flush()
      await takeOver(new MemoryShelf(), KEY, new Vault(ORIGIN, KEY, host.fetch), {})
      isHeld = true
      let isHere = false
      const written = failure(() => guarded.write([row('m', undefined, 'inbox'), row('q', { state: 'asked' }, 'question')], () => (isHere = true)))
      await until(() => isHere)
      const outcome = failure(() => guarded.settled())
      held.resolve()
      return [await written, await outcome, await failure(() => guarded.settled())]
    },
    // What was typed is gone once the book is locked, opened by a passkey, or refused; and a minute after the last key.
    typed_forgotten: async () => {
      const { Session } = await load('page/session.js')
      const host = new Host()
      const before = globalThis.fetch
      const later = globalThis.setTimeout
      const { deriveBits } = crypto.subtle
      let count = 0
      globalThis.fetch = host.fetch
      const away = async () => {
        throw new UnreachableError('away')
      }
      const { UnreachableError } = await load('errors.js')
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      const shelf = new MemoryShelf()
      const seen = []
      const stretchedFor = async (name, pin) => {
        count = 0
        const outcome = await failure(() => phone.recall(shelf, pin))
        seen.push([name, outcome, count])
      }
      try {
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        one.newCode()
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        crypto.subtle.deriveBits = (...told) => ((count += 1), deriveBits.apply(crypto.subtle, told))
        await one.typed({ pin: '246810' })
        await stretchedFor('at hand', '246810')
        await one.typed({ pin: '246810' })
        await one.lock()
        await stretchedFor('locked', '246810')
        await one.typed({ pin: '246810' })
        await failure(() => phone.recallByPasskey(shelf, new Uint8Array(32)))
        await stretchedFor('passkey', '246810')
        // Asked to open before its stretching has begun: nothing begins after that.
        const note = shelf.note.bind(shelf)
        const slow = gate()
        let isFirst = true
        shelf.note = async (name) => {
          if (isFirst) {
            isFirst = false
            await slow.promise
          }
          return note(name)
        }
        const typing = one.typed({ pin: '246810' })
        await stretchedFor('at once', '246810')
        slow.resolve()
        await typing
        await stretchedFor('too late', '246810')
        let minute
        globalThis.setTimeout = (run, wait, ...rest) => (wait === 60_000 ? void (minute = run) : later(run, wait, ...rest))
        await one.typed({ pin: '246810' })
        minute()
        await stretchedFor('a minute', '246810')
        one.leave()
      } finally {
        globalThis.fetch = before
        globalThis.setTimeout = later
        delete crypto.subtle.deriveBits
      }
      return seen
    },
    // What is asked for while a PIN is typed, by how often rows were read and the vault was asked: at once, and until the book was open.
    asked_while_typing: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const [before, now] = [globalThis.fetch, Date.now]
      let [asked, read, ahead] = [0, 0, 0]
      globalThis.fetch = (url, init) => ((asked += init.method === 'GET' ? 1 : 0), host.fetch(url, init))
      Date.now = () => now() + ahead
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      const shelf = new MemoryShelf()
      const rows = shelf.rows.bind(shelf)
      shelf.rows = () => ((read += 1), rows())
      const seen = []
      try {
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        const code = one.newCode().join(' ')
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        const opened = async (name, pin, step) => {
          await one.lock()
          ;[asked, read] = [0, 0]
          // While the lock still tells the vault something, nothing is asked.
          await until(() => (step !== null && asked === 0 && void one.rehearse(), step === null || asked === 1))
          const typed = [read, asked]
          await step?.()
          seen.push([name, ...typed, await failure(() => one.unlock({ pin })), read, asked, one.status().phase])
        }
        await opened('not typed', '246810', null)
        await opened('typed', '246810', async () => one.rehearse())
        await opened('wrong', '000000', async () => {})
        await one.unlock({ pin: '246810' })
        await opened('later', '246810', async () => void (ahead += 10_001))
        // Another phone takes over while the PIN is typed: whoever writes next learns it.
        await opened('overtaken', '246810', async () => {
          const two = await Session.begin(new MemoryShelf(), { get: away, post: away, open: away }, settings, () => {})
          await two.restore({ code, pin: '135790' })
          two.leave()
        })
        await failure(() => one.follow({ address: 'https://centre.example.test/i/1' }))
        await until(() => one.status().phase === 'elsewhere')
        one.leave()
      } finally {
        globalThis.fetch = before
        Date.now = now
      }
      return seen
    },
    // A link that a worker came by, when the book turned out to be elsewhere: using it here again later does not follow it.
    link_of_before: async () => {
      const { Session } = await load('page/session.js')
      const { simulated } = await import('./simulated.mjs')
      const { World } = await simulated(load)
      const { mediator } = new World()
      const host = new Host()
      const before = globalThis.fetch
      globalThis.fetch = host.fetch
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: true, governance: null }
      const seen = []
      const phoneOf = async (shelf) => {
        const world = new World()
        world.mediator = mediator
        const get = (url) => {
          if (!url.includes('centre')) return world.get(url)
          seen.push(url)
          return Promise.reject(new UnreachableError('away'))
        }
        return Session.begin(shelf, { get, post: (...told) => world.post(...told), open: (...told) => world.open(...told) }, settings, () => {})
      }
      const { UnreachableError } = await load('errors.js')
      try {
        const [one, two] = [await phoneOf(new MemoryShelf()), await phoneOf(new MemoryShelf())]
        const code = one.newCode().join(' ')
        await one.create({ pin: '246810' })
        await until(() => one.status().isOnline && one.status().backup === 'kept')
        await one.lock()
        await one.unlock({ pin: '246810', address: 'https://centre.example.test/i/1' })
        await until(() => seen.length === 1)
        await until(() => one.status().isOnline)
        await one.lock()
        await two.restore({ code, pin: '246810' })
        two.leave()
        await one.unlock({ pin: '246810', address: 'https://centre.example.test/i/2' })
        const phase = one.status().phase
        await one.useHere()
        await until(() => one.status().isOnline)
        await new Promise((resolve) => setTimeout(resolve, 20))
        const after = one.status().phase
        one.leave()
        return [phase, after, seen]
      } finally {
        globalThis.fetch = before
      }
    },
    // A socket that the browser does not let be opened; one that is closed before anybody wants it; one that is taken.
    early_socket: async () => {
      const { EarlySocket } = await load('early_socket.js')
      const before = globalThis.WebSocket
      const closed = []
      const url = 'wss://mediator.example.test/'
      try {
        globalThis.WebSocket = class {
          static OPEN = 1
          constructor() {
            throw new DOMException('not by the policy of the page', 'SecurityError')
          }
        }
        const refused = new EarlySocket(url).take(url) === undefined
        globalThis.WebSocket = class {
          static OPEN = 1
          readyState = 1
          close() {
            closed.push(1)
          }
        }
        const lost = new EarlySocket(url)
        lost.close()
        const taken = new EarlySocket(url)
        const socket = taken.take(url)
        taken.close()
        return [refused, lost.take(url) === undefined, socket?.readyState, closed.length]
      } finally {
        globalThis.WebSocket = before
      }
    },
    // What is done while a PIN is stretched: the vault is asked once; what the PIN opens is asked for after the try was counted.
    while_stretched: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      const seen = []
      globalThis.fetch = (url, init) => (seen.push(init.method), host.fetch(url, init))
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      const shelf = new MemoryShelf()
      const write = shelf.write.bind(shelf)
      shelf.write = async (change) => {
        const tries = change.notes?.phone?.tries
        if (tries !== undefined) seen.push(`tries ${tries}`)
        return write(change)
      }
      try {
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        one.newCode()
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        await one.lock()
        const outcomes = []
        for (const pin of ['000000', '246810']) {
          seen.length = 0
          const outcome = await failure(() => one.unlock({ pin }))
          outcomes.push([outcome, one.status().phase, seen.slice()])
        }
        one.leave()
        return outcomes
      } finally {
        globalThis.fetch = before
      }
    },
    // Whatever is under way when a phase ends: it ends without an effect.
    closed: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      let held
      globalThis.fetch = async (url, init) => {
        const answer = await host.fetch(url, init)
        if (held && init.method === held.method) {
          held.came()
          await held.until
        }
        return answer
      }
      const hold = (method) => {
        const [came, until] = [gate(), gate()]
        held = { method, came: came.resolve, until: until.promise }
        return { came: came.promise, go: () => ((held = undefined), until.resolve()) }
      }
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      const shelf = new MemoryShelf()
      const phoneOf = async () => Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
      const seen = []
      try {
        const one = await phoneOf()
        const code = one.newCode().join(' ')
        await one.lock()
        seen.push(['a code is shown', one.status().phase])
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        one.leave()
        await one.lock()
        seen.push(['another tab has it', one.status().phase, await failure(() => one.unlock({ pin: '246810' }))])
        for (const [name, step] of [['unlock', (tab) => tab.unlock({ pin: '246810' })], ['restore', (tab) => tab.restore({ code, pin: '246810' })]]) {
          const tab = await phoneOf()
          const { came, go } = hold('GET')
          const done = failure(() => step(tab))
          await came
          tab.leave()
          go()
          seen.push([name, await done, tab.status().phase, await failure(() => tab.book())])
        }
        const two = await phoneOf()
        seen.push(['twice at once', await Promise.all([1, 2].map(() => failure(() => two.unlock({ pin: '246810' })))), two.status().phase])
        // Locked while the book is deleted: whichever is first, nobody is left with half of it.
        const locked = two.lock()
        seen.push(['locked', await failure(() => two.deleteBook()), await locked, two.status().phase, host.isDeleted])
      } finally {
        globalThis.fetch = before
      }
      // A tab that lost the book writes nothing more, neither here nor there, whatever is on its way.
      const shared = new MemoryShelf()
      const other = new Host()
      const late = gate()
      const came = gate()
      const slow = { fetch: async (url, init) => {
        const answer = await other.fetch(url, init)
        came.resolve()
        await late.promise
        return answer
      } }
      const lost = await opened(shared, slow)
      await lost.guarded.write([row('a', { n: 1 })])
      const sent = failure(() => lost.backup.flush())
      await came.promise
      lost.backup.stop()
      const next = await opened(shared, other)
      await next.guarded.write([row('b', { n: 2 })])
      late.resolve()
      const ends = [await sent, await failure(() => lost.guarded.write([row('c', { n: 3 })])), other.asked.length]
      await next.backup.flush()
      const moved = await elsewhere(other)
      seen.push(['writes', ...ends, next.backup.state, await rowsOf(next.store), await rowsOf(moved.store)])
      return seen
    },
    // The host forgets for a while, and knows again: what it gives then tells whose it is.
    host_blinks: async () => {
      const outcomes = []
      const state = (host) => ({ number: host.number, base: host.base, revisions: new Map(host.revisions) })
      for (const [name, meanwhile, isElsewhere] of [
        ['once', async () => {}],
        ['with a write', async ({ guarded, backup }, host) => {
          host.isBlank = false
          Object.assign(host, { number: 0, base: 0, revisions: new Map() })
          await guarded.write([row('b', { n: 1 })])
          await backup.flush()
        }],
        ['with another phone', async () => {}, true],
      ]) {
        const host = new Host()
        const shelf = new MemoryShelf()
        const one = await opened(shelf, host)
        for (let n = 0; n < 5; n++) {
          await one.guarded.write([row('a', { n })])
          await one.backup.flush()
        }
        if (isElsewhere) await elsewhere(host)
        const before = state(host)
        host.isBlank = true
        await one.backup.check()
        await meanwhile(one, host)
        Object.assign(host, before, { isBlank: false })
        const next = await opened(shelf, host) // also at the next visit
        const code = await failure(async () => (await next.backup.check(), next.backup.flush()))
        outcomes.push([name, code, next.backup.state, await rowsOf((await elsewhere(host)).store)])
      }
      return outcomes
    },
    // Two courses of one book, after a host was restored, do not open as one.
    mixed: async () => {
      const host = new Host()
      const { guarded, backup } = await opened(new MemoryShelf(), host)
      const write = async (n) => {
        await guarded.write([row('a', { n })])
        await backup.flush()
      }
      for (const n of [1, 2]) await write(n)
      const copy = { number: host.number, base: host.base, revisions: new Map(host.revisions) }
      for (const n of [3, 4, 5]) await write(n)
      const [four, five] = [host.revisions.get(4), host.revisions.get(5)]
      Object.assign(host, copy)
      await backup.check()
      await write(6)
      const [number, base] = [host.number, host.base]
      Object.assign(host, { number: 5, revisions: new Map([...host.revisions, [4, four], [5, five]]) })
      return [number, base, await failure(() => elsewhere(host))]
    },
    // A host came back from an older copy, and another phone went on there to the very number that this one knows.
    same_number: async () => {
      const told = []
      for (const isLooked of [true, false]) {
        const host = new Host()
        const one = await opened(new MemoryShelf(), host)
        const write = async (phone, n) => {
          await phone.guarded.write([row('a', { n })])
          await phone.backup.flush()
        }
        await write(one, 1)
        const copy = { number: host.number, base: host.base, revisions: new Map(host.revisions) }
        await write(one, 2)
        await write(one, 3)
        Object.assign(host, copy)
        const other = await elsewhere(host)
        await write(other, 10)
        const [number, same] = [host.number, one.backup.number]
        const found = await failure(() => (isLooked ? one.backup.check() : write(one, 4)))
        await write(other, 11)
        told.push([number === same, found, one.backup.state, await rowsOf((await elsewhere(host)).store)])
      }
      return told
    },
    // What a phone took that was overtaken meanwhile, and a host that has gone back.
    used_here: async () => {
      const host = new Host()
      const shelf = new MemoryShelf()
      const one = await opened(shelf, host)
      await one.guarded.write([row('a', { n: 1 }), row('file', { version: 1 }, 'seen')])
      await one.backup.flush()
      host.isAway = true
      await one.guarded.write([row('c', { signed: 1 }, 'credential'), row('a', { n: 2 }), row('file', { version: 2 }, 'seen')])
      await failure(() => one.backup.flush())
      host.isAway = false
      const two = await elsewhere(host)
      await two.guarded.write([row('a', { n: 3 })])
      await two.backup.flush()
      const late = await failure(() => one.backup.check())
      one.backup.stop()
      const taken = await takeOver(shelf, KEY, new Vault(ORIGIN, KEY, host.fetch))
      const { store, backup, guarded } = await opened(shelf, host)
      const rows = [await rowsOf(store), await rowsOf(store, 'credential'), await rowsOf(store, 'seen')]
      const same = JSON.stringify((await elsewhere(host)).store.whole()) === JSON.stringify(store.whole())
      // A host that knows less has nothing to take.
      await failure(() => backup.check())
      const gone = new Host()
      const old = await opened(new MemoryShelf(), gone)
      await old.guarded.write([row('old', { n: 1 })])
      await old.backup.flush()
      const older = await takeOver(shelf, KEY, new Vault(ORIGIN, KEY, gone.fetch))
      return [late, taken, rows, same, older, Object.keys(await rowsOf((await opened(shelf, gone)).store)), gone.number]
    },
    // Nobody but who has the key deletes a book, and nothing comes after its deletion.
    deletions: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      const [came, late] = [gate(), gate()]
      let isHeld = true
      globalThis.fetch = async (url, init) => {
        if (init.method === 'PUT' && isHeld) {
          came.resolve()
          await late.promise
        }
        return host.fetch(url, init)
      }
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      try {
        const shelf = new MemoryShelf()
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        one.newCode()
        await one.create({ pin: '246810' })
        await came.promise
        const deleted = one.deleteBook()
        late.resolve()
        await deleted
        const order = host.asked.filter((method) => method !== 'GET')
        one.newCode()
        Object.assign(host, { isDeleted: false, deletion: undefined, number: 0, key: undefined })
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        await one.lock()
        const told = []
        for (const deletion of [undefined, 'A'.repeat(86), KEY.sign('delete')]) {
          Object.assign(host, { isDeleted: true, deletion })
          told.push([await failure(() => one.unlock({ pin: '246810' })), one.status().phase])
        }
        host.isDeleted = false
        await one.unlock({ pin: '246810' })
        return [order, told, one.status().phase, one.leave() ?? null]
      } finally {
        globalThis.fetch = before
      }
    },
    // A code and a PIN that are lost: a new book may begin on this phone. A code of another book is never taken for this one's.
    anew: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      globalThis.fetch = (url, init) => host.fetch(url, init)
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      try {
        const shelf = new MemoryShelf()
        await shelf.write({ notes: { vault: { vault: KEY.id, number: 3, further: 0, bytes: 0, baseBytes: 0 } } })
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        const phase = one.status().phase
        const other = await failure(() => one.restore({ code: codes.newRecoveryCode(), pin: '246810' }))
        const left = (await shelf.note('vault')).vault === KEY.id
        one.newCode()
        await one.create({ pin: '246810' })
        const made = (await shelf.note('vault')).vault
        const told = [phase, other, left, one.status().phase, made !== KEY.id && made.length]
        // Nor does whoever has forgotten a PIN have to try ten wrong ones first.
        await one.lock()
        const locked = one.status().phase
        one.newCode()
        await one.create({ pin: '135790' })
        return [...told, locked, one.status().phase, (await shelf.note('vault')).vault !== made, one.leave() ?? null]
      } finally {
        globalThis.fetch = before
      }
    },
    // What is written in the last moment before a lock: is it in the vault, while the phone is locked? Then where the host hangs, and where
    // another tab takes the book while it is sent.
    lock_sends: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      let hanging
      globalThis.fetch = async (url, init) => {
        if (hanging && init.method === 'PUT') {
          hanging.came.resolve()
          await hanging.until.promise
        }
        return host.fetch(url, init)
      }
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      try {
        const shelf = new MemoryShelf()
        const one = await Session.begin(shelf, { get: away, post: away, open: away }, settings, () => {})
        const code = one.newCode().join(' ')
        await one.create({ pin: '246810' })
        await until(() => one.status().backup === 'kept')
        const key = await VaultKey.ofCode(codes.readRecoveryCode(code))
        // As a step of the book writes: a row, and its copy that waits.
        const writes = async (id) => shelf.write({ rows: [], waiting: key.sealRow(JSON.stringify([row(id, { n: 1 })].map(({ kind, id, value }) => [kind, id, value])), 'waiting') })
        const seen = []
        await writes('late')
        const number = host.number
        await one.lock()
        const phase = one.status().phase
        await until(() => host.number > number)
        await one.unlock({ pin: '246810' })
        seen.push([phase, (await shelf.waiting()).length, one.status().phase])
        // The host hangs: the lock does not, and another tab takes the book meanwhile.
        hanging = { came: gate(), until: gate() }
        await until(() => one.status().backup === 'kept')
        await writes('hung')
        await one.lock()
        await hanging.came.promise
        const asked = host.asked.length
        seen.push([one.status().phase, await failure(() => one.book())])
        one.leave()
        hanging.until.resolve()
        hanging = undefined
        await until(() => host.asked.length > asked)
        await new Promise((resolve) => setTimeout(resolve, 20))
        const { sending } = await shelf.note('vault')
        seen.push([one.status().phase, sending !== undefined, (await shelf.waiting()).length])
        return seen
      } finally {
        globalThis.fetch = before
      }
    },
    // A view that is being looked up while the book is locked, and one of an open book.
    locked_views: async () => {
      const { Session } = await load('page/session.js')
      const { UnreachableError } = await load('errors.js')
      const host = new Host()
      const before = globalThis.fetch
      globalThis.fetch = (url, init) => host.fetch(url, init)
      const away = async () => {
        throw new UnreachableError('away')
      }
      const settings = { name: 'Wallets', origin: ORIGIN, mediator: 'https://mediator.example.test/mediator', direct: false, governance: null }
      try {
        const one = await Session.begin(new MemoryShelf(), { get: away, post: away, open: away }, settings, () => {})
        one.newCode()
        await one.create({ pin: '246810' })
        await one.openHistory({ pin: '246810' })
        const open = [await failure(() => one.book()), await failure(() => one.history())]
        const late = [failure(() => one.book()), failure(() => one.history())]
        await one.lock()
        return [open, await Promise.all(late), one.leave() ?? null]
      } finally {
        globalThis.fetch = before
      }
    },
    // Files that are none, cut, too large, unreadable, of another book, or changed by one bit.
    bad_files: async () => {
      const file = await sealBookFile(KEY, { course: [], number: 1, isAhead: false, rows: [['credential', 'c', { name: 'Perera' }]], mediator: 'one' })
      const other = VaultKey.of(new Uint8Array(32).fill(9))
      const why = (bytes, key = KEY) => failure(async () => openBookFile(key, await readBookFile(bytes instanceof Uint8Array ? new Blob([bytes]) : bytes)))
      const changed = file.slice()
      changed[changed.length - 300] ^= 1
      const unread = { size: 9, arrayBuffer: async () => Promise.reject(new DOMException('gone', 'NotReadableError')) }
      return {
        whole: await why(file),
        tells: ['Perera', 'credential', KEY.id].filter((word) => text(file).includes(word)),
        picture: await why(new TextEncoder().encode('GIF89a wanderbuch book 1\n')),
        empty: await why(new Uint8Array()),
        head: await why(file.subarray(0, 40)),
        cut: await why(file.subarray(0, -1)),
        longer: await why(Buffer.concat([file, Buffer.from([0])])),
        large: await why({ size: 2 ** 40 }),
        unread: await why(unread),
        other: await why(file, other),
        changed: await why(changed),
      }
    },
    moves_by_file: async () => {
      const [a, b, c] = ['a', 'b', 'c'].map((name) => new Host(`https://${name}.example.test`))
      const vaultAt = (host) => new Vault(host.origin, KEY, host.fetch)
      const openedAt = async (shelf, host) => {
        const store = await SealedStore.open(shelf, KEY)
        const backup = await Backup.open(shelf, KEY, store, vaultAt(host))
        return { shelf, store, backup, guarded: backup.guarded() }
      }
      const saved = async ({ shelf, store, backup }, mediator = 'one') => {
        const rows = store.whole()
        const file = await sealBookFile(KEY, { course: courseIn(rows), number: backup.number, isAhead: (await shelf.waiting()).length > 0, rows, mediator })
        return openBookFile(KEY, await readBookFile(new Blob([file])))
      }
      const taken = async (file, host, shelf = new MemoryShelf()) => [await takeFile(shelf, KEY, vaultAt(host), file, 'two', {}, () => {}), shelf]
      const told = {}
      const one = await openedAt(new MemoryShelf(), a)
      await one.guarded.write([row('a', { n: 1 }), row('granted', { at: 'one' }, 'mediator'), row('o', { big: 1 }, 'object')])
      await one.backup.flush()
      const old = await saved(one)
      told['its own host'] = [(await taken(old, a))[0], await isNewerThanShelf(old, one.shelf, KEY)]
      await one.guarded.write([row('a', { n: 2 })])
      await one.backup.flush()
      a.isAway = true
      await one.guarded.write([row('c', { signed: 1 }, 'credential')])
      await failure(() => one.backup.flush())
      const ahead = await saved(one)
      told['host gone'] = await failure(() => taken(ahead, a))
      // Another host, with another mediator; the same file again, and an older one, change nothing there.
      const [came, shelf] = await taken(ahead, b)
      const two = await openedAt(shelf, b)
      told['another host'] = [came, b.number, await rowsOf(two.store), await rowsOf(two.store, 'credential'), await rowsOf(two.store, 'mediator'), await rowsOf(two.store, 'object')]
      await two.guarded.write([row('a', { n: 3 })])
      await two.backup.flush()
      told['again'] = [(await taken(ahead, b))[0], (await taken(old, b))[0], b.number, await rowsOf((await openedAt((await taken(old, c))[1], c)).store)]
      // Saved there, it goes on at the first host, which is back: whoever has the book there learns it.
      a.isAway = false
      const back = await openedAt((await taken(await saved(two), a))[1], a)
      told['back'] = [await rowsOf(back.store), await failure(() => one.backup.flush()), one.backup.state]
      // From one file at two hosts: nothing is chosen.
      told['apart'] = await failure(async () => taken(await saved(await openedAt((await taken(ahead, new Host('https://d.example.test')))[1], c)), b))
      return told
    },
    // A host that lost everything: the phone that has more numbers does not write over who opened a file there.
    file_after_a_loss: async () => {
      const host = new Host()
      const one = await opened(new MemoryShelf(), host)
      for (const n of [1, 2, 3]) {
        await one.guarded.write([row('a', { n })])
        await one.backup.flush()
      }
      const rows = one.store.whole()
      const file = { course: [], number: 3, isAhead: false, rows, mediator: 'one' }
      one.backup.stop()
      Object.assign(host, { number: 0, base: 0, revisions: new Map() })
      const shelf = new MemoryShelf()
      const came = await takeFile(shelf, KEY, new Vault(ORIGIN, KEY, host.fetch), file, 'one', {}, () => {})
      const two = await opened(shelf, host)
      await two.guarded.write([row('b', { n: 1 })])
      await two.backup.flush()
      const standing = { vault: KEY.id, number: 3, digest: 'of its third', further: 2, bytes: 0, baseBytes: 0 }
      const first = new MemoryShelf()
      await first.replace({ rows: SealedStore.sealed(KEY, rows), notes: { vault: standing } })
      const again = await opened(first, host)
      await again.guarded.write([row('c', { n: 1 }, 'credential')])
      const late = await failure(() => again.backup.check())
      const number = host.number
      again.backup.stop()
      const taken = await takeOver(first, KEY, new Vault(ORIGIN, KEY, host.fetch))
      const after = await opened(first, host)
      return [came, late, number, taken, await rowsOf(after.store), await rowsOf(after.store, 'credential'), await failure(() => two.backup.check())]
    },
    // A passkey beside the PIN: its own secret opens, no other, and never once the phone has forgotten. Digits count by their value.
    passkeys: async () => {
      const shelf = new MemoryShelf()
      const [secret, other] = [1, 2].map((byte) => new Uint8Array(32).fill(byte))
      const place = { id: new Uint8Array([7]), salt: new Uint8Array(32) }
      const by = (told) => phone.recallByPasskey(shelf, told).then((key) => key.id === KEY.id, (error) => error.code)
      const { passkeyAt } = await load('page/door.js')
      const seen = [await by(secret), await passkeyAt(shelf)]
      await shelf.write({ notes: { phone: await phone.remembering(KEY, '246810') } })
      seen.push(await by(secret), await passkeyAt(shelf))
      const both = [phone.recall(shelf, '135790').catch((error) => error.left), phone.rememberPasskey(shelf, KEY, { ...place, secret })]
      seen.push((await Promise.all(both))[0], (await shelf.note('phone')).tries, Object.keys(await passkeyAt(shelf)))
      seen.push(await by(secret), await by(other), await by(secret.subarray(1)))
      seen.push((await phone.recall(shelf, '٢٤٦٨١٠')).id === KEY.id, await by(secret))
      const kept = await shelf.note('phone')
      const moved = new MemoryShelf()
      await moved.write({ notes: { phone: { ...kept, device: (await phone.remembering(KEY, '246810')).device } } })
      seen.push(await phone.recallByPasskey(moved, secret).catch((error) => error.code))
      await phone.rememberPasskey(shelf, KEY, null)
      seen.push(await by(secret), (await phone.recall(shelf, '246810')).id === KEY.id)
      await shelf.write({ notes: { phone: { ...kept, tries: 9 } } })
      await phone.recall(shelf, '135790').catch(() => undefined)
      seen.push(await by(secret))
      return seen
    },
    // Tries at once, and a page that ended just after the last one was counted.
    tries: async () => {
      const shelf = new MemoryShelf()
      const remembered = await phone.remembering(KEY, '246810')
      await shelf.write({ notes: { phone: { ...remembered, tries: 6 } } })
      const left = (error) => error.left
      const tries = await Promise.all(['1', '2', '3'].map((digit) => phone.recall(shelf, digit.repeat(6)).then(() => 'opened', left)))
      const counted = (await shelf.note('phone')).tries
      await shelf.write({ notes: { phone: { ...remembered, tries: 10 } } })
      return [tries, counted, await phone.recall(shelf, '246810').then(() => 'opened', left), await phone.isRemembered(shelf)]
    },
    signs: ({ what, after, sealed }) => ({ id: KEY.id, origin: ORIGIN, signature: base64url(fromBase64url(KEY.sign(`wanderbuch vault 1\n${ORIGIN}\n${what}\n${after}\n${hex(sha256(Buffer.from(sealed, 'hex')))}`), 's')) }),
  }
}
