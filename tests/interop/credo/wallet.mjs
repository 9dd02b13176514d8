// A stock Credo wallet, as a person's phone would run it, driven by JSON lines.
//
// In:  {"seq": 1, "do": "receive", "with": {…}}   one command a line
// Out: {"seq": 1, "result": …}                    or {"seq": 1, "error": {"name", "message", "cause"}}
//      {"event": "credential", …}                 whenever something happens
//      {"event": "message", "type": …}            for every message that comes, also one that Credo cannot handle
// Logs go to standard error. The wallet decides nothing: every acceptance and every answer is a command.
import { EventEmitter } from 'node:events'
import readline from 'node:readline'
// The two native wrappers register themselves and must come before Credo.
import { anoncreds } from '@hyperledger/anoncreds-nodejs'
import { askar, KdfMethod } from '@openwallet-foundation/askar-nodejs'
import {
  AnonCredsDidCommCredentialFormatService,
  AnonCredsDidCommProofFormatService,
  AnonCredsModule,
} from '@credo-ts/anoncreds'
import { AskarModule } from '@credo-ts/askar'
import { Agent, BaseLogger, DidsModule, EventEmitter as CredoEvents, LogLevel } from '@credo-ts/core'
import {
  DidCommAutoAcceptCredential,
  DidCommAutoAcceptProof,
  DidCommCredentialEventTypes,
  DidCommCredentialV2Protocol,
  DidCommEnvelopeService,
  DidCommEventTypes,
  DidCommHttpOutboundTransport,
  DidCommMediatorPickupStrategy,
  DidCommModule,
  DidCommProofEventTypes,
  DidCommProofV2Protocol,
  DidCommWsOutboundTransport,
} from '@credo-ts/didcomm'
import { WebVhAnonCredsRegistry, WebVhDidResolver, WebVhModule } from '@credo-ts/webvh'
import { HttpsInboundTransport, useNetwork, WalletFiles, webSocketOf } from './network.mjs'

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
console.log = console.info = console.debug = console.error

class StderrLogger extends BaseLogger {
  #write(level, message, data) {
    if (!this.isEnabled(level)) return
    const cause = data?.error ?? data
    const why = cause instanceof Error ? `: ${cause.stack}` : ''
    process.stderr.write(`${LogLevel[level]} ${message}${why}\n`)
  }
  test(message, data) { this.#write(LogLevel.test, message, data) }
  trace(message, data) { this.#write(LogLevel.trace, message, data) }
  debug(message, data) { this.#write(LogLevel.debug, message, data) }
  info(message, data) { this.#write(LogLevel.info, message, data) }
  warn(message, data) { this.#write(LogLevel.warn, message, data) }
  error(message, data) { this.#write(LogLevel.error, message, data) }
  fatal(message, data) { this.#write(LogLevel.fatal, message, data) }
}

const exchange = (record) => ({
  id: record.id,
  state: record.state,
  thread_id: record.threadId,
  parent_thread_id: record.parentThreadId ?? null,
  connection_id: record.connectionId ?? null,
  error: record.errorMessage ?? null,
})

const receiveMessage = (agentContext, message) =>
  agentContext.dependencyManager
    .resolve(CredoEvents)
    .emit(agentContext, { type: DidCommEventTypes.DidCommMessageReceived, payload: { message } })

// What another agent says is seen here even where Credo has no handler for it: it has none for DID Exchange's reports.
const tellMessage = async ({ payload }) => {
  const opener = agent.dependencyManager.resolve(DidCommEnvelopeService)
  const { plaintextMessage: message } = await opener.unpackMessage(agent.context, payload.message)
  say({
    event: 'message',
    type: message['@type'],
    thread_id: message['~thread']?.thid ?? message['@id'],
    parent_thread_id: message['~thread']?.pthid ?? null,
    code: message.description?.code ?? null,
    count: message.message_count ?? null,
  })
}

// Loaded only where it is asked for: its native wrapper needs a library that the other tests do not name.
const useLedger = async ({ namespace, genesis }) => {
  const { indyVdr } = await import('@hyperledger/indy-vdr-nodejs')
  const { IndyVdrAnonCredsRegistry, IndyVdrIndyDidResolver, IndyVdrModule } = await import('@credo-ts/indy-vdr')
  const networks = [{ isProduction: false, indyNamespace: namespace, genesisTransactions: genesis }]
  return {
    registries: [new IndyVdrAnonCredsRegistry()],
    resolvers: [new IndyVdrIndyDidResolver()],
    modules: { indyVdr: new IndyVdrModule({ indyVdr, networks }) },
  }
}

let agent
let listening
const didcomm = () => agent.modules.didcomm

const commands = {
  /**
   * folder: where the wallet lives; key: raw 32-byte wallet key in base58; ca: PEM; connect: the connection map;
   * inbound (optional): {endpoint, port, cert, key}. Without it answers come back on the wallet's own requests.
   * indy (optional): {namespace, genesis}, a ledger and its genesis transactions.
   * mediator (optional): {invitation, pickup}: the address of a mediator's invitation, and how to pick up, as Credo
   * calls it; without `pickup` Credo asks the mediator what it speaks.
   */
  async start({ folder, key, ca, connect, inbound, log_level, indy, mediator }) {
    useNetwork(ca, connect)
    const ledger = indy ? await useLedger(indy) : { registries: [], resolvers: [], modules: {} }
    listening = inbound ? new HttpsInboundTransport(inbound, receiveMessage) : undefined
    agent = new Agent({
      config: { logger: new StderrLogger(LogLevel[log_level ?? 'warn']) },
      dependencies: {
        FileSystem: class extends WalletFiles { constructor() { super(folder) } },
        EventEmitterClass: EventEmitter,
        fetch: globalThis.fetch,
        WebSocketClass: webSocketOf(ca, connect),
      },
      modules: {
        askar: new AskarModule({ askar, store: { id: 'wallet', key, keyDerivationMethod: KdfMethod.Raw } }),
        anoncreds: new AnonCredsModule({ anoncreds, registries: [new WebVhAnonCredsRegistry(), ...ledger.registries] }),
        dids: new DidsModule({ resolvers: [new WebVhDidResolver(), ...ledger.resolvers] }),
        webvh: new WebVhModule(),
        ...ledger.modules,
        didcomm: new DidCommModule({
          endpoints: inbound ? [inbound.endpoint] : [],
          transports: {
            inbound: listening ? [listening] : [],
            outbound: [new DidCommHttpOutboundTransport(), ...(mediator ? [new DidCommWsOutboundTransport()] : [])],
          },
          mediator: false,
          mediationRecipient: mediator
            ? {
                mediatorInvitationUrl: mediator.invitation,
                mediatorPickupStrategy: DidCommMediatorPickupStrategy[mediator.pickup],
                baseMediatorReconnectionIntervalMs: 100,
                maximumMediatorReconnectionIntervalMs: 1000,
              }
            : undefined,
          connections: { autoAcceptConnections: true },
          credentials: {
            autoAcceptCredentials: DidCommAutoAcceptCredential.ContentApproved,
            credentialProtocols: [
              new DidCommCredentialV2Protocol({ credentialFormats: [new AnonCredsDidCommCredentialFormatService()] }),
            ],
          },
          proofs: {
            autoAcceptProofs: DidCommAutoAcceptProof.ContentApproved,
            proofProtocols: [
              new DidCommProofV2Protocol({ proofFormats: [new AnonCredsDidCommProofFormatService()] }),
            ],
          },
        }),
      },
    })
    await agent.initialize()
    agent.events.on(DidCommEventTypes.DidCommMessageReceived, (event) => void tellMessage(event).catch(() => {}))
    agent.events.on(DidCommCredentialEventTypes.DidCommCredentialStateChanged, ({ payload }) =>
      say({ event: 'credential', ...exchange(payload.credentialExchangeRecord) }),
    )
    agent.events.on(DidCommProofEventTypes.ProofStateChanged, ({ payload }) =>
      say({ event: 'proof', ...exchange(payload.proofRecord) }),
    )
    agent.events.on(DidCommCredentialEventTypes.DidCommRevocationNotificationReceived, ({ payload }) =>
      say({ event: 'revocation', ...exchange(payload.credentialExchangeRecord) }),
    )
    return { credo: '0.6.3' }
  },

  /**
   * Follow an invitation: a long URL or a short link. Offers and requests then come as events.
   * reuse: go on over a connection that the wallet already has with the inviter, as phone wallets like to.
   */
  async receive({ url, reuse }) {
    const { outOfBandRecord, connectionRecord } = await didcomm().oob.receiveInvitationFromUrl(url, {
      label: 'Credo wallet',
      reuseConnection: reuse,
    })
    const { id, label } = outOfBandRecord.outOfBandInvitation
    return { invitation_id: id, label: label ?? null, connection_id: connectionRecord?.id ?? null }
  },

  /** Listen no more, as a phone that is off. */
  async switch_off() {
    await listening.stop()
    return {}
  },

  async connections() {
    const all = await didcomm().connections.getAll()
    return all.map(({ id, state, theirLabel }) => ({ id, state, label: theirLabel ?? null }))
  },

  /** Poll: once the connection stands, write to the other side and wait on the same call for what it has. */
  async ping({ connection_id }) {
    await didcomm().connections.returnWhenIsConnected(connection_id, { timeoutMs: 20_000 })
    await didcomm().connections.sendPing(connection_id, { withReturnRouting: true })
    return {}
  },

  async offer({ id }) {
    const { offer, offerAttributes } = await didcomm().credentials.getFormatData(id)
    return {
      cred_def_id: offer?.anoncreds?.cred_def_id,
      schema_id: offer?.anoncreds?.schema_id,
      values: Object.fromEntries((offerAttributes ?? []).map(({ name, value }) => [name, value])),
    }
  },

  async accept_offer({ id }) {
    return exchange(await didcomm().credentials.acceptOffer({ credentialExchangeRecordId: id }))
  },

  async decline_offer({ id }) {
    return exchange(
      await didcomm().credentials.declineOffer({ credentialExchangeRecordId: id, sendProblemReport: true }),
    )
  },

  async credentials() {
    const all = await agent.modules.anoncreds.getCredentials({})
    return all.map((one) => ({
      id: one.credentialId,
      values: one.attributes,
      schema_id: one.schemaId,
      cred_def_id: one.credentialDefinitionId,
      rev_reg_id: one.revocationRegistryId,
      rev_reg_index: one.credentialRevocationId,
    }))
  },

  /** What is asked, and which credentials this wallet would answer with, by referent. */
  async request({ id, with_revoked }) {
    const { request } = await didcomm().proofs.getFormatData(id)
    const { proofFormats } = await didcomm().proofs.getCredentialsForRequest({
      proofExchangeRecordId: id,
      proofFormats: { anoncreds: { filterByNonRevocationRequirements: !with_revoked } },
    })
    const ids = (matches) =>
      Object.fromEntries(Object.entries(matches).map(([name, found]) => [name, found.map((m) => m.credentialId)]))
    return {
      asked: request.anoncreds,
      attributes: ids(proofFormats.anoncreds.attributes),
      predicates: ids(proofFormats.anoncreds.predicates),
    }
  },

  /** Answer with what the wallet itself selects; `with_revoked` also lets it take a revoked credential. */
  async answer({ id, with_revoked }) {
    const { proofFormats } = await didcomm().proofs.selectCredentialsForRequest({
      proofExchangeRecordId: id,
      proofFormats: { anoncreds: { filterByNonRevocationRequirements: !with_revoked } },
    })
    return exchange(await didcomm().proofs.acceptRequest({ proofExchangeRecordId: id, proofFormats }))
  },

  async decline({ id }) {
    return exchange(
      await didcomm().proofs.declineRequest({ proofExchangeRecordId: id, sendProblemReport: true }),
    )
  },

  async resolve({ did }) {
    const { didDocument, didResolutionMetadata } = await agent.dids.resolve(did)
    if (!didDocument) throw new Error(didResolutionMetadata.message ?? didResolutionMetadata.error)
    return didDocument.toJSON()
  },

  /** Read an AnonCreds object from its registry; kind: schema, cred_def, rev_reg or status_list (with timestamp). */
  async read({ kind, id, timestamp }) {
    const api = agent.modules.anoncreds
    const readers = {
      schema: () => api.getSchema(id),
      cred_def: () => api.getCredentialDefinition(id),
      rev_reg: () => api.getRevocationRegistryDefinition(id),
      status_list: () => api.getRevocationStatusList(id, timestamp),
    }
    const found = await readers[kind]()
    const object =
      found.schema ?? found.credentialDefinition ?? found.revocationRegistryDefinition ?? found.revocationStatusList
    if (!object) throw new Error(found.resolutionMetadata.message ?? found.resolutionMetadata.error)
    return object
  },
}

async function obey({ seq, do: name, with: input }) {
  try {
    if (!Object.hasOwn(commands, name)) throw new Error(`there is no command ${name}`)
    say({ seq, result: await commands[name](input) })
  } catch (error) {
    say({ seq, error: { name: error.name, message: error.message, cause: error.cause?.message ?? null } })
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line.trim()) void obey(JSON.parse(line))
}
// Standard input has ended: the driver is done, or gone.
setTimeout(() => process.exit(1), 10_000)
await agent?.shutdown()
process.exit(0)
