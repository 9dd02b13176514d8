// The keys that envelopes to this wallet are for. They are at hand as sealed text; a secret key is made of it when one is opened.

import { SecretKey, type Verkey } from '../didcomm/keys.js'
import { Received } from '../received.js'
import type { Change, Store } from '../store.js'

export class KeyRing {
  readonly #sealed = new Map<string, string>()

  static async load(store: Store): Promise<KeyRing> {
    const ring = new KeyRing()
    for (const [verkey, row] of await store.list('key')) ring.#sealed.set(verkey, new Received(row, 'key').member('seed').text(64))
    return ring
  }

  /** A new key. It counts once its change was written and `add` was called. */
  fresh(): { readonly key: SecretKey; readonly change: Change } {
    const key = SecretKey.random()
    return { key, change: { kind: 'key', id: key.verkey, value: { seed: key.seal() } } }
  }

  add(key: SecretKey): void {
    this.#sealed.set(key.verkey, key.seal())
  }

  secret(key: Verkey): SecretKey | undefined {
    const sealed = this.#sealed.get(key)
    return sealed === undefined ? undefined : SecretKey.unseal(new Received(sealed, 'key'))
  }

  /** A key that must be there, since a row names it. */
  own(key: Verkey): SecretKey {
    const secret = this.secret(key)
    if (!secret) throw new Error('a key is missing in the store')
    return secret
  }
}
