// Rows with other sort keys in the partition change no answer, and no operation changes them.
import { beforeAll, expect, test } from 'vitest'

import { acquire, commit, lockRow, metaRow, NOW, pkOf, S, without } from '../support/rows.js'
import { type Item, makeTable, newKey, readRow, storeOf, writeRow } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

/** Attributes that would change an answer if the store read a row with them. */
const misleading = {
  ...without(without(metaRow(''), 'pk'), 'sk'),
  ...without(without(lockRow(''), 'pk'), 'sk'),
  s3_key: S('pages/foreign.html'),
  lease_token: S('a foreign token'),
  lease_owner: S('a foreign owner'),
  current_sk: S('VER#1'),
}

const small: [sortKey: string, attributes: Item][] = [
  ['A', misleading],
  ['LOC', misleading],
  ['LOCK ', misleading],
  ['LOCK#x', misleading],
  ['LOCK\u0000', misleading],
  ['MEMO', misleading],
  ['MET', misleading],
  ['META#1', misleading],
  ['META ', misleading],
  ['REQ#1', misleading],
  ['VER#1', misleading],
  ['lock', misleading],
  ['meta', misleading],
]

// A Query ends after 1 MB, and so before it reaches META.
const large: [sortKey: string, attributes: Item][] = [1, 2, 3, 4].map((i) => [
  `LOCK#${i}`,
  { body: S('x'.repeat(350_000)) },
])

test.each([
  ['small rows before, between and after LOCK and META', small],
  ['more than a megabyte of rows between LOCK and META', large],
])('every operation works beside %s, and leaves those rows unchanged', async (_, foreign) => {
  const store = storeOf(table)
  const cacheKey = newKey()
  const pk = pkOf(cacheKey)
  const items = foreign.map(([sk, attributes]): Item => ({ pk: S(pk), sk: S(sk), ...attributes }))
  await Promise.all(items.map((item) => writeRow(table, item)))
  const untouched = async () => {
    expect(await Promise.all(foreign.map(([sk]) => readRow(table, pk, sk)))).toEqual(items)
  }

  expect(await store.get(cacheKey)).toBeNull()
  await untouched()

  const first = await acquire(store, cacheKey)
  expect(first).toMatchObject({ acquired: true, record: { htmlPointer: null, leaseOwner: 'owner' } })
  expect(await store.get(cacheKey)).toStrictEqual(first.record)
  expect((await acquire(store, cacheKey, { leaseOwner: 'other' })).acquired).toBe(false)
  await untouched()

  await commit(store, cacheKey, first.leaseToken ?? '', { htmlPointer: 'pages/1.html', generatedAt: NOW + 7 })
  const page = { htmlPointer: 'pages/1.html', generatedAt: NOW + 7, leaseOwner: null, leaseToken: null }
  expect(await store.get(cacheKey)).toMatchObject(page)
  await untouched()

  const second = await acquire(store, cacheKey, { leaseOwner: 'other' })
  expect(second).toMatchObject({
    acquired: true,
    record: { ...page, leaseOwner: 'other', leaseToken: second.leaseToken },
  })
  expect(await store.get(cacheKey)).toStrictEqual(second.record)
  await store.releaseLease({ cacheKey, leaseOwner: 'other', leaseToken: second.leaseToken ?? '' })
  expect(await store.get(cacheKey)).toMatchObject(page)
  expect(await storeOf(table, { consistentRead: false }).get(cacheKey)).toMatchObject(page)
  await untouched()

  await acquire(store, cacheKey)
  await store.invalidate(cacheKey)
  expect(await store.get(cacheKey)).toBeNull()
  await untouched()
})
