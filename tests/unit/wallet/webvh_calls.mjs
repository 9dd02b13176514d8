// Calls about did:webvh and other DIDs; see `driver.mjs`.

export async function calls(load) {
  const { fromAnyBase64 } = await load('base64.js')
  const { Received } = await load('received.js')
  const { readStrictJson } = await load('strict_json.js')
  const { parseWebvh, parseResourceId } = await load('webvh/did.js')
  const { verifyLog, namesWitnesses } = await load('webvh/log.js')
  const { assertionKeys } = await load('webvh/document.js')
  const { verifyResource } = await load('webvh/resource.js')
  const { parseVersionTime } = await load('webvh/version_time.js')
  const { makePeerDid, peerDocument } = await load('dids/peer.js')
  const { readContact } = await load('dids/contact.js')
  const { base64url } = await load('base64.js')

  const bytes = (text) => text && fromAnyBase64(text, 'file')
  const logOf = ({ did, log, witness, at }) => verifyLog(parseWebvh(did), bytes(log), bytes(witness), at)
  return {
    webvh_did: ({ text }) => parseWebvh(text),
    // By the browser, or by one that is too old; which of them were verified by the browser itself.
    signed_by: async ({ cases, is_old }) => {
      const { isSignedBy } = await load(`didcomm/keys.js?${is_old ? 'old' : 'new'}`)
      const { verify } = crypto.subtle
      let count = 0
      crypto.subtle.verify = function (...told) {
        if (is_old) throw new DOMException('Unrecognized name.', 'NotSupportedError')
        count += 1
        return verify.apply(this, told)
      }
      try {
        const holds = []
        for (const each of cases) holds.push(await isSignedBy(...[each.key, each.message, each.signature].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))))
        return { holds, by_browser: count }
      } finally {
        crypto.subtle.verify = verify
      }
    },
    names_witnesses: ({ log }) => namesWitnesses(bytes(log)),
    webvh_log: async (told) => {
      const log = await logOf(told)
      const keys = Object.fromEntries([...assertionKeys(log)].map(([id, key]) => [id, base64url(key)]))
      const { names, versionIds, isDeactivated } = log
      return { names, version_ids: versionIds, is_deactivated: isDeactivated, document: log.document.value(), keys }
    },
    version_times: ({ texts }) =>
      texts.map((text) => {
        try {
          return parseVersionTime(text).toString()
        } catch {
          return null
        }
      }),
    resource: async ({ id, type, resource, ...told }) => {
      const { links } = await verifyResource(bytes(resource), parseResourceId(id), type, await logOf(told), told.at)
      return links.map((link) => link.timestamp)
    },
    make_peer_did: ({ verkey, endpoint, routing_keys }) => makePeerDid(verkey, { endpoint, routingKeys: routing_keys }),
    peer_document: ({ did }) => peerDocument(did).value(),
    contact: ({ document }) => readContact(new Received(readStrictJson(bytes(document), 'document', { mostBytes: 100_000, mostDepth: 20, fractions: true }), 'document')),
  }
}
