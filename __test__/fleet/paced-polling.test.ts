// `get` of a page that another process regenerates waits between its requests.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrStoreOperation } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { storeOf } from '../support/store.js'
import { fault } from '../support/stub/stub.js'
import { acquisition, passing, publishPage, table, withMember } from './setting.js'

test('get waits longer before each poll of a held lease, up to 200 ms and half of that as jitter', () => {
  const told: IsrStoreOperation[] = []
  return withMember({ onOperation: (operation) => told.push(operation) }, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder', { leaseDurationMs: 20_000 }))
    await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
    const begun = performance.now()
    for (let poll = 0; poll < 14; poll++) await store.get(cacheKey)
    expect(performance.now() - begun).toBeGreaterThan(600)
    expect(stub.count('Query')).toBe(14)
    const paced = told.filter(({ operation }) => operation === 'get').map(({ pacedMs }) => pacedMs)
    expect(Math.max(...paced)).toBeGreaterThan(60)
    expect(Math.max(...paced)).toBeLessThanOrEqual(300)
  })
})

test('get does not wait after the page has been published', () => {
  const told: IsrStoreOperation[] = []
  return withMember({ onOperation: (operation) => told.push(operation) }, async ({ store, cacheKey }) => {
    const holder = storeOf(await table())
    const { leaseToken } = await holder.tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
    for (let poll = 0; poll < 5; poll++) await store.get(cacheKey)
    await holder.releaseLease({ cacheKey, leaseOwner: 'holder', leaseToken: leaseToken ?? '' })
    await publishPage(holder, cacheKey)
    await store.get(cacheKey)
    told.length = 0
    for (let poll = 0; poll < 5; poll++) await store.get(cacheKey)
    await sleep(10)
    expect(told.map(({ pacedMs }) => pacedMs)).toEqual([0, 0, 0, 0, 0])
  })
})

test('get does not wait when no lease is held', () => {
  const told: IsrStoreOperation[] = []
  return withMember({ onOperation: (operation) => told.push(operation) }, async ({ store, cacheKey }) => {
    for (let read = 0; read < 5; read++) await store.get(cacheKey)
    await sleep(10)
    expect(told.map(({ pacedMs }) => pacedMs)).toEqual([0, 0, 0, 0, 0])
  })
})

test('get waits no longer than the lease lasts', () => {
  const told: IsrStoreOperation[] = []
  let throttles = 0
  return withMember(
    { onOperation: (operation) => told.push(operation), operationTimeoutMs: 20_000 },
    async ({ store, cacheKey }) => {
      await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder', { leaseDurationMs: 1_000 }))
      await store.tryAcquireLease(acquisition(cacheKey, 'loser', { nowMs: Date.now() }))
      throttles = 3
      await store.get(cacheKey)
      await store.get(cacheKey)
      await sleep(10)
      const waits = told.filter(({ operation }) => operation === 'get').map(({ pacedMs }) => pacedMs)
      expect(Math.max(...waits)).toBeLessThanOrEqual(1_000)
    },
    (request, index) =>
      request.operation === 'Query' && throttles-- > 0 ? fault('ThrottlingException') : passing(request, index),
  )
})

test('get does not wait after its store has acquired the lease', () => {
  const told: IsrStoreOperation[] = []
  return withMember({ onOperation: (operation) => told.push(operation) }, async ({ store, cacheKey }) => {
    const holder = storeOf(await table())
    const { leaseToken } = await holder.tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
    await holder.releaseLease({ cacheKey, leaseOwner: 'holder', leaseToken: leaseToken ?? '' })
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'next'))).acquired).toBe(true)
    await store.get(cacheKey)
    await sleep(10)
    expect(told.at(-1)).toMatchObject({ operation: 'get', pacedMs: 0 })
  })
})

test('a throttled get raises the interval to the next poll to at least half a second', () => {
  const told: IsrStoreOperation[] = []
  let throttles = 0
  return withMember(
    { onOperation: (operation) => told.push(operation) },
    async ({ store, cacheKey }) => {
      await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder', { leaseDurationMs: 20_000 }))
      await store.tryAcquireLease(acquisition(cacheKey, 'loser'))
      throttles = 1
      await store.get(cacheKey)
      await store.get(cacheKey)
      await sleep(10)
      const [first, second] = told.filter(({ operation }) => operation === 'get')
      expect(first?.throttles).toBe(1)
      expect(second?.pacedMs).toBeGreaterThan(150)
    },
    (request, index) =>
      request.operation === 'Query' && throttles-- > 0 ? fault('ThrottlingException') : passing(request, index),
  )
})
