// The wallet's one link secret, made when it is needed first.

import { LinkSecret } from '../anoncreds/link_secret.js'
import type { Agent } from '../agent/agent.js'
import { Received } from '../received.js'

const ROW = 'it'

export function linkSecretOf(agent: Agent): Promise<LinkSecret> {
  return agent.locks.run('link secret', async () => {
    const row = await agent.store.get('link-secret', ROW)
    if (row) return LinkSecret.unseal(new Received(row, 'link secret').member('sealed'))
    const secret = LinkSecret.random()
    await agent.store.write([{ kind: 'link-secret', id: ROW, value: { sealed: secret.seal() } }])
    return secret
  })
}
