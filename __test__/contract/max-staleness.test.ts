// `maxStalenessMs`: the page cache answers `get` for a fresh page, and for nothing else.
import { setTimeout as sleep } from 'node:timers/promises'

import type { FaceTheoryIsrMetaStore, FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { beforeAll, expect, test } from 'vitest'
import { lockRow, metaRow, N, NOW, pkOf, S } from '../support/rows.js'
import { deleteRow, type Item, makeTable, newKey, storeOf, writeRow } from '../support/store.js'
import { behind, Gate } from '../support/stub/gate.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { type Stub, withStub } from '../support/stub/stub.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

/** An hour, which is longer than any test takes. */
const longest: FaceTheoryIsrMetaStoreOptions = { maxStalenessMs: 3_600_000 }
const passing = through(() => 'passes')

const rowOf = (cacheKey: string, page: string, attributes: Item = {}): Item => ({
  ...metaRow(cacheKey),
  s3_key: S(page),
  ...attributes,
})

/** Gives `work` a store behind a proxy that counts requests, and the key of a fresh page that the store read once. */
const withReader = (
  options: FaceTheoryIsrMetaStoreOptions,
  work: (reader: { store: FaceTheoryIsrMetaStore; cacheKey: string; stub: Stub }) => Promise<void>,
): Promise<void> =>
  withStub(passing, async (stub) => {
    const store = storeBehind(table, stub, options)
    const cacheKey = newKey()
    await writeRow(table, rowOf(cacheKey, 'first'))
    expect(await store.get(cacheKey)).toMatchObject({ cacheKey, htmlPointer: 'first' })
    await work({ store, cacheKey, stub })
  })

const pointerAt = async (store: FaceTheoryIsrMetaStore, cacheKey: string): Promise<string | null | undefined> =>
  (await store.get(cacheKey))?.htmlPointer

test('the page cache returns a fresh page without a request, with every field, as a new object', () =>
  withReader(longest, async ({ store, cacheKey, stub }) => {
    const first = await store.get(cacheKey)
    await writeRow(table, rowOf(cacheKey, 'second'))
    const second = await store.get(cacheKey)
    expect(second).toEqual(first)
    expect(second).toEqual(
      await storeOf(table)
        .get(cacheKey)
        .then((now) => ({ ...now, htmlPointer: 'first' })),
    )
    expect(second).not.toBe(first)
    expect(stub.count('Query')).toBe(1)
  }))

test.each([undefined, 0, -0])('the page cache is off when maxStalenessMs is %s', (maxStalenessMs) =>
  withReader({ maxStalenessMs }, async ({ store, cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    expect(await pointerAt(store, cacheKey)).toBe('second')
  }),
)

test('a cached page is read again when maxStalenessMs milliseconds have passed since the read', () =>
  withReader({ maxStalenessMs: 5 }, async ({ store, cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    await sleep(10)
    expect(await pointerAt(store, cacheKey)).toBe('second')
  }))

test.each<[string, Item]>([
  ['stale by the clock of the machine', { generated_at: N(1_000_000_000) }],
  ['never fresh', { revalidate_seconds: N(0), generated_at: N(1_000_000_000) }],
])('a page that is %s is not cached', (_, attributes) =>
  withStub(passing, async (stub) => {
    const store = storeBehind(table, stub, longest)
    const cacheKey = newKey()
    for (const page of ['first', 'second']) {
      await writeRow(table, rowOf(cacheKey, page, attributes))
      expect(await pointerAt(store, cacheKey)).toBe(page)
    }
  }),
)

test('a missing page is not cached', async () => {
  const store = storeOf(table, longest)
  const cacheKey = newKey()
  expect(await store.get(cacheKey)).toBeNull()
  await writeRow(table, rowOf(cacheKey, 'first'))
  expect(await pointerAt(store, cacheKey)).toBe('first')
})

test('neither a lease nor the page beside it is cached', async () => {
  const store = storeOf(table, longest)
  const cacheKey = newKey()
  await writeRow(table, lockRow(cacheKey))
  await writeRow(table, rowOf(cacheKey, 'first'))
  expect(await store.get(cacheKey)).toMatchObject({ leaseToken: 'token of another writer' })
  await deleteRow(table, pkOf(cacheKey), 'LOCK')
  await writeRow(table, rowOf(cacheKey, 'second'))
  expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'second', leaseToken: null, leaseExpiresAt: 0 })
})

const leaseOf = (cacheKey: string) => ({
  cacheKey,
  leaseOwner: 'owner',
  nowMs: NOW,
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 60,
})

const commitOf = (cacheKey: string, leaseToken: string | null) => ({
  cacheKey,
  leaseOwner: 'owner',
  leaseToken: leaseToken ?? 'none',
  htmlPointer: 'own',
  generatedAt: NOW,
  revalidateSeconds: 60,
  status: 200,
  contentType: 'text/html',
})

test('invalidate removes the page of its own key from the page cache, and no other page', () =>
  withReader(longest, async ({ store, cacheKey, stub }) => {
    const other = newKey()
    await writeRow(table, rowOf(other, 'other'))
    await store.get(other)
    await store.invalidate(cacheKey)
    expect(await store.get(cacheKey)).toBeNull()
    const before = stub.count('Query')
    expect(await pointerAt(store, other)).toBe('other')
    expect(stub.count('Query')).toBe(before)
  }))

test('tryAcquireLease and commitGeneration remove the page from the page cache, even if the commit fails', () =>
  withReader(longest, async ({ store, cacheKey }) => {
    const { leaseToken } = await store.tryAcquireLease(leaseOf(cacheKey))
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'first', leaseToken })
    await deleteRow(table, pkOf(cacheKey), 'LOCK')
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'first', leaseToken: null })
    // The page is in the page cache again. The commit fails, because its LOCK row is gone.
    await writeRow(table, rowOf(cacheKey, "the rival's"))
    await expect(store.commitGeneration(commitOf(cacheKey, leaseToken))).rejects.toThrow('ISR lease lost')
    expect(await pointerAt(store, cacheKey)).toBe("the rival's")
  }))

test('a read in flight during a change by the same store is not cached', () => {
  const gate = new Gate()
  const slow = behind(gate, passing)
  return withStub(
    (request, index) => (request.operation === 'Query' ? slow(request, index) : passing(request, index)),
    async (stub) => {
      const store = storeBehind(table, stub, longest)
      const cacheKey = newKey()
      await writeRow(table, rowOf(cacheKey, 'first'))
      const arrival = gate.arrival()
      const read = store.get(cacheKey)
      await arrival
      const { leaseToken } = await store.tryAcquireLease(leaseOf(cacheKey))
      await store.commitGeneration(commitOf(cacheKey, leaseToken))
      gate.open()
      await read
      await writeRow(table, rowOf(cacheKey, 'second'))
      expect(await pointerAt(store, cacheKey)).toBe('second')
    },
  )
})

// A cached page must not be older than a change by the same store.
test('get with maxStalenessMs is strongly consistent, even if consistentRead is false', () =>
  withReader({ ...longest, consistentRead: false }, async ({ stub }) => {
    expect(stub.requests.map(({ body }) => body.ConsistentRead)).toEqual([true])
  }))

test('two stores do not share a page cache', () =>
  withReader(longest, async ({ cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    expect(await pointerAt(storeOf(table, longest), cacheKey)).toBe('second')
  }))

test('two cache keys of one partition each get a record with their own cache key from the page cache', async () => {
  const partition = newKey()
  const store = storeOf(table, { ...longest, pkFromCacheKey: () => partition })
  await writeRow(table, { ...rowOf('any', 'first'), pk: S(partition) })
  for (const cacheKey of ['a', 'b']) expect(await store.get(cacheKey)).toMatchObject({ cacheKey, htmlPointer: 'first' })
})
