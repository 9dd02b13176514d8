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
    names_witnesses: ({ log }) => namesWitnesses(bytes(log)),
    webvh_log: (told) => {
      const log = logOf(told)
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
    resource: ({ id, type, resource, ...told }) => verifyResource(bytes(resource), parseResourceId(id), type, logOf(told), told.at).links.map((link) => link.timestamp),
    make_peer_did: ({ verkey, endpoint, routing_keys }) => makePeerDid(verkey, { endpoint, routingKeys: routing_keys }),
    peer_document: ({ did }) => peerDocument(did).value(),
    contact: ({ document }) => readContact(new Received(readStrictJson(bytes(document), 'document', { mostBytes: 100_000, mostDepth: 20, fractions: true }), 'document')),
  }
}
