// Numbers are read back exactly. The attributes that other languages read are integers, rounded to the safe side.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { acquire, commit, pkOf, publish } from '../support/rows.js'
import { type Item, makeTable, newKey, readRow, storeOf } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const numRuns = 150

/** Doubles of every size, readings of a clock, and doubles next to a whole second. */
const epochMillis = fc.oneof(
  fc.double({ min: 0, max: 1e15, maxExcluded: true, noNaN: true }),
  fc.double({ min: 1.6e12, max: 2e12, noNaN: true }),
  fc
    .tuple(fc.integer({ min: 1, max: 2e9 }), fc.constantFrom(-1, -0.5, -(2 ** -12), 0, 2 ** -12, 0.5, 1))
    .map(([seconds, millis]) => seconds * 1_000 + millis),
)
const leaseMillis = fc.oneof(
  fc.double({ min: 0, minExcluded: true, max: 86_400_000, noNaN: true }),
  fc.integer({ min: 1, max: 86_400_000 }),
)
const seconds = fc.oneof(
  fc.double({ min: 0, max: 1e10, noNaN: true }),
  fc.double({ min: 0.0001, max: 86_400, noNaN: true }),
  fc.integer({ min: 0, max: 86_400 }),
)
/** For `metaTtlSeconds` and `leaseTtlBufferSeconds`, of which 0 would write no `ttl`. */
const ttlSeconds = fc.oneof(fc.double({ min: 0.001, max: 1e10, noNaN: true }), fc.integer({ min: 1, max: 86_400 }))

/** The number as DynamoDB stores it: -0 and all below 10^-130 become 0. */
const asStored = (value: number) => (Math.abs(value) < 1e-130 ? 0 : value)

const property = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, predicate), { numRuns })

test('get returns generatedAt and revalidateSeconds exactly as they were committed', async () => {
  const store = storeOf(table)
  const cacheKey = newKey()
  await property(fc.tuple(epochMillis, seconds), async ([generatedAt, revalidateSeconds]) => {
    await publish(store, cacheKey, { generatedAt, revalidateSeconds })
    const record = await store.get(cacheKey)
    expect(record?.generatedAt).toBe(asStored(generatedAt))
    expect(record?.revalidateSeconds).toBe(asStored(revalidateSeconds))
  })
})

test('leaseExpiresAt is exactly nowMs + leaseDurationMs, in the answer and in the table', async () => {
  const store = storeOf(table)
  const cacheKey = newKey()
  await property(fc.tuple(epochMillis, leaseMillis, seconds), async ([nowMs, leaseDurationMs, fallback]) => {
    const attempt = await acquire(store, cacheKey, { nowMs, leaseDurationMs, fallbackRevalidateSeconds: fallback })
    expect(attempt.acquired).toBe(true)
    const leaseExpiresAt = asStored(nowMs) + asStored(leaseDurationMs)
    const expected = { leaseExpiresAt, revalidateSeconds: asStored(fallback) }
    expect(attempt.record).toMatchObject(expected)
    expect(await store.get(cacheKey)).toMatchObject(expected)
  })
})

test.each([
  ['the smallest number that DynamoDB holds', 1e-130],
  ['a number that would be too small for DynamoDB in seconds', 1e-128],
  ['a negative zero', -0],
  ['the smallest double', 5e-324],
  ['the largest allowed number', 999_999_999_999_999.9],
])('acquire and commit accept a nowMs of %s', async (_, nowMs) => {
  const store = storeOf(table)
  const cacheKey = newKey()
  const attempt = await acquire(store, cacheKey, { nowMs })
  expect(attempt).toMatchObject({ acquired: true, record: { leaseExpiresAt: nowMs + 5_000 } })
  await commit(store, cacheKey, attempt.leaseToken ?? '', { nowMs, generatedAt: nowMs })
  expect((await store.get(cacheKey))?.generatedAt).toBe(asStored(nowMs))
})

const whole = /^\d+$/

/** The attribute as Go, Python and TypeScript read it: an integer. */
function integer(row: Item | undefined, attribute: string): number {
  const text = row?.[attribute]?.N
  expect(text, attribute).toMatch(whole)
  return Number(text)
}

test('the shared attributes of META are integers, and its ttl is not before the page becomes stale', async () => {
  await property(fc.tuple(epochMillis, seconds, ttlSeconds), async ([generatedAt, revalidateSeconds, retention]) => {
    const cacheKey = newKey()
    await publish(storeOf(table, { metaTtlSeconds: retention }), cacheKey, { generatedAt, revalidateSeconds })
    const meta = await readRow(table, pkOf(cacheKey), 'META')
    expect(integer(meta, 'generated_at')).toBe(Math.floor(generatedAt / 1_000))
    expect(integer(meta, 'revalidate_seconds')).toBe(Math.ceil(asStored(revalidateSeconds)))
    // Rounding is monotonic: a whole `ttl` that is not before the exact sum is not before the rounded sum either.
    expect(integer(meta, 'ttl')).toBeGreaterThanOrEqual(generatedAt / 1_000 + Math.max(revalidateSeconds, retention))
  })
})

test('the shared attributes of LOCK are integers, and neither its end nor its ttl is before leaseExpiresAt', async () => {
  await property(fc.tuple(epochMillis, leaseMillis, ttlSeconds), async ([nowMs, leaseDurationMs, buffer]) => {
    const cacheKey = newKey()
    const store = storeOf(table, { leaseTtlBufferSeconds: buffer })
    const { record } = await acquire(store, cacheKey, { nowMs, leaseDurationMs })
    const lock = await readRow(table, pkOf(cacheKey), 'LOCK')
    const end = integer(lock, 'lease_expires_at')
    expect(end * 1_000).toBeGreaterThanOrEqual(record.leaseExpiresAt)
    expect((end - 1) * 1_000).toBeLessThan(record.leaseExpiresAt)
    expect(integer(lock, 'ttl')).toBeGreaterThanOrEqual(end + buffer)
  })
})
