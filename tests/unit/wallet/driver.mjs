// Runs the wallet for tests: a call is a line of JSON that comes in, its answer one that goes out.
//   {"call": name, "with": {…}}  ->  {"answer": …} or {"refused": {"code": …, "message": …}} or {"broke": stack}

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { slowPairings } from './slow_pairings.mjs'

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
const { FixedBase, isProbablePrime, KeptBase, productOfFixedPowers, productOfPowers } = await load('arithmetic.js')
const curve = await load('bn254.js')

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
  // Each comparison that fails, by name: quick ways against slow ones.
  arithmetic: ({ n: modulus, exponents, scalars }) => {
    const { Fp2, G1, G2, ORDER, P, multiple2, sumOfMultiples1, times } = curve
    const [n, failed] = [BigInt(modulus), []]
    const compare = (name, is) => is || failed.push(name)
    const slow = (base, exponent) => [...exponent.toString(2)].reduce((power, bit) => (power * power * (bit === '1' ? base : 1n)) % n, 1n)
    const [two, three] = [new FixedBase(2n, n), new FixedBase(3n, n)]
    const [keptTwo, keptThree] = [new KeptBase(2n, n), new KeptBase(3n, n)]
    exponents.map(BigInt).forEach((exponent, index, all) => {
      const [next] = [all[(index + 1) % all.length]]
      const expected = (slow(2n, exponent) * slow(3n, next)) % n
      compare(`powers ${index}`, productOfPowers([[2n, exponent], [3n, next]], n) === expected)
      compare(`powers of kept bases ${index}`, productOfPowers([[keptTwo, exponent], [keptThree, next], [5n, exponent]], n) === (expected * slow(5n, exponent)) % n)
      compare(`fixed powers ${index}`, productOfFixedPowers([[two, exponent], [three, next]]) === expected)
      const other = new FixedBase(7n, n) // of which no tables are made yet, beside one of which there are
      compare(`fixed powers by both ways ${index}`, productOfFixedPowers([[two, exponent], [other, next]]) === (slow(2n, exponent) * slow(7n, next)) % n)
      compare(`inverse ${index}`, (productOfPowers([[2n, -exponent]], n) * slow(2n, exponent)) % n === 1n % n)
    })
    const all = [0n, 1n, 2n, 15n, 16n, 17n, 31n, 32n, ORDER - 1n, ORDER, ORDER + 1n, ...scalars.map(BigInt)]
    all.forEach((scalar, index) => {
      const next = all[(index + 1) % all.length]
      const [one, other, second] = [times(G1.BASE, 5n + BigInt(index)), times(G1.BASE, next), times(G2.BASE, 3n + BigInt(index))]
      compare(`sum ${index}`, sumOfMultiples1([one, scalar], [other, -next]).equals(times(one, scalar).subtract(times(other, next))))
      compare(`same point ${index}`, sumOfMultiples1([one, scalar], [one, next]).equals(times(one, scalar + next)))
      compare(`nothing left ${index}`, sumOfMultiples1([one, scalar], [one.negate(), scalar]).is0())
      compare(`second group ${index}`, multiple2(second, scalar).equals(times(second, scalar)))
    })
    // Points of the twist that are in no group of ours, and such a point beside one that is.
    const b = Fp2.sub(Fp2.sqr(G2.BASE.y), Fp2.mul(Fp2.sqr(G2.BASE.x), G2.BASE.x))
    let outside = 0
    for (let c0 = 1n; outside < 8; c0++) {
      const x = Fp2.create({ c0, c1: 1n })
      let y
      try {
        y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b))
      } catch {
        continue
      }
      outside++
      const point = new G2(x, y, Fp2.ONE)
      const isIn = (each) => each.isTorsionFree()
      compare(`outside ${c0}`, !isIn(point) && !isIn(point.add(G2.BASE)))
      // Its multiple by the cofactor is in the group.
      const factor = P + 6n * (1n << 62n | 1n << 55n | 1n) ** 2n
      let inside = G2.ZERO
      for (const bit of factor.toString(2)) inside = bit === '1' ? inside.double().add(point) : inside.double()
      compare(`inside ${c0}`, !inside.is0() && isIn(inside))
    }
    return failed
  },
  // Each pairing that is not what @noble/curves has for it, by name; and what bilinearity wants.
  pairings: async ({ scalars }) => {
    const { Fp12, G1, G2, ORDER, productOfPairings, times } = curve
    const slow = await slowPairings()
    const [all, failed] = [scalars.map(BigInt), []]
    const compare = (name, is) => is || failed.push(name)
    const points = all.map((scalar, index) => [times(G1.BASE, scalar), times(G2.BASE, all[(index + 1) % all.length] + 1n)])
    points.forEach(([g1, g2], index) => {
      const [other1, other2] = points[(index + 1) % points.length]
      const one = productOfPairings([g1, g2])
      compare(`one ${index}`, Fp12.eql(one, slow([g1, g2])))
      compare(`two ${index}`, Fp12.eql(productOfPairings([g1, g2], [other1, other2]), slow([g1, g2], [other1, other2])))
      compare(`three ${index}`, Fp12.eql(productOfPairings([g1, g2], [other1, other2], [other1, g2]), slow([g1, g2], [other1, other2], [other1, g2])))
      compare(`moved ${index}`, Fp12.eql(productOfPairings([times(g1, 12345n), g2]), productOfPairings([g1, times(g2, 12345n)])))
      compare(`not one ${index}`, !Fp12.eql(one, Fp12.ONE) && Fp12.eql(Fp12.pow(one, ORDER), Fp12.ONE))
      compare(`nothing left ${index}`, Fp12.eql(productOfPairings([g1, g2], [g1.negate(), g2]), Fp12.ONE))
      compare(`infinity ${index}`, Fp12.eql(productOfPairings([G1.ZERO, g2], [g1, g2], [g1, G2.ZERO]), one))
      compare(`canonical ${index}`, [one.c0, one.c1].every((part) => Object.values(part).every((pair) => Object.values(pair).every((value) => value >= 0n && value < curve.P))))
    })
    return failed
  },
  // Points that are in no group are paired with nothing.
  unpaired: () => {
    const { Fp, Fp2, G1, G2, productOfPairings } = curve
    const refused = (...pairs) => {
      try {
        productOfPairings(...pairs)
        return false
      } catch {
        return true
      }
    }
    const b = Fp2.sub(Fp2.sqr(G2.BASE.y), Fp2.mul(Fp2.sqr(G2.BASE.x), G2.BASE.x))
    let outside
    for (let c0 = 1n; !outside; c0++) {
      const x = Fp2.create({ c0, c1: 1n })
      try {
        outside = new G2(x, Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)), Fp2.ONE)
      } catch {
        continue
      }
    }
    const offCurve2 = new G2(Fp2.create({ c0: 1n, c1: 2n }), Fp2.ONE, Fp2.ONE)
    return [refused([G1.BASE, G2.BASE]), refused([G1.BASE, outside]), refused([G1.BASE, offCurve2]), refused([new G1(5n, 5n, Fp.ONE), G2.BASE]), refused([G1.BASE, G2.BASE], [G1.BASE, outside])]
  },
  definition: ({ definition }) => definitions.readCredentialDefinition(definition.id, received(definition.json, 'credential definition')).schemaId,
  registry: ({ registry }) => registries.readRevocationRegistry(registry.id, received(registry.json, 'revocation registry')).places,
  tail_changes: ({ registry, place, lists }) => {
    const known = registryOf(registry)
    const [from, to] = lists.map((list) => registries.readStatusList(known, received(list, 'status list')))
    return witnesses.tailChanges(known, place, from, to)
  },
  checked_offer: ({ offer, definition }) => requests.checkedOffer(received(offer, 'offer'), definitionOf(definition)),
  request: ({ offer, definition, link_secret, is_key_checked = false }) => {
    const made = requests.requestCredential(received(offer, 'offer'), definitionOf(definition), secretOf(link_secret), is_key_checked)
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
  unsealed_witness: ({ choice, sealed }) => {
    const { credential, definition } = choiceOf({ ...choice, lists: undefined })
    return witnesses.sealWitness(witnesses.unsealWitness(received(sealed, 'witness'), credential.nonRevocation, definition, registryOf(choice.registry)))
  },
  present: ({ request, choices, self_attested, link_secret }) =>
    presentations.present(
      readPresentationRequest(received(request, 'request')),
      choices.map(choiceOf),
      new Map(Object.entries(self_attested ?? {})),
      secretOf(link_secret),
    ),
  // Whether two proofs of what was prepared have any commitment, or response, in common.
  prepared: ({ request, choice, link_secret }) => {
    const [known, asked] = [choiceOf(choice), readPresentationRequest(received(request, 'request'))]
    for (const _ of presentations.prepareProof(known));
    const made = [1, 2].map(() => presentations.present(asked, [known], new Map(), secretOf(link_secret)))
    const numbers = made.map(({ proof }) => {
      const { primary_proof: { eq_proof }, non_revoc_proof } = proof.proofs[0]
      const { m, a_prime, e, v, m2 } = eq_proof
      return [a_prime, e, v, m2, ...Object.values(m), ...Object.values(non_revoc_proof.x_list), ...Object.values(non_revoc_proof.c_list)]
    })
    return { made, common: numbers[0].filter((each) => numbers[1].includes(each)).length, all: numbers[0].length }
  },
}

for (const more of ['didcomm_calls.mjs', 'webvh_calls.mjs', 'governance_calls.mjs', 'agent_calls.mjs', 'hostile_calls.mjs', 'keeping_calls.mjs', 'page_calls.mjs', 'book_calls.mjs', 'codes_calls.mjs', 'locked_calls.mjs']) Object.assign(calls, await (await import(new URL(more, import.meta.url))).calls(load))

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
