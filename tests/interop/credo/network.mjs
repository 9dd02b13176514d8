// How the wallet reaches the world. Only two things differ from a wallet on the internet: the certificate authority
// is a private one, and a "host:443" may be dialled at another address and port. Names in certificates stay checked.
import { createWriteStream } from 'node:fs'
import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import https from 'node:https'
import path from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Agent, buildConnector, fetch, setGlobalDispatcher } from 'undici'
import WebSocket from 'ws'

/**
 * Send every fetch of this process, also those of libraries, through the connection map.
 *
 * @param {string} ca PEM text of the certificates to trust, instead of the public ones
 * @param {Record<string, string>} connect for example {"centre.example.test:443": "127.0.0.1:8443"}
 */
export function useNetwork(ca, connect) {
  const dial = buildConnector({ ca, timeout: 10_000 })
  const toMappedAddress = (target, done) => {
    const mapped = connect[`${target.hostname}:${target.port || 443}`]
    if (!mapped) return dial(target, done)
    const [hostname, port] = mapped.split(':')
    return dial({ ...target, hostname, port, servername: target.servername ?? target.hostname }, done)
  }
  setGlobalDispatcher(new Agent({ connect: toMappedAddress }))
  globalThis.fetch = fetch
}

/** The class of web sockets that go through the connection map; arguments as with `useNetwork`. */
export function webSocketOf(ca, connect) {
  return class extends WebSocket {
    constructor(address) {
      const { hostname, port, pathname, search } = new URL(address)
      const mapped = connect[`${hostname}:${port || 443}`] ?? `${hostname}:${port || 443}`
      super(`wss://${mapped}${pathname}${search}`, { ca, servername: hostname, headers: { host: hostname } })
    }
  }
}

/** The file system that Credo asks its host program for: folders below one root, and checked downloads. */
export class WalletFiles {
  constructor(root) {
    this.dataPath = path.join(root, 'data')
    this.cachePath = path.join(root, 'cache')
    this.tempPath = path.join(root, 'temp')
  }

  async exists(file) {
    return fs.access(file).then(() => true, () => false)
  }

  // Credo names a file inside the folder that it wants.
  async createDirectory(file) {
    await fs.mkdir(path.dirname(file), { recursive: true })
  }

  async copyFile(source, target) {
    await fs.copyFile(source, target)
  }

  async write(file, text) {
    await this.createDirectory(file)
    await fs.writeFile(file, text)
  }

  async read(file) {
    return fs.readFile(file, 'utf-8')
  }

  async delete(file) {
    await fs.rm(file, { recursive: true, force: true })
  }

  async downloadToFile(url, file, options) {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    await this.createDirectory(file)
    const hash = createHash('sha256')
    const hashed = new Transform({
      transform(chunk, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    const unchecked = `${file}.part`
    await pipeline(Readable.fromWeb(response.body), hashed, createWriteStream(unchecked))
    if (options?.verifyHash && !hash.digest().equals(Buffer.from(options.verifyHash.hash))) {
      await fs.rm(unchecked)
      throw new Error(`${url} does not have the hash that the registry definition promises`)
    }
    await fs.rename(unchecked, file)
  }
}

/** An https endpoint for DIDComm, for a wallet that is reachable. Credo ships one only with an HTTP framework. */
export class HttpsInboundTransport {
  /** @param {{port: number, cert: string, key: string}} options cert and key are PEM text */
  constructor(options, receive) {
    this.options = options
    this.receive = receive
  }

  async start(agentContext) {
    const { cert, key, port } = this.options
    this.server = https.createServer({ cert, key }, async (request, response) => {
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      try {
        this.receive(agentContext, JSON.parse(Buffer.concat(chunks).toString('utf-8')))
        response.writeHead(200).end()
      } catch {
        response.writeHead(400).end()
      }
    })
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve))
  }

  async stop() {
    this.server?.closeAllConnections()
    await new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve()))
  }
}
