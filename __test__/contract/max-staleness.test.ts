// `maxStalenessMs`: a fresh page is answered again from memory, and nothing else is.
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

/** Longer than any test takes. */
const longest: FaceTheoryIsrMetaStoreOptions = { maxStalenessMs: 3_600_000 }
const passing = through(() => 'passes')

const rowOf = (cacheKey: string, page: string, attributes: Item = {}): Item => ({
  ...metaRow(cacheKey),
  s3_key: S(page),
  ...attributes,
})

/** A store at the end of a proxy that counts, and a key with a fresh page that it has read once. */
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

test('a fresh page is answered again without a request, with every field, and as an object of its own', () =>
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

test.each([undefined, 0, -0])('there is none without it: %s', (maxStalenessMs) =>
  withReader({ maxStalenessMs }, async ({ store, cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    expect(await pointerAt(store, cacheKey)).toBe('second')
  }),
)

test('it ends, in milliseconds after the read', () =>
  withReader({ maxStalenessMs: 5 }, async ({ store, cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    await sleep(10)
    expect(await pointerAt(store, cacheKey)).toBe('second')
  }))

test.each<[string, Item]>([
  ['stale by the clock of this machine', { generated_at: N(1_000_000_000) }],
  ['never fresh', { revalidate_seconds: N(0), generated_at: N(1_000_000_000) }],
])('a page that is %s is read each time', (_, attributes) =>
  withStub(passing, async (stub) => {
    const store = storeBehind(table, stub, longest)
    const cacheKey = newKey()
    for (const page of ['first', 'second']) {
      await writeRow(table, rowOf(cacheKey, page, attributes))
      expect(await pointerAt(store, cacheKey)).toBe(page)
    }
  }),
)

test('what is not there is asked for each time', async () => {
  const store = storeOf(table, longest)
  const cacheKey = newKey()
  expect(await store.get(cacheKey)).toBeNull()
  await writeRow(table, rowOf(cacheKey, 'first'))
  expect(await pointerAt(store, cacheKey)).toBe('first')
})

test('a lease is never answered from memory, and neither is the page beside it', async () => {
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

test('the own invalidate forgets the page, of its own key only', () =>
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

test('the own tryAcquireLease forgets the page, and the own commitGeneration too', () =>
  withReader(longest, async ({ store, cacheKey }) => {
    const { leaseToken } = await store.tryAcquireLease(leaseOf(cacheKey))
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'first', leaseToken })
    await deleteRow(table, pkOf(cacheKey), 'LOCK')
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'first', leaseToken: null })
    // It is in memory again, when the publish begins that a rival has made impossible.
    await writeRow(table, rowOf(cacheKey, "the rival's"))
    await expect(store.commitGeneration(commitOf(cacheKey, leaseToken))).rejects.toThrow('ISR lease lost')
    expect(await pointerAt(store, cacheKey)).toBe("the rival's")
  }))

test('a read that was under way during an own change is not kept', () => {
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

test('it reads consistently, for what it remembers must not be from before an own change', () =>
  withReader({ ...longest, consistentRead: false }, async ({ stub }) => {
    expect(stub.requests.map(({ body }) => body.ConsistentRead)).toEqual([true])
  }))

test('stores do not share it', () =>
  withReader(longest, async ({ cacheKey }) => {
    await writeRow(table, rowOf(cacheKey, 'second'))
    expect(await pointerAt(storeOf(table, longest), cacheKey)).toBe('second')
  }))

test('two cache keys in one partition have each its own record', async () => {
  const partition = newKey()
  const store = storeOf(table, { ...longest, pkFromCacheKey: () => partition })
  await writeRow(table, { ...rowOf('any', 'first'), pk: S(partition) })
  for (const cacheKey of ['a', 'b']) expect(await store.get(cacheKey)).toMatchObject({ cacheKey, htmlPointer: 'first' })
})
