// A lease that `get` has just shown is believed: losers cost no write units.
import { setTimeout as sleep } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { storeOf } from '../support/store.js'
import { acquisition, publishPage, table, withMember } from './setting.js'

test('an acquire right after a get that showed another lease sends nothing and returns that lease', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    const holder = storeOf(await table())
    await publishPage(holder, cacheKey, { generatedAt: Date.now() - 70_000 })
    const { leaseToken } = await holder.tryAcquireLease(acquisition(cacheKey, 'holder'))
    const seen = await store.get(cacheKey)
    const attempt = await store.tryAcquireLease(acquisition(cacheKey, 'loser', { fallbackRevalidateSeconds: 7 }))
    expect(stub.operations()).toEqual(['Query'])
    expect(attempt).toEqual({ acquired: false, leaseToken: null, record: seen })
    expect(attempt.record.leaseToken).toBe(leaseToken)
  }))

test('the fallback of the caller completes the record when there is no page', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    const { record } = await store.tryAcquireLease(acquisition(cacheKey, 'loser', { fallbackRevalidateSeconds: 7 }))
    expect(record).toMatchObject({ htmlPointer: null, revalidateSeconds: 7, leaseOwner: 'holder' })
    expect(stub.count('PutItem')).toBe(0)
  }))

test('a lease that is free for the caller is taken', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    for (const input of [
      acquisition(cacheKey, 'holder'),
      acquisition(cacheKey, 'successor', { nowMs: Date.now() + 6_000 }),
    ]) {
      await store.get(cacheKey)
      expect((await store.tryAcquireLease(input)).acquired).toBe(true)
    }
    expect(stub.count('PutItem')).toBe(2)
  }))

test('a lease that was seen more than 100 ms ago is asked for', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    await sleep(120)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'loser'))).acquired).toBe(false)
    expect(stub.count('PutItem')).toBe(1)
  }))

test('a lease is not believed after the store has changed the key', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    await store.invalidate(cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'next'))).acquired).toBe(true)
    expect(stub.count('PutItem')).toBe(1)
  }))

test('a lease that an eventually consistent read showed is asked for', () =>
  withMember({ consistentRead: false }, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'loser'))).acquired).toBe(false)
    expect(stub.count('PutItem')).toBe(1)
  }))
