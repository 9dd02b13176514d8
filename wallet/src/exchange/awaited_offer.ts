// The offer that a connection is for: it comes some moments after the connection stands.

import type { Agent } from '../agent/agent.js'
import { CheckFailedError, StateError, UnreachableError } from '../errors.js'

const PATIENCE_MS = 60_000

/**
 * Resolves with the newest offer of a connection that waits for an answer.
 *
 * @throws CheckFailedError the connection has failed, or was refused
 * @throws StateError the book was closed meanwhile
 * @throws UnreachableError no offer came
 */
export function newestOffer(agent: Agent, connection: string): Promise<string> {
  const look = async (): Promise<string | undefined> => {
    const { state } = (await agent.store.get('connection', connection)) ?? {}
    if (['failed', 'refused', 'unanswered'].includes(String(state))) throw new CheckFailedError('the connection has failed')
    const rows = (await agent.store.list('offer')).filter(([, row]) => row['connection'] === connection)
    return (rows.filter(([, row]) => row['state'] === 'offered').at(-1) ?? rows.at(-1))?.[0]
  }
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      stop()
    }
    const again = (): void => {
      if (agent.isStopped) {
        end()
        reject(new StateError('the book was closed meanwhile'))
        return
      }
      look().then((id) => {
        if (id === undefined) return
        end()
        resolve(id)
      }, (error: unknown) => {
        end()
        reject(error as Error)
      })
    }
    const stop = agent.onChange(again)
    const timer = setTimeout(() => {
      end()
      reject(new UnreachableError('no offer came'))
    }, PATIENCE_MS)
    again()
  })
}
