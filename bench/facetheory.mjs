// A page request in FaceTheory's runtime, with its defaults, as far as it concerns the metadata store.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { generation, leaseWish } from './pages.mjs'

const waitTimeoutMs = 7_000
const pollIntervalMs = 25

const isFresh = (record) =>
  record.htmlPointer !== null && Date.now() < record.generatedAt + record.revalidateSeconds * 1_000

async function regenerate(store, lease, render) {
  const generatedAt = Date.now()
  try {
    await render()
    await store.commitGeneration(generation(lease, generatedAt))
  } finally {
    await store.releaseLease(lease)
  }
  return generatedAt
}

/** Until another request has published; nothing when it takes too long. */
async function pollForNewer(store, cacheKey, than) {
  const deadline = Date.now() + waitTimeoutMs
  while (Date.now() < deadline) {
    await pause(pollIntervalMs)
    const record = await store.get(cacheKey)
    if (record?.htmlPointer && (record.generatedAt > than || isFresh(record))) return record
  }
  return null
}

/** Resolves to when the page that the visitor gets was generated. */
export async function servePage(store, cacheKey, render) {
  const existing = await store.get(cacheKey)
  if (existing !== null && isFresh(existing)) return existing.generatedAt

  const leaseOwner = randomUUID()
  const acquire = async () => {
    const attempt = await store.tryAcquireLease(leaseWish(cacheKey, leaseOwner))
    return { ...attempt, lease: { cacheKey, leaseOwner, leaseToken: attempt.leaseToken } }
  }
  const first = await acquire()
  if (first.acquired) return regenerate(store, first.lease, render)

  const stale = existing ?? first.record
  const newer = await pollForNewer(store, cacheKey, stale.generatedAt)
  if (newer !== null) return newer.generatedAt
  const second = await acquire()
  return second.acquired ? regenerate(store, second.lease, render) : stale.generatedAt
}
