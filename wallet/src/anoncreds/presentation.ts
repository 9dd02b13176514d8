// The answer to a request (AnonCreds 1.0, Generate the Presentation): a sub-proof for each credential, one challenge for all, and
// one random number for the link secret in all of them, by which they are known to belong to one holder.

import { productOfPowers, type KeptBase } from '../arithmetic.js'
import { toBytes } from '../bytes.js'
import { CannotProveError, StateError } from '../errors.js'
import { randomBits } from '../random.js'
import { keyName, LINK_SECRET_NAME } from './attributes.js'
import type { Attribute, Credential } from './credential.js'
import type { CredentialDefinition } from './credential_definition.js'
import { challenge } from './hash.js'
import type { LinkSecret } from './link_secret.js'
import { commitToNonRevocation, prepareNonRevocation } from './non_revocation_proof.js'
import { ATTRIBUTE_TILDE, BLINDING, E_START, E_TILDE, LONGEST_VALUE, M2_TILDE, V_TILDE } from './parameters.js'
import { commitToPredicate, type Predicate, type PredicateCommitment } from './predicate_proof.js'
import type { PresentationRequest, RequestedAttribute } from './presentation_request.js'
import type { Witness } from './witness.js'

const STEP_BITS = 512

/** One credential and what it answers, by referents of the request. */
export interface Choice {
  readonly credential: Credential
  readonly definition: CredentialDefinition
  /** Attributes whose values are shown. */
  readonly revealed: readonly string[]
  /** Attributes of which only is shown that the credential has them. */
  readonly unrevealed: readonly string[]
  readonly predicates: readonly string[]
  /** Shows that the credential is not revoked; needed where the request asks for it. */
  readonly witness: Witness | undefined
}

/** What an answer commits to before it is made: almost all of its computation, and nothing that proves anything. */
export interface Committed {
  readonly choices: readonly Choice[]
  /** The answer. Only once: two would tell the secrets. */
  answer(): object
}

/**
 * Answer a request.
 *
 * @param selfAttested the holder's own words, by referent
 * @throws CannotProveError the choice does not answer the request, or a predicate is not true
 */
export function present(
  request: PresentationRequest,
  choices: readonly Choice[],
  selfAttested: ReadonlyMap<string, string>,
  linkSecret: LinkSecret,
): object {
  return ended(commitTo(request, choices, selfAttested, linkSecret)).answer()
}

/** Take all steps that are left. */
export function ended<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Commit to an answer, step by step, each of some milliseconds; as `present` otherwise. */
export function* commitTo(
  request: PresentationRequest,
  choices: readonly Choice[],
  selfAttested: ReadonlyMap<string, string>,
  linkSecret: LinkSecret,
): Generator<void, Committed> {
  checkAnswered(request, choices, selfAttested)
  const linkTilde = randomBits(ATTRIBUTE_TILDE)
  const commitments: Commitment[] = []
  for (const choice of choices) commitments.push(yield* commit(request, choice, linkSecret, linkTilde))
  let isAnswered = false
  const answer = (): object => {
    if (isAnswered) throw new StateError('what was committed to is answered once')
    isAnswered = true
    return answered(request, choices, selfAttested, commitments)
  }
  return { choices, answer }
}

function answered(request: PresentationRequest, choices: readonly Choice[], selfAttested: ReadonlyMap<string, string>, commitments: readonly Commitment[]): object {
  const c = challenge(
    ...commitments.flatMap(({ t }) => t),
    ...commitments.flatMap(({ c }) => c),
    toBytes(request.nonce),
  )
  return {
    proof: {
      proofs: commitments.map(({ respond }) => respond(c)),
      aggregated_proof: { c_hash: c.toString(), c_list: commitments.flatMap(({ c }) => c.map((bytes) => [...bytes])) },
    },
    requested_proof: requestedProof(request, choices, selfAttested),
    identifiers: choices.map(({ credential, witness }) => ({
      schema_id: credential.schemaId,
      cred_def_id: credential.definitionId,
      // Which registry it is says more than the definition, so only who asks for non-revocation learns it.
      rev_reg_id: witness ? witness.list.registryId : null,
      timestamp: witness ? witness.list.timestamp : null,
    })),
  }
}

/**
 * Compute now what any proof of a credential will want of keys and signatures, so that whoever says yes waits less: step by step, each of
 * some milliseconds. Nothing in it is drawn, so nothing of it must not be used twice.
 */
export function* prepareProof({ definition, credential }: Pick<Choice, 'definition' | 'credential'>): Generator<void> {
  for (let bits = STEP_BITS; bits < V_TILDE; bits += STEP_BITS) yield definition.primary.powersOfS.prepare(bits)
  yield definition.primary.powersOfS.prepare(V_TILDE)
  if (definition.revocation && credential.nonRevocation) yield* prepareNonRevocation(definition.revocation, credential.nonRevocation)
}

interface Commitment {
  readonly t: readonly Uint8Array[]
  readonly c: readonly Uint8Array[]
  respond(challenge: bigint): object
}

function* commit(request: PresentationRequest, choice: Choice, linkSecret: LinkSecret, linkTilde: bigint): Generator<void, Commitment> {
  const { credential, definition, witness } = choice
  const key = definition.primary
  const { a, e, v, m2 } = credential.signature

  const revealed = new Map<string, bigint>()
  for (const name of choice.revealed.flatMap((referent) => requested(request, referent).names))
    revealed.set(keyName(name), attributeOf(credential, name).encoded)
  const hidden = [
    { name: LINK_SECRET_NAME, value: linkSecret.number(), tilde: linkTilde },
    ...[...credential.attributes]
      .filter(([name]) => !revealed.has(name))
      .map(([name, { encoded }]) => ({ name, value: encoded, tilde: randomBits(ATTRIBUTE_TILDE) })),
  ]
  const m2Tilde = randomBits(M2_TILDE)
  const nonRevocation =
    witness && definition.revocation && credential.nonRevocation
      ? yield* commitToNonRevocation(definition.revocation, credential.nonRevocation, witness, m2Tilde)
      : undefined
  yield

  const r = randomBits(BLINDING)
  const eTilde = randomBits(E_TILDE)
  const vTilde = randomBits(V_TILDE)
  const aPrime = (a * key.powersOfS.power(r)) % key.n
  const bases = hidden.map(({ name, tilde }): [KeptBase, bigint] => [key.kept.r.get(name) as KeptBase, tilde])
  yield
  const t = (key.powersOfS.power(vTilde) * productOfPowers([[aPrime, eTilde], [key.kept.rctxt, m2Tilde], ...bases], key.n)) % key.n

  const predicates: { readonly predicate: Predicate; readonly commitment: PredicateCommitment }[] = []
  for (const referent of choice.predicates) {
    yield
    const predicate = predicateOf(request, referent)
    const attribute = hidden.find(({ name }) => name === predicate.name)
    if (!attribute || predicate.name === LINK_SECRET_NAME)
      throw new CannotProveError('a predicate is about an attribute that the same credential shows, or does not have')
    predicates.push({ predicate, commitment: commitToPredicate(key, predicate, attribute.value, attribute.tilde) })
  }

  return {
    t: [...(nonRevocation?.t ?? []), toBytes(t), ...predicates.flatMap(({ commitment }) => commitment.t)],
    c: [...(nonRevocation?.c ?? []), toBytes(aPrime), ...predicates.flatMap(({ commitment }) => commitment.c)],
    respond: (c) => {
      const m = new Map(hidden.map(({ name, value, tilde }) => [name, c * value + tilde]))
      return {
        primary_proof: {
          eq_proof: {
            revealed_attrs: texts(revealed),
            a_prime: aPrime.toString(),
            e: (c * (e - (1n << BigInt(E_START))) + eTilde).toString(),
            v: (c * (v - e * r) + vTilde).toString(),
            m: texts(m),
            m2: (c * m2 + m2Tilde).toString(),
          },
          ge_proofs: predicates.map(({ predicate, commitment }) => commitment.respond(c, m.get(predicate.name) as bigint)),
        },
        non_revoc_proof: nonRevocation ? nonRevocation.respond(c) : null,
      }
    },
  }
}

// Every referent is answered once, by what the request lets answer it.
function checkAnswered(request: PresentationRequest, choices: readonly Choice[], selfAttested: ReadonlyMap<string, string>): void {
  const attributes = [...choices.flatMap(({ revealed, unrevealed }) => [...revealed, ...unrevealed]), ...selfAttested.keys()]
  const predicates = choices.flatMap(({ predicates }) => predicates)
  if (!isSame(attributes, request.attributes) || !isSame(predicates, request.predicates))
    throw new CannotProveError('every attribute and predicate of the request needs one answer')
  for (const [referent, value] of selfAttested) {
    const { isGroup, isRestricted } = requested(request, referent)
    if (isGroup || isRestricted) throw new CannotProveError('what the request restricts needs a credential')
    if (value.length > LONGEST_VALUE) throw new CannotProveError(`what is stated has at most ${LONGEST_VALUE} characters`)
  }
  for (const { credential, definition, revealed, unrevealed, predicates, witness } of choices) {
    if (credential.definitionId !== definition.id) throw new CannotProveError('the credential is of another credential definition')
    if (revealed.length + unrevealed.length + predicates.length === 0) throw new CannotProveError('a credential that answers nothing is not shown')
    for (const name of unrevealed.flatMap((referent) => requested(request, referent).names)) attributeOf(credential, name)
    const isWanted =
      [...revealed, ...unrevealed].some((referent) => requested(request, referent).wantsNonRevocation) ||
      predicates.some((referent) => request.predicates.get(referent)?.wantsNonRevocation)
    if (credential.nonRevocation && isWanted !== (witness !== undefined))
      throw new CannotProveError('that the credential is not revoked is shown where the request asks for it, and only there')
    if (witness && witness.list.registryId !== credential.nonRevocation?.registryId)
      throw new CannotProveError('the witness is of another revocation registry than the credential')
  }
}

function requestedProof(request: PresentationRequest, choices: readonly Choice[], selfAttested: ReadonlyMap<string, string>): object {
  const shown = choices.flatMap(({ credential, revealed }, index) =>
    revealed.map((referent) => ({ referent, index, credential, asked: requested(request, referent) })),
  )
  return {
    revealed_attrs: Object.fromEntries(
      shown
        .filter(({ asked }) => !asked.isGroup)
        .map(({ referent, index, credential, asked }) => [
          referent,
          { sub_proof_index: index, ...value(credential, asked.names[0] as string) },
        ]),
    ),
    revealed_attr_groups: Object.fromEntries(
      shown
        .filter(({ asked }) => asked.isGroup)
        .map(({ referent, index, credential, asked }) => [
          referent,
          { sub_proof_index: index, values: Object.fromEntries(asked.names.map((name) => [name, value(credential, name)])) },
        ]),
    ),
    self_attested_attrs: Object.fromEntries(selfAttested),
    unrevealed_attrs: referents(choices, ({ unrevealed }) => unrevealed),
    predicates: referents(choices, ({ predicates }) => predicates),
  }
}

function referents(choices: readonly Choice[], of: (choice: Choice) => readonly string[]): object {
  return Object.fromEntries(
    choices.flatMap((choice, index) => of(choice).map((referent) => [referent, { sub_proof_index: index }])),
  )
}

function requested(request: PresentationRequest, referent: string): RequestedAttribute {
  const attribute = request.attributes.get(referent)
  if (!attribute) throw new CannotProveError('the request has no such attribute')
  return attribute
}

function predicateOf(request: PresentationRequest, referent: string): Predicate {
  const predicate = request.predicates.get(referent)
  if (!predicate) throw new CannotProveError('the request has no such predicate')
  return { ...predicate, name: keyName(predicate.name) }
}

function attributeOf(credential: Credential, name: string): Attribute {
  const attribute = credential.attributes.get(keyName(name))
  if (!attribute) throw new CannotProveError('the credential does not have an attribute that is asked')
  return attribute
}

function value(credential: Credential, name: string): object {
  const { raw, encoded } = attributeOf(credential, name)
  return { raw, encoded: encoded.toString() }
}

function isSame(answered: readonly string[], asked: ReadonlyMap<string, unknown>): boolean {
  return answered.length === asked.size && new Set(answered).size === asked.size && answered.every((referent) => asked.has(referent))
}

function texts(numbers: ReadonlyMap<string, bigint>): Record<string, string> {
  return Object.fromEntries([...numbers].map(([name, number]) => [name, number.toString()]))
}
