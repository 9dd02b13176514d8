// scrypt (RFC 7914) by Node.js instead of by the page's library, in the same terms: the same keys, in a tenth of the time. Tests of what
// a PIN or a code opens use it; that the library gives the same is said by the test of the key's derivation, which sets `library.isUsed`.
// What resolves the library's name to this module is `resolve`, in the thread of Node.js that looks for modules.

import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'

const LIBRARY = '@noble/hashes/scrypt.js'
const native = promisify(scrypt)

export const library = { isUsed: false }

export async function scryptAsync(password, salt, { N, r, p, dkLen }) {
  if (library.isUsed) {
    const own = await import(new URL(`../../../wallet/node_modules/${LIBRARY}`, import.meta.url))
    return own.scryptAsync(password, salt, { N, r, p, dkLen })
  }
  return new Uint8Array(await native(password, salt, dkLen, { N, r, p, maxmem: 2 ** 26 }))
}

export function resolve(specifier, context, next) {
  return specifier === LIBRARY ? { url: import.meta.url, shortCircuit: true } : next(specifier, context)
}
