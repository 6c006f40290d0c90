// The processes in which the peers work.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { clientEnv } from './servers.mjs'

const program = fileURLToPath(new URL('child.mjs', import.meta.url))

async function start({ name, module }) {
  const child = fork(program, [module], { env: clientEnv })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of ${name} ended (${signal ?? code})`)
  })
  // At the end of the benchmark, this is not an error.
  ended.catch(() => {})

  const answer = async () => {
    const [{ failure, result }] = await Promise.race([once(child, 'message'), ended])
    if (failure !== undefined) throw new Error(`${name}: ${failure}`)
    return result
  }
  await answer()
  const ask = (task, at, input = {}) => {
    child.send({ task, at, input })
    return answer()
  }
  return { ask, stop: () => child.disconnect() }
}

/** Starts a process for each peer. `ask` sends a task to one of them, and resolves to the result. */
export async function startChildren(peers) {
  const children = {}
  for (const peer of peers) children[peer.name] = await start(peer)
  return {
    ask: (name, task, at, input) => children[name].ask(task, at, input),
    stop: () => {
      for (const child of Object.values(children)) child.stop()
    },
  }
}
