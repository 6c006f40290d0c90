// A page request in FaceTheory's runtime, with its defaults, as far as it concerns the metadata store.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { generation, leaseRequest } from './pages.mjs'

const waitTimeoutMs = 7_000
const pollIntervalMs = 25

const isFresh = (record, nowMs) =>
  record.htmlPointer !== null && nowMs < record.generatedAt + record.revalidateSeconds * 1_000

/** Resolves to a page that another environment has published, or to `null` after the timeout. */
async function pollForNewer(store, cacheKey, than) {
  const deadline = Date.now() + waitTimeoutMs
  while (Date.now() < deadline) {
    await pause(pollIntervalMs)
    const record = await store.get(cacheKey)
    if (record?.htmlPointer && (record.generatedAt > than || isFresh(record, Date.now()))) return record
  }
  return null
}

/**
 * Makes the runtime of one environment. Its `serve(cacheKey, render)` resolves to the visitor's answer: `generatedAt` of
 * the page, and FaceTheory's state of it. `stale-after-error` stands for an old page that is shown because a call failed.
 * Without such a page, it rejects, and the visitor gets HTTP 500.
 */
export function createRuntime(store) {
  const lastKnown = new Map()

  const answer = (state, { generatedAt }) => ({ state, generatedAt })

  const remember = (record) => {
    if (record?.htmlPointer) lastKnown.set(record.cacheKey, record)
    return record
  }

  async function orStale(work, recordOf) {
    try {
      return { result: await work() }
    } catch (error) {
      const record = recordOf()
      if (!record?.htmlPointer) throw error
      return { stale: answer('stale-after-error', record) }
    }
  }

  async function regenerate(lease, stale, render) {
    const generatedAt = Date.now()
    try {
      await render()
      await store.commitGeneration(generation(lease, generatedAt))
      return answer('miss', remember({ ...stale, htmlPointer: 'the new one', generatedAt }))
    } catch (error) {
      if (!stale.htmlPointer) throw error
      return answer('stale-after-error', stale)
    } finally {
      await store.releaseLease(lease)
    }
  }

  async function serve(cacheKey, render) {
    const began = Date.now()
    const read = await orStale(
      () => store.get(cacheKey),
      () => lastKnown.get(cacheKey),
    )
    if (read.stale) return read.stale
    const existing = remember(read.result)
    if (existing !== null && isFresh(existing, began)) return answer('hit', existing)

    const leaseOwner = randomUUID()
    const acquire = (nowMs, known) =>
      orStale(
        () => store.tryAcquireLease({ ...leaseRequest(cacheKey, leaseOwner), nowMs }),
        () => known ?? lastKnown.get(cacheKey),
      )
    const leaseOf = ({ leaseToken }) => ({ cacheKey, leaseOwner, leaseToken })

    // FaceTheory passes the time from before the read, too.
    const first = await acquire(began, existing)
    if (first.stale) return first.stale
    const stale = existing ?? first.result.record
    if (first.result.acquired) return regenerate(leaseOf(first.result), stale, render)

    const waited = await orStale(
      () => pollForNewer(store, cacheKey, stale.generatedAt),
      () => stale,
    )
    if (waited.stale) return waited.stale
    if (waited.result !== null) return answer('wait-hit', remember(waited.result))

    const second = await acquire(Date.now(), stale)
    if (second.stale) return second.stale
    if (second.result.acquired) return regenerate(leaseOf(second.result), stale, render)
    if (stale.htmlPointer) return answer('stale', stale)
    throw new Error(`the regeneration lock of "${cacheKey}" is busy`)
  }

  return { serve }
}
