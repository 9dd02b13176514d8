// Calls about JSON, keys and envelopes; see `driver.mjs`.

export async function calls(load) {
  const { Received } = await load('received.js')
  const { readStrictJson } = await load('strict_json.js')
  const base64 = await load('base64.js')
  const keys = await load('didcomm/keys.js')
  const { pack, unpack } = await load('didcomm/envelope.js')
  const { compacted, expanded } = await load('didcomm/compact.js')
  const { packed, unpacked, withTail } = await load('didcomm/packed.js')

  const keyOf = (seed) => keys.SecretKey.unseal(new Received(seed, 'secret key'))
  return {
    new_key: () => {
      const key = keys.SecretKey.random()
      return { seed: key.seal(), verkey: key.verkey }
    },
    shown_key: ({ seed }) => {
      let json = 'written'
      try {
        JSON.stringify({ key: keyOf(seed) })
      } catch (error) {
        json = error.message
      }
      return [`${keyOf(seed)}`, json]
    },
    key: ({ seed }) => keyOf(seed).verkey,
    did_key: ({ verkey }) => keys.didKey(keys.verkey(verkey, 'key')),
    any_key: ({ text }) => keys.anyKey(text, 'key'),
    signature: ({ seed, message }) => base64.base64url(keyOf(seed).sign(new TextEncoder().encode(message))),
    pack: ({ content, to, seed }) => pack(content, keys.verkey(to, 'recipient'), seed ? keyOf(seed) : undefined),
    unpack: ({ envelope, seeds }) => {
      const own = new Map(seeds.map(keyOf).map((key) => [key.verkey, key]))
      const { to, from, content } = unpack(base64.fromAnyBase64(envelope, 'envelope'), (key) => own.get(key))
      return { to, from: from ?? null, content }
    },
    // By one key that stays, as a visit's does: of each who sent it, or that it is refused.
    unpack_in_turn: ({ envelopes, seed }) => {
      const own = keyOf(seed)
      return envelopes.map((envelope) => {
        try {
          return unpack(base64.fromAnyBase64(envelope, 'envelope'), (key) => (key === own.verkey ? own : undefined)).from
        } catch (error) {
          return error.code
        }
      })
    },
    compacted: ({ envelope }) => base64.base64url(compacted(envelope)),
    expanded: ({ frame }) => new TextDecoder().decode(expanded(base64.fromAnyBase64(frame, 'frame'))),
    // What follows a message of the mediator's is told only where it is asked for.
    with_tail: ({ envelope, seeds, content, to, seed, tail }) => {
      if (content) return pack(content, keys.verkey(to, 'recipient'), keyOf(seed), base64.fromAnyBase64(tail, 'tail'))
      const own = new Map(seeds.map(keyOf).map((key) => [key.verkey, key]))
      const opened = unpack(base64.fromAnyBase64(envelope, 'envelope'), (key) => own.get(key), 1 << 20, true)
      return { content: opened.content, tail: opened.tail ? base64.base64url(opened.tail) : null }
    },
    packed: ({ value }) => JSON.stringify(packed(value)),
    unpacked: ({ value }) => JSON.stringify(unpacked(value, 'proof')),
    inlined: ({ message, tail }) => JSON.stringify(withTail(message, base64.fromAnyBase64(tail, 'tail'))),
    strict_json: ({ document, fractions }) =>
      JSON.stringify(readStrictJson(base64.fromAnyBase64(document, 'document'), 'document', { mostBytes: 100_000, mostDepth: 20, fractions })),
  }
}
