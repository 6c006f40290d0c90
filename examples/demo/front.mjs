// The front for a browser: it spreads requests over the four processes, as a load balancer does, and shows the table.
import { readFile } from 'node:fs/promises'

import { listen } from './loopback.mjs'
import { pageNames } from './page.mjs'
import { processNames } from './processes.mjs'
import { groupAlike } from './report.mjs'

/** @typedef {import('node:http').ServerResponse} Response */
/** @typedef {Omit<import('./acts.mjs').Stage, 'report'>} Stage */

const burst = 20
const remembered = 12

/** @param {Stage} stage */
export async function startFront(stage) {
  const view = await readFile(new URL('view.html', import.meta.url))
  const balancer = createBalancer(stage.servers)

  /** @type {Record<string, (name: string, response: Response) => unknown>} */
  const routes = {
    'GET /': (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(view),
    'GET /state': async (_, response) => {
      const state = { ...(await look(stage, balancer.served)), latest: balancer.latest() }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(state))
    },
    'GET /page': async (name, response) => passOn(await balancer.one(`/page/${name}`, 'GET'), response),
    'DELETE /page': async (name, response) => passOn(await balancer.one(`/page/${name}`, 'DELETE'), response),
    'POST /burst': async (name, response) => {
      await balancer.many(`/page/${name}`)
      response.writeHead(204).end()
    },
    'DELETE /process': async (name, response) => {
      await stage.servers.kill(name)
      response.writeHead(204).end()
    },
    'POST /origin': (name, response) => {
      stage.origin.failing = name === 'broken'
      response.writeHead(204).end()
    },
  }

  return listen(async (request, response) => {
    const [, section = '', name = ''] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/')
    const route = routes[`${request.method} /${section}`]
    if (route) await route(name, response)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found.\n')
  })
}

/** @param {Stage['servers']} servers */
function createBalancer(servers) {
  /** @type {object[][]} */
  let latest = []
  /** @type {Map<string, Record<string, number>>} The answers of each process, by state. */
  const served = new Map()
  let next = 0

  /** @param {string} path @param {'GET' | 'DELETE'} method */
  async function pass(path, method) {
    const running = [...servers.running.keys()].sort()
    const answer = await servers.request(running[next++ % running.length] ?? '', path, method)
    return { ...answer, path, method, at: Date.now() }
  }

  /** Requests with the same outcome are shown as one. @param {Awaited<ReturnType<typeof pass>>[]} answers */
  function remember(answers) {
    const rows = answers.map(({ html: _, ...row }) => row)
    latest = [...groupAlike(rows), ...latest].slice(0, remembered)
    for (const { process, state, method } of rows) {
      const counts = served.get(process) ?? {}
      const name = method === 'DELETE' ? 'invalidated' : state
      served.set(process, { ...counts, [name]: (counts[name] ?? 0) + 1 })
    }
  }

  return {
    latest: () => latest,
    /** @param {string} process */
    served: (process) => served.get(process) ?? {},
    /** @param {string} path @param {'GET' | 'DELETE'} method */
    async one(path, method) {
      const answer = await pass(path, method)
      remember([answer])
      return answer
    },
    /** @param {string} path */
    async many(path) {
      remember(await Promise.all(Array.from({ length: burst }, () => pass(path, 'GET'))))
    },
  }
}

/** @param {import('./processes.mjs').Answer} answer @param {Response} response */
function passOn({ status, state, process, contentType, html }, response) {
  const headers = { 'content-type': contentType, 'cache-control': 'no-store', 'x-isr': state, 'x-process': process }
  response.writeHead(status, headers).end(status === 204 ? undefined : html)
}

/** @param {Stage} stage @param {(process: string) => Record<string, number>} served */
async function look({ servers, origin, metaStore, timing }, served) {
  const records = await Promise.all(pageNames.map((page) => metaStore.get(`/page/${page}`)))
  const entries = records.map((record, index) => {
    // The token permits a commit, so the browser does not get it.
    const { leaseToken, ...entry } = record ?? { leaseToken: null }
    return { path: `/page/${pageNames[index]}`, ...entry, leased: leaseToken !== null }
  })
  const processes = processNames.map((name) => ({
    name,
    pid: servers.running.get(name)?.child.pid ?? null,
    served: served(name),
  }))
  return { now: Date.now(), timing, entries, processes, renders: origin.renders.length, failing: origin.failing }
}
