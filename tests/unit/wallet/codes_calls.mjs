// Codes that follow each other; see `driver.mjs`.

export async function calls(load) {
  const { FrameCollector, framesOf, framesOfWhole } = await load('codes/frames.js')
  const hex = (bytes) => Buffer.from(bytes).toString('hex')
  const utf8 = (text) => new TextEncoder().encode(text)
  const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'))

  const { Wallet } = await load('wallet.js')
  const { MemoryStore } = await load('store.js')
  const { Views } = await load('page/views.js')
  const { UnreachableError, WalletError } = await load('errors.js')
  const { VaultKey } = await load('keeping/vault_key.js')
  const { sealBookFile } = await load('keeping/book_file.js')
  const { newRecoveryCode, recoveryGroups } = await load('keeping/recovery_code.js')

  const away = () => Promise.reject(new UnreachableError('away'))
  const nowhere = { get: away, post: away, open: away }
  const open = (rows) => {
    const store = new MemoryStore(rows.map(([kind, id, value]) => [kind, id, JSON.stringify(value)]))
    return Wallet.open(store, nowhere, { mediator: 'https://mediator.example.test/mediator', label: 'Wallet' })
  }
  const refused = (error) => {
    if (!(error instanceof WalletError)) throw error
    return error.code
  }

  return {
    // A book that a browser opens from a file, and its code.
    book_file: async ({ rows, mediator }) => {
      const code = newRecoveryCode()
      const file = await sealBookFile(await VaultKey.ofCode(code), { course: [], number: 1, isAhead: false, rows, mediator })
      return { code: recoveryGroups(code), file: hex(file) }
    },
    open_codes: async ({ request }) => (await open([])).questions.openShown(bytes(request)).then(() => 'taken', refused),
    // A wallet without any network reads requests, one after the other, and says yes to what it can; `isLess`: without what may be left out.
    answer_codes: async ({ rows, requests, isLess = false }) => {
      const wallet = await open(rows)
      const told = []
      for (const request of requests) {
        const id = await wallet.questions.openShown(bytes(request)).catch(refused)
        const view = await new Views(wallet, undefined).question(id).catch(refused)
        const said = await wallet.questions.answer(id, Object.fromEntries([...(await wallet.questions.read(id)).restrictions.keys()].map((referent) => [referent, view.answer?.id])), view.at, isLess).then(() => 'yes', refused)
        const shown = await wallet.questions.shown(id)
        const again = await wallet.questions.openShown(bytes(request))
        told.push({ id, left: view.left, asker: view.asker.did, isShown: view.isShown, isFromLink: view.isFromLink, may: view.may.verdict, said, frames: shown && (await framesOf('answer', utf8(shown))), isSame: again === id && (await wallet.questions.shown(again)) === shown })
      }
      const rowsLeft = await wallet.agent.store.list('question')
      return { told, shown: rowsLeft.filter(([, row]) => row.shown !== undefined).length, sent: (await wallet.agent.store.list('outbox')).length, ready: await new Views(wallet, undefined).ready() }
    },
    frames_of_whole: async ({ carried, whole }) => (await framesOfWhole(carried, bytes(whole))) ?? null,
    frames_of: async ({ carried, message }) => (await framesOf(carried, bytes(message))) ?? null,
    // How many bytes at a time the collector gives to what inflates, at most: a browser inflates all of them before anybody can stop it.
    inflated_at_once: async ({ frames }) => {
      const { DecompressionStream } = globalThis
      let most = 0
      globalThis.DecompressionStream = class {
        constructor(format) {
          const inner = new DecompressionStream(format)
          const count = new TransformStream({ transform: (chunk, to) => ((most = Math.max(most, chunk.length)), to.enqueue(chunk)) })
          this.writable = count.writable
          this.readable = count.readable.pipeThrough(inner)
        }
      }
      try {
        const collector = new FrameCollector('answer')
        for (const frame of frames) collector.add(frame)
        return [(await collector.message()) !== undefined, most]
      } finally {
        globalThis.DecompressionStream = DecompressionStream
      }
    },
    // What becomes of each text; the message at the end, if it is whole; and how many frames are kept then, and before.
    collect_frames: async ({ carried, texts }) => {
      const collector = new FrameCollector(carried)
      const taken = texts.map((text) => collector.add(text))
      const before = collector.have
      const message = collector.isWhole ? await collector.message() : undefined
      return { taken, before, message: message ? hex(message) : null, have: collector.have }
    },
  }
}
