// The origin: a slow source of the pages' content. A render is one request here, so the origin counts renders, even
// those of processes that die.
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { listen } from './loopback.mjs'

const patienceMs = 10_000

/**
 * @typedef {object} Render
 * @property {string} page
 * @property {string} process
 * @property {number} startedAt Epoch milliseconds.
 * @property {'running' | 'delivered' | 'failed' | 'cut off'} outcome
 * @property {number | null} generation Counted for each page from 1, when delivered.
 */

/** @param {{ renderMs: number }} timing */
export async function startOrigin({ renderMs }) {
  /** @type {Render[]} */
  const renders = []
  /** @type {Map<string, number>} */
  const generations = new Map()
  const events = new EventEmitter()
  /** @type {Promise<unknown> | undefined} */
  let gate
  let release = () => {}

  /** @param {URL} url @param {import('node:http').ServerResponse} response */
  async function deliver(url, response) {
    const page = url.pathname.replace('/page/', '')
    const process = url.searchParams.get('process') ?? ''
    /** @type {Render} */
    const render = { page, process, startedAt: Date.now(), outcome: 'running', generation: null }
    renders.push(render)
    events.emit('render', render)
    const { failing } = origin
    const taken = Promise.all([sleep(renderMs), gate])
    gate = undefined
    await Promise.race([taken, new Promise((resolve) => response.once('close', resolve))])
    if (response.destroyed) {
      render.outcome = 'cut off'
    } else if (failing) {
      render.outcome = 'failed'
      response.writeHead(503).end()
    } else {
      render.outcome = 'delivered'
      render.generation = (generations.get(page) ?? 0) + 1
      generations.set(page, render.generation)
      response.end(JSON.stringify({ page, process, generation: render.generation }))
    }
  }

  const { url } = await listen((request, response) =>
    deliver(new URL(request.url ?? '/', 'http://localhost'), response),
  )
  const origin = {
    url,
    renders,
    /** The page's latest generation, published or not, and the renders from now on. @param {string} page */
    watch(page) {
      const before = renders.length
      return { generation: generations.get(page) ?? 0, rendersSince: () => renders.slice(before) }
    },
    /** While it is set, every render that begins fails. */
    failing: false,
    /** Keeps the next render from ending, until it is released or its process dies. */
    hold() {
      gate = new Promise((resolve) => {
        release = () => resolve(undefined)
      })
    },
    release: () => release(),
    /** Resolves when the next render begins. */
    async nextRender() {
      const signal = AbortSignal.timeout(patienceMs)
      await once(events, 'render', { signal }).catch(() => {
        throw new Error(`no render began within ${patienceMs} ms`)
      })
    },
  }
  return origin
}

/** @typedef {Awaited<ReturnType<typeof startOrigin>>} Origin */
