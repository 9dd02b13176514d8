// A passkey of this phone, beside the PIN and never instead of it: WebAuthn Level 3 with its extension PRF (§10.1.4), by which the phone
// makes a secret of a salt once it has seen its owner. The secret goes to the worker, as a PIN does, and nowhere else: what WebAuthn
// makes for a server is not looked at.

import { RefusedError } from './client.js'
import type { PasskeyPlace, PasskeySecret } from './protocol.js'

const SALT_BYTES = 32
const ES256 = -7
const RS256 = -257
const TYPE = 'public-key'

const random = (bytes: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(bytes))

/** Whether this phone may be asked: it can see its owner. Whether it has PRF, only a new passkey tells. */
export async function mayHavePasskey(): Promise<boolean> {
  const kind = globalThis.PublicKeyCredential as typeof PublicKeyCredential | undefined
  return (await kind?.isUserVerifyingPlatformAuthenticatorAvailable?.().catch(() => false)) ?? false
}

/** @throws RefusedError 'passkey': the owner did not want it; 'passkey_without': the phone has no PRF */
export async function makePasskey(name: string): Promise<PasskeySecret> {
  const salt = random(SALT_BYTES)
  const made = await asked(
    navigator.credentials.create({
      publicKey: {
        rp: { name },
        user: { id: random(SALT_BYTES), name, displayName: name },
        challenge: random(SALT_BYTES),
        pubKeyCredParams: [ES256, RS256].map((alg) => ({ type: TYPE, alg })),
        authenticatorSelection: { authenticatorAttachment: 'platform', residentKey: 'preferred', userVerification: 'required' },
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  )
  const id = new Uint8Array(made.rawId)
  const { prf } = made.getClientExtensionResults()
  if (!prf?.enabled) throw new RefusedError('passkey_without', null)
  // Some make the secret when they are asked again only.
  return { id, salt, secret: prf.results ? bytesOf(prf.results.first) : await secretOf({ id, salt }) }
}

/** @throws RefusedError 'passkey': the owner did not want it, or it is not there any more */
export async function secretOf({ id, salt }: PasskeyPlace): Promise<Uint8Array> {
  const told = await asked(
    navigator.credentials.get({
      publicKey: {
        challenge: random(SALT_BYTES),
        allowCredentials: [{ type: TYPE, id: id as Uint8Array<ArrayBuffer>, transports: ['internal'] }],
        userVerification: 'required',
        extensions: { prf: { eval: { first: salt as Uint8Array<ArrayBuffer> } } },
      },
    }),
  )
  const results = told.getClientExtensionResults().prf?.results
  if (!results) throw new RefusedError('passkey_without', null)
  return bytesOf(results.first)
}

async function asked(credential: Promise<Credential | null>): Promise<PublicKeyCredential> {
  const answer = await credential.catch(() => null)
  if (!answer) throw new RefusedError('passkey', null)
  return answer as PublicKeyCredential
}

function bytesOf(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source)
}
