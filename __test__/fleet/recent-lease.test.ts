// After a `get` that showed a lease, an acquire returns that lease without a request, so losers cost no write units.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrMetaRecord } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { storeOf } from '../support/store.js'
import { acquisition, type Member, publishPage, table, withMember } from './setting.js'

/** Reads until a read takes less than half of the 100 ms that a lease is believed. A busy machine needs several. */
async function quickGet({ store, cacheKey }: Member): Promise<IsrMetaRecord | null> {
  for (;;) {
    const begun = performance.now()
    const seen = await store.get(cacheKey)
    if (performance.now() - begun < 50) return seen
    await sleep(100)
  }
}

test('an acquire right after a get that showed another lease sends nothing and returns that lease', () =>
  withMember({}, async (member) => {
    const { store, stub, cacheKey } = member
    const holder = storeOf(await table())
    await publishPage(holder, cacheKey, { generatedAt: Date.now() - 70_000 })
    const { leaseToken } = await holder.tryAcquireLease(acquisition(cacheKey, 'holder'))
    const seen = await quickGet(member)
    const attempt = await store.tryAcquireLease(acquisition(cacheKey, 'loser', { fallbackRevalidateSeconds: 7 }))
    expect(new Set(stub.operations())).toEqual(new Set(['Query']))
    expect(attempt).toEqual({ acquired: false, leaseToken: null, record: seen })
    expect(attempt.record.leaseToken).toBe(leaseToken)
  }))

test('an acquire after a get without a page returns the fallbackRevalidateSeconds of its own caller', () =>
  withMember({}, async (member) => {
    const { store, stub, cacheKey } = member
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await quickGet(member)
    const { record } = await store.tryAcquireLease(acquisition(cacheKey, 'loser', { fallbackRevalidateSeconds: 7 }))
    expect(record).toMatchObject({ htmlPointer: null, revalidateSeconds: 7, leaseOwner: 'holder' })
    expect(stub.count('PutItem')).toBe(0)
  }))

test('an acquire sends a put when the lease that get showed is free for its caller', () =>
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

test('an acquire sends a put when get showed the lease more than 100 ms ago', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    await sleep(120)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'loser'))).acquired).toBe(false)
    expect(stub.count('PutItem')).toBe(1)
  }))

test('an acquire sends a put when the store has changed the key since the get', () =>
  withMember({}, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    await store.invalidate(cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'next'))).acquired).toBe(true)
    expect(stub.count('PutItem')).toBe(1)
  }))

test('an acquire sends a put when the get was eventually consistent', () =>
  withMember({ consistentRead: false }, async ({ store, stub, cacheKey }) => {
    await storeOf(await table()).tryAcquireLease(acquisition(cacheKey, 'holder'))
    await store.get(cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'loser'))).acquired).toBe(false)
    expect(stub.count('PutItem')).toBe(1)
  }))
