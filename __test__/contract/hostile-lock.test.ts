// A LOCK row of any content blocks no key and makes no call fail.
import { beforeAll, expect, test } from 'vitest'

import {
  acquire,
  commit,
  lockRow,
  metaRow,
  N,
  NOW,
  NOW_S,
  pkOf,
  replaced,
  S,
  unusableValues,
  valuesOfOtherTypesThan,
} from '../support/rows.js'
import { makeTable, newKey, readRow, sortKeys, storeOf, writeRow } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const required: [attribute: string, right: string][] = [
  ['lease_token', 'S'],
  ['lease_expires_at', 'N'],
]
const full = (cacheKey: string) =>
  lockRow(cacheKey, {
    lease_owner: S('other'),
    lease_expires_at_ms: N(NOW + 4_500),
    revalidate_seconds: N(7),
    cache_key: S(cacheKey),
    ttl: N(NOW_S + 3_605),
  })

test.each(required)(
  'get shows no lease for LOCK without a usable %s, and acquire succeeds',
  async (attribute, right) => {
    const store = storeOf(table)
    const values = unusableValues(right)
    if (attribute === 'lease_token') values.push(['an empty string', S('')])
    for (const [type, value] of values) {
      const cacheKey = newKey()
      await writeRow(table, replaced(full(cacheKey), attribute, value))
      expect(await store.get(cacheKey), type).toBeNull()
      await writeRow(table, metaRow(cacheKey))
      expect(await store.get(cacheKey), type).toMatchObject({
        htmlPointer: 'pages/1.html',
        leaseOwner: null,
        leaseToken: null,
        leaseExpiresAt: 0,
      })
      const attempt = await acquire(store, cacheKey)
      expect(attempt.acquired, type).toBe(true)
      expect(await store.get(cacheKey), type).toStrictEqual(attempt.record)
    }
  },
)

test.each([
  ['lease_expires_at_ms', 'N', { leaseExpiresAt: NOW + 5_000 }],
  ['lease_owner', 'S', { leaseOwner: null }],
  ['revalidate_seconds', 'N', { revalidateSeconds: 60 }],
  ['cache_key', 'S', {}],
  ['ttl', 'N', {}],
])(
  'LOCK with %s of a wrong type is read, held and released as if the attribute were missing',
  async (attribute, right, difference) => {
    const store = storeOf(table)
    const expected = { leaseOwner: 'other', leaseExpiresAt: NOW + 4_500, revalidateSeconds: 7, ...difference }
    for (const [type, value] of valuesOfOtherTypesThan(right)) {
      const cacheKey = newKey()
      await writeRow(table, replaced(full(cacheKey), attribute, value))
      expect(await store.get(cacheKey), type).toMatchObject(expected)
      const { revalidateSeconds: _, ...lease } = expected
      const attempt = await acquire(store, cacheKey, { leaseOwner: 'me' })
      expect(attempt, type).toMatchObject({ acquired: false, record: lease })
      const claim = { cacheKey, leaseOwner: 'other', leaseToken: 'token of another writer' }
      await store.releaseLease(claim)
      expect(await sortKeys(table, pkOf(cacheKey)), type).toEqual([])
    }
  },
)

test('LOCK with an owner of a wrong type accepts a commit with its token from any owner', async () => {
  const store = storeOf(table)
  for (const [, lease_owner] of valuesOfOtherTypesThan('S')) {
    const cacheKey = newKey()
    await writeRow(table, lockRow(cacheKey, { lease_owner }))
    await commit(store, cacheKey, 'token of another writer', { leaseOwner: 'anybody' })
    expect(await readRow(table, pkOf(cacheKey), 'META')).toMatchObject({ s3_key: S('pages/1.html') })
  }
})

test.each([
  ['of 1e125', '1e125', 1e128],
  ['of 1e125, negative', '-1e125', -1e128],
  ['of -0', '-0', 0],
  ['that is negative', '-1', -1_000],
  ['that is in milliseconds instead of seconds', String(NOW + 5_000), (NOW + 5_000) * 1_000],
  ['of 38 digits in the past', `1999999999.${'9'.repeat(28)}`, NOW],
])('LOCK with an end %s is free, and get returns that end', async (_, end, leaseExpiresAt) => {
  const cacheKey = newKey()
  const store = storeOf(table)
  await writeRow(table, lockRow(cacheKey, { lease_expires_at: N(end) }))
  expect(await store.get(cacheKey)).toMatchObject({ leaseToken: 'token of another writer', leaseExpiresAt })
  expect((await acquire(store, cacheKey)).acquired).toBe(true)
})

test('LOCK with a ttl in the past is held until its lease ends, and free from then on', async () => {
  const cacheKey = newKey()
  const store = storeOf(table)
  await writeRow(table, lockRow(cacheKey, { ttl: N(1) }))
  expect((await acquire(store, cacheKey, { nowMs: NOW + 4_999 })).acquired).toBe(false)
  expect((await acquire(store, cacheKey, { nowMs: NOW + 5_000 })).acquired).toBe(true)
})

test.each([
  ['-5', 0],
  ['1e125', 1e125],
  ['1.25', 1.25],
])('get reads revalidate_seconds %s of LOCK as %d', async (given, revalidateSeconds) => {
  const cacheKey = newKey()
  await writeRow(table, lockRow(cacheKey, { revalidate_seconds: N(given) }))
  expect(await storeOf(table).get(cacheKey)).toMatchObject({ htmlPointer: null, revalidateSeconds })
})
