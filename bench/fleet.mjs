// Many environments of Lambda, each with its own store, request one page. They run in the peer's process.
import { setTimeout as pause } from 'node:timers/promises'

import { createRuntime } from './facetheory.mjs'
import { percentile } from './figures.mjs'
import { cacheKeyOf } from './pages.mjs'

/** Returns those of the options that this version of the store has. */
export function fleetOptions(_store, options, createStore) {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => {
      try {
        createStore({ [name]: value })
        return true
      } catch {
        return false
      }
    }),
  )
}

/** Runs the visitors of one environment, one after the other, and resolves to the outcome of each. */
async function visit(runtime, cacheKey, { views, intervalMs, delayMs }, render) {
  await pause(delayMs)
  const outcomes = []
  const began = performance.now()
  for (let view = 0; view < views; view += 1) {
    await pause(Math.max(0, began + view * intervalMs - performance.now()))
    const start = performance.now()
    const outcome = await runtime.serve(cacheKey, render).catch((error) => ({ state: 'error', error }))
    outcomes.push({ ...outcome, tookMs: performance.now() - start })
  }
  return outcomes
}

/**
 * Lets `stores` environments arrive evenly over `spreadMs`, each of which then has `views` visitors. Resolves to the
 * shares and times of the visitors.
 */
export async function fleet(_store, { slug, options, stores, spreadMs, renderMs, views, intervalMs }, createStore) {
  const environments = Array.from({ length: stores }, () => createStore(options))
  // An environment has served requests before: its code is compiled, and its connection is open. These requests are for
  // pages in other partitions.
  for (const [number, store] of environments.entries()) await store.get(cacheKeyOf(`${slug}-before-${number}`))

  let renders = 0
  const render = async () => {
    renders += 1
    await pause(renderMs)
  }
  const began = performance.now()
  const cpu = process.cpuUsage()
  const outcomes = await Promise.all(
    environments.map((store, number) => {
      const delayMs = (number / stores) * spreadMs
      return visit(createRuntime(store), cacheKeyOf(slug), { views, intervalMs, delayMs }, render)
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  const visitors = outcomes.flat()
  const times = visitors.map((one) => one.tookMs)
  const count = (state) => visitors.filter((one) => one.state === state).length
  const errors = {}
  for (const { error } of visitors) {
    if (error !== undefined) errors[error.code ?? error.name] = (errors[error.code ?? error.name] ?? 0) + 1
  }
  return {
    visitors: visitors.length,
    errors,
    errorShare: count('error') / visitors.length,
    staleAfterErrorShare: count('stale-after-error') / visitors.length,
    renders,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    slowestMs: Math.max(...times),
    tookMs: performance.now() - began,
    cpuShare: (user + system) / 1_000 / (performance.now() - began),
  }
}
