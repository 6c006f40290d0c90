// Child processes: the database and the servers, and requests to these.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { generationOf } from './page.mjs'

export const processNames = ['A', 'B', 'C', 'D']
const answerTimeoutMs = 30_000

/** An error that is shown without its stack: the message is enough. */
export class CannotStart extends Error {}

/**
 * @typedef {object} Answer
 * @property {string} process
 * @property {string} state The header `x-isr`; `cut off` when the process died or did not answer.
 * @property {number | null} generation The number in the HTML.
 * @property {number} status
 * @property {number} ms
 * @property {string} contentType
 * @property {string} html
 */

/**
 * Resolves when the child has sent its first message. The child ends with this process, if not before.
 *
 * @param {string} file
 * @param {object} [argument]
 */
async function start(file, argument = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(argument)])
  const exited = once(child, 'exit')
  const message = await Promise.race([once(child, 'message').then(([first]) => first), exited])
  if (Array.isArray(message)) throw new CannotStart(`${file} ended with ${message[1] ?? `exit code ${message[0]}`}`)
  return { child, exited, message }
}

/**
 * @returns {Promise<string>} The endpoint.
 * @throws {CannotStart} When DynamoDB Local is missing or ends.
 */
export async function startDatabase() {
  const { endpoint, failure } = (await start('database.mjs')).message
  if (failure) throw new CannotStart(failure)
  return endpoint
}

/**
 * @param {import('./setting.mjs').Setting} setting
 * @param {{ restartDelayMs?: number }} [options] With it, a server that has died is started again.
 */
export async function startServers(setting, { restartDelayMs } = {}) {
  /** @type {Map<string, Awaited<ReturnType<typeof start>>>} */
  const running = new Map()

  /** @param {string} name */
  async function startServer(name) {
    const server = await start('server.mjs', { name, ...setting })
    running.set(name, server)
    server.exited.then(() => {
      running.delete(name)
      if (restartDelayMs) setTimeout(() => startServer(name).catch(console.error), restartDelayMs)
    })
  }

  /** @param {string} name @param {string} path @param {'GET' | 'DELETE'} [method] @returns {Promise<Answer>} */
  async function request(name, path, method = 'GET') {
    const startedAt = performance.now()
    const ms = () => Math.round(performance.now() - startedAt)
    try {
      const signal = AbortSignal.timeout(answerTimeoutMs)
      const response = await fetch(`${running.get(name)?.message.url}${path}`, { method, signal })
      const html = await response.text()
      const state = response.headers.get('x-isr') ?? ''
      const contentType = response.headers.get('content-type') ?? ''
      const { status } = response
      return { process: name, state, generation: generationOf(html), status, ms: ms(), contentType, html }
    } catch {
      const html = `Process ${name} did not answer.\n`
      return {
        process: name,
        state: 'cut off',
        generation: null,
        status: 502,
        ms: ms(),
        contentType: 'text/plain',
        html,
      }
    }
  }

  /** Makes `count` requests at the same time, and spreads them over the processes. @param {number} count @param {string} path */
  function requests(count, path, names = processNames) {
    return Promise.all(Array.from({ length: count }, (_, index) => request(names[index % names.length] ?? '', path)))
  }

  /** @param {string} name */
  async function kill(name) {
    const server = running.get(name)
    server?.child.kill('SIGKILL')
    await server?.exited
  }

  await Promise.all(processNames.map(startServer))
  return { running, start: startServer, kill, request, requests }
}

/** @typedef {Awaited<ReturnType<typeof startServers>>} Servers */
