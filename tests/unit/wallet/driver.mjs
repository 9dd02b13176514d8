// Runs the wallet for tests: a call is a line of JSON that comes in, its answer one that goes out.
//   {"call": name, "with": {…}}  ->  {"answer": …} or {"refused": {"code": …, "message": …}} or {"broke": stack}

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const built = pathToFileURL(`${process.argv[2]}/`)
const load = (name) => import(new URL(name, built))
const [{ Received }, { WalletError }] = await Promise.all([load('received.js'), load('errors.js')])
const definitions = await load('anoncreds/credential_definition.js')
const requests = await load('anoncreds/credential_request.js')
const credentials = await load('anoncreds/credential.js')
const registries = await load('anoncreds/revocation_registry.js')
const witnesses = await load('anoncreds/witness.js')
const presentations = await load('anoncreds/presentation.js')
const { LinkSecret } = await load('anoncreds/link_secret.js')
const { readPresentationRequest } = await load('anoncreds/presentation_request.js')
const { encoded } = await load('anoncreds/attributes.js')
const { fourSquares } = await load('anoncreds/predicate_proof.js')
const { isProbablePrime } = await load('arithmetic.js')

const received = (value, path) => new Received(value, path)
const secretOf = (text) => LinkSecret.unseal(received(text, 'link secret'))

// What is the same in many calls is read once.
const read = new Map()
function once(kind, told, make) {
  if (told === undefined || told === null) return undefined
  const key = `${kind} ${JSON.stringify(told)}`
  if (!read.has(key)) read.set(key, make(told.id, received(told.json, kind)))
  return read.get(key)
}
const definitionOf = (told) => once('credential definition', told, definitions.readCredentialDefinition)
const registryOf = (told) => once('revocation registry', told, registries.readRevocationRegistry)

function choiceOf(told) {
  const definition = definitionOf(told.definition)
  const registry = registryOf(told.registry)
  const credential = credentials.unsealCredential(received(told.credential, 'credential'), definition, registry)
  return { ...told, credential, definition, witness: told.lists && witnessOf(credential, definition, registry, told) }
}

// `lists` are gone through one by one, the first with the witness of the credential, or all tails if told so.
function witnessOf(credential, definition, registry, { lists, tails, is_made_anew }) {
  const file = new Uint8Array(readFileSync(tails))
  witnesses.checkTailsFile(registry, file)
  const tail = (index) => {
    const { start, end } = witnesses.tailRange(index)
    return file.subarray(start, end)
  }
  let witness
  for (const told of lists) {
    const list = registries.readStatusList(registry, received(told, 'status list'))
    witness ??= is_made_anew ? undefined : witnesses.issuedWitness(credential.nonRevocation, definition, registry, list)
    witness = witnesses.updatedWitness(credential.nonRevocation, definition, registry, witness, list, tail)
  }
  return witness
}

const calls = {
  new_link_secret: () => LinkSecret.random().seal(),
  shown_link_secret: ({ link_secret }) => {
    const secret = secretOf(link_secret)
    let json = 'written'
    try {
      JSON.stringify({ secret })
    } catch (error) {
      json = error.message
    }
    return [String(secret), `${secret}`, json]
  },
  encoded: ({ raws }) => raws.map((raw) => encoded(raw).toString()),
  four_squares: ({ sums }) => sums.map(fourSquares),
  primes: ({ numbers }) => numbers.map((number) => isProbablePrime(BigInt(number))),
  definition: ({ definition }) => definitions.readCredentialDefinition(definition.id, received(definition.json, 'credential definition')).schemaId,
  registry: ({ registry }) => registries.readRevocationRegistry(registry.id, received(registry.json, 'revocation registry')).places,
  tail_changes: ({ registry, place, lists }) => {
    const known = registryOf(registry)
    const [from, to] = lists.map((list) => registries.readStatusList(known, received(list, 'status list')))
    return witnesses.tailChanges(known, place, from, to)
  },
  request: ({ offer, definition, link_secret }) => {
    const made = requests.requestCredential(received(offer, 'offer'), definitionOf(definition), secretOf(link_secret))
    return { request: made.request, secrets: requests.sealSecrets(made.secrets) }
  },
  receive: ({ credential, secrets, link_secret, definition, registry }) =>
    credentials.sealCredential(
      credentials.receiveCredential(
        received(credential, 'credential'),
        requests.unsealSecrets(received(secrets, 'secrets')),
        secretOf(link_secret),
        definitionOf(definition),
        registryOf(registry),
      ),
    ),
  sealed_witness: ({ choice }) => witnesses.sealWitness(choiceOf(choice).witness),
  present: ({ request, choices, self_attested, link_secret }) =>
    presentations.present(
      readPresentationRequest(received(request, 'request')),
      choices.map(choiceOf),
      new Map(Object.entries(self_attested ?? {})),
      secretOf(link_secret),
    ),
}

for (const more of ['didcomm_calls.mjs', 'webvh_calls.mjs', 'governance_calls.mjs', 'agent_calls.mjs', 'hostile_calls.mjs', 'keeping_calls.mjs', 'page_calls.mjs', 'codes_calls.mjs']) Object.assign(calls, await (await import(new URL(more, import.meta.url))).calls(load))

for await (const line of createInterface({ input: process.stdin })) {
  const { call, with: told } = JSON.parse(line)
  let said
  try {
    said = { answer: await calls[call](told) }
  } catch (error) {
    said = error instanceof WalletError ? { refused: { code: error.code, message: error.message } } : { broke: error.stack }
  }
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
process.exit(0)
