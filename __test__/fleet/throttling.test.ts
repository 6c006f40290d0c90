// Throttled requests are repeated until the deadline, and a throttled put of the LOCK row is followed by a read.
import { describe, expect, test } from 'vitest'

import { rejectionOf } from '../support/failure.js'
import { storeOf } from '../support/store.js'
import { through } from '../support/stub/proxy.js'
import { cancelled, fault, type Script } from '../support/stub/stub.js'
import { acquisition, passing, publishPage, table, withMember } from './setting.js'

/** The first `times` requests of the operation are throttled. */
const throttling =
  (operation: string, times: number): Script =>
  (request, index) => {
    if (request.operation !== operation || index >= times) return passing(request, index)
    return operation === 'TransactWriteItems'
      ? cancelled('None', 'ThrottlingError')
      : fault(index % 2 === 0 ? 'ThrottlingException' : 'ProvisionedThroughputExceededException')
  }

describe('a throttled request is repeated more often than maxAttempts', () => {
  test('by get', () =>
    withMember(
      { maxAttempts: 1 },
      async ({ store, stub, cacheKey }) => {
        expect(await store.get(cacheKey)).toBeNull()
        expect(stub.count('Query')).toBe(5)
      },
      throttling('Query', 4),
    ))

  test('by invalidate', () =>
    withMember(
      { maxAttempts: 1 },
      async ({ store, stub, cacheKey }) => {
        await store.invalidate(cacheKey)
        expect(stub.count('TransactWriteItems')).toBe(5)
      },
      throttling('TransactWriteItems', 4),
    ))
})

test('a call that is throttled until its deadline rejects with ErrThrottled', () =>
  withMember(
    { operationTimeoutMs: 700, requestTimeoutMs: 700 },
    async ({ store, stub, cacheKey }) => {
      const begun = performance.now()
      const error = await rejectionOf(() => store.get(cacheKey))
      expect(error).toMatchObject({ code: 'ErrThrottled', retryable: true })
      expect(performance.now() - begun).toBeGreaterThan(200)
      // A few attempts at first, and more frequent ones near the deadline: far from a flood.
      expect(stub.count('Query')).toBeLessThanOrEqual(25)
    },
    throttling('Query', 1_000),
  ))

describe('a throttled put of the LOCK row is followed by a consistent read', () => {
  test('which returns the holder without another put', () =>
    withMember(
      {},
      async ({ store, stub, cacheKey }) => {
        await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
        const { acquired, record } = await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
        expect([acquired, record.leaseOwner]).toEqual([false, 'holder'])
        expect(stub.count('PutItem')).toBe(1)
        expect(stub.requests.find(({ operation }) => operation === 'Query')?.body.ConsistentRead).toBe(true)
      },
      throttling('PutItem', 1_000),
    ))

  test('which shows that the lease is free, so that the put is repeated with a new read of META', () =>
    withMember(
      {},
      async ({ store, stub, cacheKey }) => {
        expect((await store.tryAcquireLease(acquisition(cacheKey, 'winner'))).acquired).toBe(true)
        // The store cancels a read of META in flight when the put beside it is throttled.
        expect([stub.count('PutItem'), stub.count('Query')]).toEqual([3, 2])
        expect(stub.operations().at(-1)).toMatch(/PutItem|GetItem/)
        expect(stub.count('GetItem')).toBeGreaterThanOrEqual(1)
      },
      throttling('PutItem', 2),
    ))

  test('which finds the token of an earlier attempt, so that the lease is acquired', () => {
    // The first put takes effect and its answer is lost. The second put is throttled, and so are all later ones.
    const lostFirst = through(() => 'is lost on its way back')
    const script: Script = (request, index) => {
      if (request.operation !== 'PutItem') return passing(request, index)
      return index === 0 ? lostFirst(request, index) : fault('ThrottlingException')
    }
    return withMember(
      {},
      async ({ store, cacheKey }) => {
        const { acquired, leaseToken, record } = await store.tryAcquireLease(acquisition(cacheKey, 'winner'))
        expect(acquired).toBe(true)
        expect(record.leaseToken).toBe(leaseToken)
      },
      script,
    )
  })

  test('which finds the same token under another owner, so that the lease is not acquired', () =>
    withMember(
      { leaseToken: () => 'fixed' },
      async ({ store, cacheKey }) => {
        const holder = storeOf(await table(), { leaseToken: () => 'fixed' })
        expect((await holder.tryAcquireLease(acquisition(cacheKey, 'holder'))).acquired).toBe(true)
        const { acquired, record } = await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
        expect([acquired, record.leaseOwner]).toEqual([false, 'holder'])
      },
      throttling('PutItem', 1_000),
    ))

  test('which finds a newer page than get returned, so that no lease is needed', () =>
    withMember(
      {},
      async ({ store, stub, cacheKey }) => {
        await store.get(cacheKey)
        await publishPage(storeOf(await table()), cacheKey, { htmlPointer: 'by another' })
        const { acquired, record } = await store.tryAcquireLease(acquisition(cacheKey, 'late'))
        expect([acquired, record.htmlPointer, record.leaseToken]).toEqual([false, 'by another', null])
        expect(stub.count('PutItem')).toBe(1)
      },
      throttling('PutItem', 1_000),
    ))
})
