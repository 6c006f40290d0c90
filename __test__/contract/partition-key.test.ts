// The partition key of a cache key: its prefix, and the cache key or its digest.
import { createHash } from 'node:crypto'

import { beforeAll, expect, test } from 'vitest'

import { acquire, commit, S } from '../support/rows.js'
import { makeTable, readRow, sortKeys, storeOf } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

// The longest key that fits behind "CACHE#", and the first that does not, both in UTF-8 bytes.
const fits = `${'é'.repeat(1_020)}ab`
const hashed = `CACHE#sha256:${sha256(`${fits}c`)}`

test.each([
  { layout: 'prefix and key', options: {}, cacheKey: 'default::/a?', pk: 'CACHE#default::/a?' },
  { layout: 'prefix and key of 2,048 bytes', options: {}, cacheKey: fits, pk: `CACHE#${fits}` },
  { layout: 'prefix and digest of a longer key', options: {}, cacheKey: `${fits}c`, pk: hashed },
  {
    layout: 'prefix and digest of a key that looks like a digest',
    options: {},
    cacheKey: `sha256:${sha256(`${fits}c`)}`,
    pk: `CACHE#sha256:${sha256(`sha256:${sha256(`${fits}c`)}`)}`,
  },
  {
    layout: 'prefix and digest of a key that begins as a digest',
    options: {},
    cacheKey: 'sha256:',
    pk: `CACHE#sha256:${sha256('sha256:')}`,
  },
  {
    layout: 'prefix and key that only resembles a digest',
    options: {},
    cacheKey: 'SHA256:abc',
    pk: 'CACHE#SHA256:abc',
  },
  { layout: "the app's prefix and key", options: { pkPrefix: 'd1#' }, cacheKey: 'default::/b?', pk: 'd1#default::/b?' },
  { layout: 'the key without a prefix', options: { pkPrefix: '' }, cacheKey: 'default::/c?', pk: 'default::/c?' },
  {
    layout: "the app's prefix and digest",
    options: { pkPrefix: 'd2#' },
    cacheKey: 'a'.repeat(3_000),
    pk: `d2#sha256:${sha256('a'.repeat(3_000))}`,
  },
  {
    layout: "the app's own function, without prefix or digest",
    options: { pkPrefix: 'unused', pkFromCacheKey: (key: string) => `TENANT#t1#CACHE#${sha256(key)}` },
    cacheKey: 'default::/d?',
    pk: `TENANT#t1#CACHE#${sha256('default::/d?')}`,
  },
])('pk is $layout, and cache_key holds the plain key in both rows', async ({ options, cacheKey, pk }) => {
  const store = storeOf(table, options)
  const { leaseToken } = await acquire(store, cacheKey)
  expect(await readRow(table, pk, 'LOCK')).toMatchObject({ pk: S(pk), cache_key: S(cacheKey) })
  await commit(store, cacheKey, leaseToken ?? '')
  expect(await readRow(table, pk, 'META')).toMatchObject({ pk: S(pk), cache_key: S(cacheKey) })
  expect(await store.get(cacheKey)).toMatchObject({ cacheKey, htmlPointer: 'pages/1.html' })
  await store.invalidate(cacheKey)
  expect(await sortKeys(table, pk)).toEqual([])
})
