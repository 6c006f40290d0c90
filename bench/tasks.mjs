// The tasks of a peer, in its own process.
import { setTimeout as pause } from 'node:timers/promises'

import { check } from './check.mjs'
import { createRuntime } from './facetheory.mjs'
import { median, percentile } from './figures.mjs'
import { fleet, fleetOptions } from './fleet.mjs'
import { cacheKeyOf, generation, regenerate, takeLease } from './pages.mjs'

/** Resolves to the milliseconds of each call after the warm-up. */
async function timed(warmUp, calls, call) {
  for (let number = 0; number < warmUp; number += 1) await call(number)
  const times = []
  for (let number = 0; number < calls; number += 1) {
    const start = performance.now()
    await call(number)
    times.push(performance.now() - start)
  }
  return times
}

async function getOneAtATime(store, { warmUp, calls }) {
  const get = () => store.get(cacheKeyOf('hello'))
  await timed(warmUp, 0, get)
  const cpu = process.cpuUsage()
  const times = await timed(0, calls, get)
  const { user, system } = process.cpuUsage(cpu)
  return {
    latencyUs: median(times) * 1_000,
    p99Us: percentile(times, 99) * 1_000,
    oneCpuUs: (user + system) / calls,
  }
}

async function getManyAtATime(store, { warmUp, atOnce, ofEach }) {
  // Each loop has its own key, so that no two calls can share a request.
  const repeat = async (slug, times) => {
    for (let number = 0; number < times; number += 1) await store.get(cacheKeyOf(slug))
  }
  const loops = (times) => Promise.all(Array.from({ length: atOnce }, (_, slug) => repeat(slug, times)))
  await loops(warmUp)
  const cpu = process.cpuUsage()
  const start = performance.now()
  await loops(ofEach)
  const tookMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const calls = atOnce * ofEach
  return { callsPerSecond: (calls / tookMs) * 1_000, cpuUs: (user + system) / calls }
}

async function regenerateRepeatedly(store, { slug, warmUp, calls }) {
  const times = await timed(warmUp, calls, (number) => regenerate(store, cacheKeyOf(slug), `owner ${number}`))
  return { medianMs: median(times) }
}

async function publish(store, slug, generatedAt) {
  const lease = await takeLease(store, cacheKeyOf(slug), 'the first')
  await store.commitGeneration(generation(lease, generatedAt))
  await store.releaseLease(lease)
}

/** Publishes a page that was generated long ago. */
const publishStale = (store, { slug }) => publish(store, slug, Date.now() - 3_600_000)

const publishFresh = (store, { slug }) => publish(store, slug, Date.now())

async function crowd(store, { slug, callers, renderMs }) {
  let renders = 0
  const render = async () => {
    renders += 1
    await pause(renderMs)
  }
  // TableTheory's schema has whole seconds.
  const began = Math.floor(Date.now() / 1_000) * 1_000
  const times = []
  const { serve } = createRuntime(store)
  const visit = async () => {
    const start = performance.now()
    const { generatedAt } = await serve(cacheKeyOf(slug), render)
    times.push(performance.now() - start)
    if (generatedAt < began) throw new Error('a visitor got the old page')
  }
  await Promise.all(Array.from({ length: callers }, visit))
  return { medianMs: median(times), slowestMs: Math.max(...times), renders }
}

const call = (store, { method, input }) => store[method](input)

export const tasks = {
  call,
  check,
  crowd,
  fleet,
  fleetOptions,
  getManyAtATime,
  getOneAtATime,
  publishFresh,
  publishStale,
  regenerateRepeatedly,
}
