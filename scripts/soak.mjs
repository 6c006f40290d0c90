// Hours of an app's work in minutes, on DynamoDB Local: whether memory, sockets and the event loop stay as they are.
import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { startDynamoDbLocal } from './dynamodb-local.mjs'

const help = `Usage: npm run soak [-- --operations 200000] [--keys 1000] [--at-once 32]`

const limits = {
  growthMb: 5,
  /** The store's own limit, and a few sockets of the process itself. */
  sockets: 64 + 4,
  delayMs: 10,
}

/** Of the operations: until then pools fill and code is compiled. */
const warmUpShare = 0.2
const delayResolutionMs = 1
const leaseDurationMs = 500
const policy = "default-src 'self'; script-src 'self' 'nonce-0123456789abcdef'; object-src 'none'"

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '200000' },
    keys: { type: 'string', default: '1000' },
    'at-once': { type: 'string', default: '32' },
  },
})
const [operations, keys, atOnce] = [values.operations, values.keys, values['at-once']].map(Number)
if (![operations, keys, atOnce].every((number) => Number.isInteger(number) && number > 0)) {
  console.error(help)
  process.exit(2)
}

if (globalThis.gc === undefined) {
  // V8 gives its young generation tens of megabytes under load and takes them back at rest: that would hide a leak.
  const flags = ['--expose-gc', '--max-semi-space-size=1']
  const again = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(again.status ?? 1)
}

const { FaceTheoryIsrMetaStore } = await import('@theory-cloud/tabletheory-isr')
const { endpoint, stop } = await startDynamoDbLocal()
const store = new FaceTheoryIsrMetaStore(`soak-${process.pid}`, {
  endpoint,
  connectTimeoutMs: 20_000,
  requestTimeoutMs: 20_000,
  operationTimeoutMs: 60_000,
})
await store.ensureTable()
const socketsBefore = openSockets()

/** The number of calls of each operation, and their outcomes other than success. */
const counts = {}
const count = (what) => {
  counts[what] = (counts[what] ?? 0) + 1
}
let done = 0
let started = 0
const unexpected = new Map()

async function call(operation, input) {
  done += 1
  count(operation)
  try {
    return await store[operation](input)
  } catch (error) {
    if (error.code === 'ErrLeaseNotOwned') count('commits of a lease that was lost')
    else unexpected.set(error.code, error)
    return undefined
  }
}

const cacheKey = () => `default::/news/{slug}?slug=${Math.floor(Math.random() ** 2 * keys)}`

/** The calls of FaceTheory for a stale page, or of an editor. */
async function regenerate(key) {
  if (Math.random() < 0.05) return call('invalidate', key)
  started += 1
  const leaseOwner = `request ${started}`
  const claim = { cacheKey: key, leaseOwner }
  const attempt = await call('tryAcquireLease', {
    ...claim,
    nowMs: Date.now(),
    leaseDurationMs,
    fallbackRevalidateSeconds: 60,
  })
  if (!attempt?.acquired) return count('leases held by another')
  const { leaseToken } = attempt
  if (Math.random() < 0.9) {
    await call('commitGeneration', {
      ...claim,
      leaseToken,
      htmlPointer: `pages/${leaseToken}.html`,
      generatedAt: Date.now(),
      revalidateSeconds: 60,
      status: 200,
      contentType: 'text/html; charset=utf-8',
      contentSecurityPolicy: policy,
      strictCspPolicy: { inlineScripts: false },
      etag: `"${leaseToken}"`,
    })
  }
  return call('releaseLease', { ...claim, leaseToken })
}

/** Twelve pages are read for each regeneration, which is three operations: four in five are reads. */
async function work(until) {
  while (done < until) {
    if (Math.random() < 12 / 13) await call('get', cacheKey())
    else await regenerate(cacheKey())
  }
}

function openSockets() {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      // It was the folder's own, and is closed.
      return false
    }
  }).length
}

const round = (number) => Math.round(number * 100) / 100

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** In MB, of a process that has nothing to do. */
async function settledMemory() {
  const samples = []
  for (let sample = 0; sample < 9; sample += 1) {
    globalThis.gc()
    await pause(100)
    samples.push(process.memoryUsage.rss() / 2 ** 20)
  }
  return median(samples)
}

/** The delay of the event loop, without the monitor's own interval. */
const late = (monitor, percentile) => Math.max(0, monitor.percentile(percentile) / 1e6 - delayResolutionMs)
const monitors = {
  step: monitorEventLoopDelay({ resolution: delayResolutionMs }),
  afterWarmUp: monitorEventLoopDelay({ resolution: delayResolutionMs }),
}

const steps = 10
const rows = []
const socketsAfterWarmUp = []
let warm
for (let step = 1; step <= steps; step += 1) {
  const until = Math.ceil((operations * step) / steps)
  const before = done
  const sockets = []
  const watch = setInterval(() => sockets.push(openSockets() - socketsBefore), 20)
  const start = performance.now()
  monitors.step.reset()
  monitors.step.enable()
  if (warm !== undefined) monitors.afterWarmUp.enable()
  await Promise.all(Array.from({ length: atOnce }, () => work(until)))
  for (const monitor of Object.values(monitors)) monitor.disable()
  const tookMs = performance.now() - start
  clearInterval(watch)
  sockets.push(openSockets() - socketsBefore)
  rows.push({
    operations: done,
    'operations/s': Math.round(((done - before) / tookMs) * 1_000),
    'RSS, MB': round(process.memoryUsage.rss() / 2 ** 20),
    'sockets, least': Math.min(...sockets),
    'sockets, most': Math.max(...sockets),
    'loop delay p99, ms': round(late(monitors.step, 99)),
  })
  if (warm !== undefined) {
    warm.tookMs += tookMs
    socketsAfterWarmUp.push(...sockets)
  } else if (done >= operations * warmUpShare) {
    warm = { memoryMb: await settledMemory(), done, tookMs: 0 }
  }
}
const memoryMb = await settledMemory()
await stop()

const growthMb = memoryMb - warm.memoryMb
const mostSockets = Math.max(...socketsAfterWarmUp)
const p99 = late(monitors.afterWarmUp, 99)
console.table(rows)
console.log(
  Object.entries(counts)
    .map(([what, times]) => `${times} ${what}`)
    .join(', '),
)
console.log(`
| after a warm-up of ${warm.done} operations | measured | limit |
|---|---|---|
| operations | ${done - warm.done} over ${keys} keys, ${atOnce} at a time | |
| operations/s | ${Math.round(((done - warm.done) / warm.tookMs) * 1_000)} | |
| memory (RSS, median of samples after a collection), MB | ${round(warm.memoryMb)}, then ${round(memoryMb)} | |
| growth, MB | ${round(growthMb)} | below ${limits.growthMb} |
| sockets, least and most | ${Math.min(...socketsAfterWarmUp)}, ${mostSockets} | at most ${limits.sockets} |
| event-loop delay, p50, ms | ${round(late(monitors.afterWarmUp, 50))} | |
| event-loop delay, p99, ms | ${round(p99)} | below ${limits.delayMs} |

load average ${loadavg().map(round).join(', ')} on ${availableParallelism()} cores; DynamoDB Local is on them too`)

const violations = [
  growthMb >= limits.growthMb && 'memory grew',
  mostSockets > limits.sockets && 'too many sockets',
  p99 >= limits.delayMs && 'the event loop was late',
  ...Array.from(unexpected, ([code, error]) => `${code}: ${error.message}`),
].filter(Boolean)
for (const violation of violations) console.error(violation)
process.exitCode = violations.length > 0 ? 1 : 0
