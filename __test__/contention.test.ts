// One lease and many that want it, in one process and in several.
import type {
  CommitIsrGenerationInput,
  FaceTheoryIsrMetaStore,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'
import { beforeAll, expect, onTestFinished, test } from 'vitest'

import { Contender } from './support/contenders.js'
import { t0 } from './support/steps.js'
import { makeTable, newKey, sortKeys, storeOf } from './support/store.js'

const leaseDurationMs = 5_000

let table: string
let store: FaceTheoryIsrMetaStore

beforeAll(async () => {
  table = await makeTable()
  store = storeOf(table)
})

const crowd = (size: number): string[] => Array.from({ length: size }, (_, index) => `contender ${index}`)

const wish = (cacheKey: string, leaseOwner: string, nowMs = t0): TryAcquireIsrLeaseInput => ({
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

/** The lease of the one attempt that got it, which is what every other attempt shows as the holder's. */
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

test('of 50 at once exactly one gets a free lease, and the others are shown it', async () => {
  const cacheKey = newKey()
  const owners = crowd(50)
  const attempts = await Promise.all(owners.map((owner) => store.tryAcquireLease(wish(cacheKey, owner))))
  const lease = theOneLease(owners, attempts)
  expect(await store.get(cacheKey)).toMatchObject(lease)
})

test('of 50 at once exactly one takes over an expired lease', async () => {
  const cacheKey = newKey()
  await store.tryAcquireLease(wish(cacheKey, 'the one before', t0 - leaseDurationMs))
  const owners = crowd(50)
  const attempts = await Promise.all(owners.map((owner) => store.tryAcquireLease(wish(cacheKey, owner))))
  expect(await store.get(cacheKey)).toMatchObject(theOneLease(owners, attempts))
})

test('of 50 acquires at once by one owner all succeed, and exactly the token in the table publishes', async () => {
  const cacheKey = newKey()
  const leaseOwner = 'one owner'
  const attempts = await Promise.all(crowd(50).map(() => store.tryAcquireLease(wish(cacheKey, leaseOwner))))
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

test('of eight processes one a round publishes, all see its page, and who comes late publishes nothing', async () => {
  const cacheKey = newKey()
  const contenders = await Promise.all(crowd(8).map(() => Contender.start(table)))
  onTestFinished(async () => {
    await Promise.all(contenders.map((contender) => contender.end()))
  })

  let late: { winner: Contender; lease: Lease } | undefined
  for (let round = 0; round < 25; round++) {
    // Each round starts in the millisecond in which the lease of the one before ends.
    const nowMs = t0 + round * leaseDurationMs
    const entries = contenders.map((contender, index) => ({ contender, owner: `process ${index}, round ${round}` }))
    const attempts = await Promise.all(
      entries.map(({ contender, owner }) => contender.call('tryAcquireLease', wish(cacheKey, owner, nowMs))),
    )
    const owners = entries.map(({ owner }) => owner)
    const lease = theOneLease(owners, attempts, nowMs)
    const winner = contenders[owners.indexOf(lease.leaseOwner)]
    if (winner === undefined) throw new Error('the lease belongs to nobody here')

    if (late !== undefined) {
      // Rendered in time by its own clock: it is the token that fences.
      const zombie = late.winner.call('commitGeneration', page(cacheKey, late.lease, nowMs - 1))
      await expect(zombie).rejects.toMatchObject({ name: 'IsrLeaseConflictError', code: 'ErrLeaseNotOwned' })
    }
    // Every fifth winner is too slow, and the next round takes its lease over.
    late = round % 5 === 3 ? { winner, lease } : undefined
    if (late !== undefined) continue

    await winner.call('commitGeneration', page(cacheKey, lease, nowMs))
    const records = await Promise.all(contenders.map((contender) => contender.call('get', cacheKey)))
    const published = { htmlPointer: lease.leaseToken, generatedAt: nowMs, leaseOwner: null, leaseToken: null }
    expect(records).toEqual(contenders.map(() => expect.objectContaining(published)))
  }

  expect(await sortKeys(table, `CACHE#${cacheKey}`)).toEqual(['META'])
  expect(await Promise.all(contenders.map((contender) => contender.end()))).toEqual(contenders.map(() => 0))
})
