// AnonCreds objects by their ids: attested resources of did:webvh DIDs, verified, and tails files by their hash.

import { readCredentialDefinition, type CredentialDefinition } from '../anoncreds/credential_definition.js'
import { LONGEST_IDENTIFIER } from '../anoncreds/parameters.js'
import { readRevocationRegistry, readStatusList, type RevocationRegistry, type StatusList } from '../anoncreds/revocation_registry.js'
import { checkTailsFile, tailRange } from '../anoncreds/witness.js'
import { CheckFailedError } from '../errors.js'
import { publicAddress } from '../network.js'
import type { PublicFiles } from '../public_files.js'
import { Received } from '../received.js'
import type { JsonObject, Store } from '../store.js'
import { parseResourceId } from '../webvh/did.js'
import type { Resource } from '../webvh/resource.js'
import type { WebvhResolver } from '../webvh/resolver.js'

const MOST_AT_HAND = 500
const REGISTRY = 'anonCredsRevocRegDef'

/** A registry as it is now: with the list of its status lists. */
export interface RegistryNow {
  readonly registry: RevocationRegistry
  readonly resource: Resource
}

interface ReadRegistry {
  readonly registry: RevocationRegistry
  readonly content: Received
}

export class Objects {
  readonly #resolver: WebvhResolver
  readonly #files: PublicFiles
  readonly #store: Store
  readonly #atHand = new Map<string, Promise<unknown>>()
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(resolver: WebvhResolver, files: PublicFiles, store: Store) {
    this.#resolver = resolver
    this.#files = files
    this.#store = store
  }

  /** A credential definition. It never changes, for its id holds its hash: so it is kept once it was verified and read. */
  definition(id: string): Promise<CredentialDefinition> {
    return this.#read(id, async () => {
      const kept = await this.#kept(id, 'anonCredsCredDef')
      if (kept) return readCredentialDefinition(id, kept, true)
      const { content } = await this.#resolver.resource(id, 'anonCredsCredDef')
      const definition = readCredentialDefinition(id, content)
      await this.#keep(id, content)
      return definition
    })
  }

  /**
   * The registry of a credential, without its status lists: that never changes, either. Only one of that definition is kept.
   *
   * @throws CheckFailedError it is of another DID, which is not asked, or of another credential definition
   */
  async registry(id: string, definitionId: string): Promise<RevocationRegistry> {
    if (!(await this.#kept(id, REGISTRY)) && parseResourceId(id).did.scid !== parseResourceId(definitionId).did.scid) throw new CheckFailedError('the revocation registry is of another issuer')
    const { registry, content } = await this.#registry(id, async () => (await this.#kept(id, REGISTRY)) ?? (await this.#resolver.resource(id, REGISTRY)).content)
    if (registry.credentialDefinitionId !== definitionId) throw new CheckFailedError('the revocation registry is of another credential definition')
    await this.#keep(id, content)
    return registry
  }

  /**
   * A registry with its present status lists. Several that ask for it at once share what comes.
   *
   * @param isAnew somebody just said that it changed: what was asked for before that is too old
   */
  registryNow(id: string, isAnew = false): Promise<RegistryNow> {
    const ask = async (): Promise<RegistryNow> => {
      const resource = await this.#resolver.resource(id, REGISTRY)
      const { registry } = await this.#registry(id, async () => (await this.#kept(id, REGISTRY)) ?? resource.content)
      return { registry, resource }
    }
    return isAnew ? ask() : this.#shared(id, ask)
  }

  /** The newest status list of a registry, or the newest that is not younger than an instant (seconds since 1970). */
  async statusList({ registry, resource }: RegistryNow, notAfter = Infinity): Promise<StatusList> {
    const link = resource.links.filter(({ timestamp }) => timestamp <= notAfter).at(-1)
    if (!link) throw new CheckFailedError('the registry has no status list of that time')
    const list = await this.#shared(link.id.id, async () => readStatusList(registry, (await this.#resolver.resource(link.id.id, 'anonCredsStatusList')).content))
    if (list.timestamp !== link.timestamp) throw new CheckFailedError('the status list is of another time than the registry says')
    return list
  }

  /** The whole tails file of a registry. Asking for a part of it would tell which place is meant. */
  async tails({ registry, resource }: RegistryNow): Promise<Uint8Array> {
    const location = resource.content.member('value').member('tailsLocation').text(LONGEST_IDENTIFIER)
    return this.#files.lasting(publicAddress(location, 'tailsLocation').href, tailRange(2 * registry.places).end, (file) => {
      checkTailsFile(registry, file)
      return file
    })
  }

  #shared<T>(id: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#underWay.get(id)
    if (known) return known as Promise<T>
    const asking = ask().finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, asking)
    return asking
  }

  #read<T>(id: string, read: () => Promise<T>): Promise<T> {
    const known = this.#atHand.get(id)
    if (known) return known as Promise<T>
    const reading = read()
    reading.catch(() => this.#atHand.delete(id))
    if (this.#atHand.size >= MOST_AT_HAND) this.#atHand.clear()
    this.#atHand.set(id, reading)
    return reading
  }

  #registry(id: string, content: () => Promise<Received>): Promise<ReadRegistry> {
    return this.#read(id, async () => {
      const read = await content()
      return { registry: readRevocationRegistry(id, read), content: read }
    })
  }

  async #kept(id: string, type: string): Promise<Received | undefined> {
    const row = await this.#store.get('object', id)
    return row && new Received(row['content'], type)
  }

  async #keep(id: string, content: Received): Promise<void> {
    if (!(await this.#store.get('object', id))) await this.#store.write([{ kind: 'object', id, value: { content: content.value() as JsonObject } }])
  }
}
