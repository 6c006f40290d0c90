// Contention: many callers ask for one lease, in one process and in several.
import type {
  CommitIsrGenerationInput,
  FaceTheoryIsrMetaStore,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'
import { beforeAll, expect, onTestFinished, test } from 'vitest'

import { Contender } from '../support/contenders.js'
import { t0 } from '../support/model/steps.js'
import { pkOf } from '../support/rows.js'
import { makeTable, newKey, sortKeys, storeOf } from '../support/store.js'

const leaseDurationMs = 5_000

let table: string
let store: FaceTheoryIsrMetaStore

beforeAll(async () => {
  table = await makeTable()
  store = storeOf(table)
})

const crowd = (size: number): string[] => Array.from({ length: size }, (_, index) => `contender ${index}`)

const leaseInput = (cacheKey: string, leaseOwner: string, nowMs = t0): TryAcquireIsrLeaseInput => ({
  cacheKey,
  leaseOwner,
  nowMs,
  leaseDurationMs,
  fallbackRevalidateSeconds: 60,
})

interface Lease {
  leaseOwner: string
  leaseToken: string
}

const page = (cacheKey: string, lease: Lease, generatedAt = t0): CommitIsrGenerationInput => ({
  cacheKey,
  ...lease,
  htmlPointer: lease.leaseToken,
  generatedAt,
  revalidateSeconds: 60,
  status: 200,
  contentType: 'text/html',
})

/** The lease of the one attempt that acquired it. All other attempts show it as the holder's. */
function theOneLease(owners: string[], attempts: TryAcquireIsrLeaseResult[], nowMs = t0): Lease {
  const granted = attempts.flatMap(({ leaseToken }, index) => {
    const leaseOwner = owners[index]
    return leaseToken !== null && leaseOwner !== undefined ? [{ leaseOwner, leaseToken }] : []
  })
  expect(granted).toHaveLength(1)
  const [lease = { leaseOwner: '', leaseToken: '' }] = granted
  expect(attempts).toHaveLength(owners.length)
  for (const { acquired, leaseToken, record } of attempts) {
    expect(acquired).toBe(leaseToken !== null)
    expect(record).toMatchObject({ ...lease, leaseExpiresAt: nowMs + leaseDurationMs })
  }
  return lease
}

/** Ways in which the winner of a round ends its lease before the next round. */
const endings: ((lease: Lease, cacheKey: string, nowMs: number) => Promise<void>)[] = [
  (lease, cacheKey, nowMs) => store.commitGeneration(page(cacheKey, lease, nowMs)),
  (lease, cacheKey) => store.releaseLease({ cacheKey, ...lease }),
  // The lease expires.
  async () => {},
  (_, cacheKey) => store.invalidate(cacheKey),
]

// A store sends one attempt at a time for all its callers of the same key.
test.each([
  ['one store', 1],
  ['fifty stores', 50],
])('exactly one of 1,000 concurrent callers of %s acquires the lease in each of 20 rounds', async (_, size) => {
  const stores = Array.from({ length: size }, () => storeOf(table))
  const cacheKey = newKey()
  for (let round = 0; round < 20; round++) {
    const nowMs = t0 + round * leaseDurationMs
    const owners = crowd(1_000).map((name) => `${name}, round ${round}`)
    const asked = owners.map((owner, index) =>
      stores[index % size]?.tryAcquireLease(leaseInput(cacheKey, owner, nowMs)),
    )
    const attempts = (await Promise.all(asked)).filter((attempt) => attempt !== undefined)
    const lease = theOneLease(owners, attempts, nowMs)
    expect(await store.get(cacheKey)).toMatchObject(lease)
    await endings[round % endings.length]?.(lease, cacheKey, nowMs)
  }
  // The last ending was an invalidation.
  expect(await sortKeys(table, pkOf(cacheKey))).toEqual([])
})

test('50 concurrent acquires by one owner all succeed, and only the token in the table publishes', async () => {
  const cacheKey = newKey()
  const leaseOwner = 'one owner'
  const attempts = await Promise.all(crowd(50).map(() => store.tryAcquireLease(leaseInput(cacheKey, leaseOwner))))
  const tokens = attempts.map(({ leaseToken }) => leaseToken ?? 'none')
  expect(attempts.every(({ acquired }) => acquired)).toBe(true)
  expect(new Set(tokens).size).toBe(tokens.length)

  const last = (await store.get(cacheKey))?.leaseToken
  const commits = tokens.map((leaseToken) => store.commitGeneration(page(cacheKey, { leaseOwner, leaseToken })))
  const published = (await Promise.allSettled(commits)).map((commit, index) => {
    if (commit.status === 'rejected') expect(commit.reason).toMatchObject({ code: 'ErrLeaseNotOwned' })
    return commit.status === 'fulfilled' ? tokens[index] : undefined
  })
  expect(published.filter((token) => token !== undefined)).toEqual([last])
  expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: last, leaseToken: null })
})

test('one of eight processes publishes in each round, all read its page, and a late commit is refused', async () => {
  const cacheKey = newKey()
  const contenders = await Promise.all(crowd(8).map(() => Contender.start(table)))
  onTestFinished(async () => {
    await Promise.all(contenders.map((contender) => contender.end()))
  })

  let late: { winner: Contender; lease: Lease } | undefined
  for (let round = 0; round < 25; round++) {
    // Each round starts in the millisecond in which the lease of the previous round ends.
    const nowMs = t0 + round * leaseDurationMs
    const entries = contenders.map((contender, index) => ({ contender, owner: `process ${index}, round ${round}` }))
    const attempts = await Promise.all(
      entries.map(({ contender, owner }) => contender.store.tryAcquireLease(leaseInput(cacheKey, owner, nowMs))),
    )
    const owners = entries.map(({ owner }) => owner)
    const lease = theOneLease(owners, attempts, nowMs)
    const winner = contenders[owners.indexOf(lease.leaseOwner)]
    if (winner === undefined) throw new Error('the owner of the lease is not one of the processes')

    if (late !== undefined) {
      // By `generatedAt` the lease has not expired: the token alone makes the commit fail.
      const lateCommit = late.winner.store.commitGeneration(page(cacheKey, late.lease, nowMs - 1))
      await expect(lateCommit).rejects.toMatchObject({ name: 'IsrLeaseConflictError', code: 'ErrLeaseNotOwned' })
    }
    // Every fifth winner is too slow, and the winner of the next round takes its lease over.
    late = round % 5 === 3 ? { winner, lease } : undefined
    if (late !== undefined) continue

    await winner.store.commitGeneration(page(cacheKey, lease, nowMs))
    const records = await Promise.all(contenders.map((contender) => contender.store.get(cacheKey)))
    const published = { htmlPointer: lease.leaseToken, generatedAt: nowMs, leaseOwner: null, leaseToken: null }
    expect(records).toEqual(contenders.map(() => expect.objectContaining(published)))
  }

  expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['META'])
  expect(await Promise.all(contenders.map((contender) => contender.end()))).toEqual(contenders.map(() => 0))
})
