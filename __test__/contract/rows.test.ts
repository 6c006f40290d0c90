// The rows that the store writes, attribute by attribute.
import type { CommitIsrGenerationInput, IsrCachedStrictCspPolicy } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'

import { acquire, N, NOW, NOW_S, pkOf, publish, S } from '../support/rows.js'
import { type Item, makeTable, newKey, readRow, sortKeys, storeOf } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

async function lockOf(cacheKey: string): Promise<Item> {
  return (await readRow(table, pkOf(cacheKey), 'LOCK')) ?? {}
}

async function metaOf(page: Partial<CommitIsrGenerationInput>, options = {}): Promise<Item> {
  const cacheKey = newKey()
  await publish(storeOf(table, options), cacheKey, page)
  return (await readRow(table, pkOf(cacheKey), 'META')) ?? {}
}

describe('LOCK', () => {
  test('holds its keys, token, owner, end, fallback, cache key and ttl, and no other attribute', async () => {
    const cacheKey = newKey()
    const store = storeOf(table, { leaseToken: () => 'token-1' })
    await acquire(store, cacheKey, { nowMs: NOW + 123, fallbackRevalidateSeconds: 30 })
    expect(await lockOf(cacheKey)).toStrictEqual({
      pk: S(pkOf(cacheKey)),
      sk: S('LOCK'),
      lease_token: S('token-1'),
      lease_expires_at: N(NOW_S + 6),
      lease_expires_at_ms: N(NOW + 5_123),
      lease_owner: S('owner'),
      revalidate_seconds: N(30),
      cache_key: S(cacheKey),
      ttl: N(NOW_S + 6 + 3_600),
    })
  })

  test.each([
    { nowMs: NOW, leaseDurationMs: 5_000, seconds: NOW_S + 5 },
    { nowMs: NOW, leaseDurationMs: 5_000.25, seconds: NOW_S + 6 },
    { nowMs: NOW, leaseDurationMs: 5_001, seconds: NOW_S + 6 },
    { nowMs: NOW + 0.5, leaseDurationMs: 4_999, seconds: NOW_S + 5 },
    { nowMs: NOW + 999.75, leaseDurationMs: 0.25, seconds: NOW_S + 1 },
    { nowMs: 0, leaseDurationMs: 0.001, seconds: 1 },
    { nowMs: 999_999_999_999_999, leaseDurationMs: 86_400_000, seconds: 1_000_000_086_400 },
  ])(
    'of $leaseDurationMs ms from $nowMs has lease_expires_at $seconds, rounded up',
    async ({ nowMs, leaseDurationMs, seconds }) => {
      const cacheKey = newKey()
      await acquire(storeOf(table), cacheKey, { nowMs, leaseDurationMs })
      expect(await lockOf(cacheKey)).toMatchObject({
        lease_expires_at: N(seconds),
        lease_expires_at_ms: N(nowMs + leaseDurationMs),
        ttl: N(seconds + 3_600),
      })
    },
  )

  test.each([
    { leaseTtlBufferSeconds: 1, ttl: NOW_S + 6 },
    { leaseTtlBufferSeconds: 0.25, ttl: NOW_S + 6 },
    { leaseTtlBufferSeconds: 86_400.5, ttl: NOW_S + 5 + 86_401 },
  ])('has a ttl of whole seconds with leaseTtlBufferSeconds $leaseTtlBufferSeconds', async ({ ttl, ...options }) => {
    const cacheKey = newKey()
    await acquire(storeOf(table, options), cacheKey)
    expect((await lockOf(cacheKey)).ttl).toStrictEqual(N(ttl))
  })

  test('has no ttl with leaseTtlBufferSeconds 0', async () => {
    const cacheKey = newKey()
    await acquire(storeOf(table, { leaseTtlBufferSeconds: 0 }), cacheKey)
    const lock = await lockOf(cacheKey)
    expect(lock).toHaveProperty('lease_token')
    expect(lock).not.toHaveProperty('ttl')
  })

  test.each([
    [1.5, '1.5'],
    [0.0011, '0.0011'],
    [-3, '0'],
    [Number.NaN, '60'],
    [Number.POSITIVE_INFINITY, '60'],
    [1e10, '10000000000'],
  ])('holds fallbackRevalidateSeconds %d as %s', async (fallbackRevalidateSeconds, stored) => {
    const cacheKey = newKey()
    await acquire(storeOf(table), cacheKey, { fallbackRevalidateSeconds })
    expect((await lockOf(cacheKey)).revalidate_seconds).toStrictEqual(N(stored))
  })
})

describe('META', () => {
  test('of a page with all fields holds these fields and no other attribute, and LOCK is deleted', async () => {
    const cacheKey = newKey()
    const store = storeOf(table, { metaTtlSeconds: 86_400 })
    await publish(store, cacheKey, {
      htmlPointer: 's3://bucket/pages/1.html',
      generatedAt: NOW + 123,
      revalidateSeconds: 300,
      status: 404,
      contentType: 'application/xhtml+xml',
      contentSecurityPolicy: "default-src 'self'",
      strictCspPolicy: { inlineScripts: false, inlineStyles: false },
      etag: 'W/"1"',
    })
    expect(await readRow(table, pkOf(cacheKey), 'META')).toStrictEqual({
      pk: S(pkOf(cacheKey)),
      sk: S('META'),
      s3_key: S('s3://bucket/pages/1.html'),
      generated_at: N(NOW_S),
      generated_at_ms: N(NOW + 123),
      revalidate_seconds: N(300),
      revalidate_ms: N(300_000),
      status: N(404),
      content_type: S('application/xhtml+xml'),
      content_security_policy: S("default-src 'self'"),
      strict_csp_policy: { M: { inlineScripts: { BOOL: false }, inlineStyles: { BOOL: false } } },
      etag: S('W/"1"'),
      cache_key: S(cacheKey),
      ttl: N(NOW_S + 1 + 86_400),
    })
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['META'])
  })

  test('of a page with the required fields alone has no optional attribute', async () => {
    const cacheKey = newKey()
    await publish(storeOf(table), cacheKey)
    expect(await readRow(table, pkOf(cacheKey), 'META')).toStrictEqual({
      pk: S(pkOf(cacheKey)),
      sk: S('META'),
      s3_key: S('pages/1.html'),
      generated_at: N(NOW_S),
      generated_at_ms: N(NOW),
      revalidate_seconds: N(60),
      revalidate_ms: N(60_000),
      status: N(200),
      content_type: S('text/html; charset=utf-8'),
      cache_key: S(cacheKey),
    })
  })

  test('is replaced as a whole by the next commit, and keeps no attribute of the former page', async () => {
    const cacheKey = newKey()
    const store = storeOf(table)
    await publish(store, cacheKey, { etag: 'old', contentSecurityPolicy: 'old', strictCspPolicy: {} })
    await publish(store, cacheKey, { etag: null, contentSecurityPolicy: null, strictCspPolicy: null })
    const meta = await readRow(table, pkOf(cacheKey), 'META')
    expect(Object.keys(meta ?? {}).sort()).toEqual(
      'cache_key content_type generated_at generated_at_ms pk revalidate_ms revalidate_seconds s3_key sk status'.split(
        ' ',
      ),
    )
  })

  test.each([
    [2_000_000_000_999.9998, '2000000000'],
    [2_000_000_001_000, '2000000001'],
    [2_000_000_001_000.25, '2000000001'],
    [0, '0'],
    [0.5, '0'],
    [999_999_999_999_999.9, '999999999999'],
  ])('of generatedAt %d has generated_at %s, rounded down', async (generatedAt, seconds) => {
    const meta = await metaOf({ generatedAt })
    expect(meta).toMatchObject({ generated_at: N(seconds), generated_at_ms: N(generatedAt) })
  })

  test.each([
    [0.0011, '1', '1.1'],
    [1.5, '2', '1500'],
    [0, '0', '0'],
    [-1, '0', '0'],
    [Number.NaN, '60', '60000'],
    [1e10, '10000000000', '10000000000000'],
  ])('of revalidateSeconds %d has revalidate_seconds %s, rounded up', async (revalidateSeconds, seconds, millis) => {
    const meta = await metaOf({ revalidateSeconds })
    expect(meta).toMatchObject({ revalidate_seconds: N(seconds), revalidate_ms: N(millis) })
  })

  test.each([
    { metaTtlSeconds: 30, revalidateSeconds: 60, generatedAt: NOW, ttl: NOW_S + 60 },
    { metaTtlSeconds: 90, revalidateSeconds: 60, generatedAt: NOW, ttl: NOW_S + 90 },
    { metaTtlSeconds: 90, revalidateSeconds: 60, generatedAt: NOW + 0.25, ttl: NOW_S + 91 },
    { metaTtlSeconds: 0.5, revalidateSeconds: 0.25, generatedAt: NOW + 999.5, ttl: NOW_S + 2 },
    { metaTtlSeconds: 100.2, revalidateSeconds: 100.4, generatedAt: NOW, ttl: NOW_S + 101 },
    { metaTtlSeconds: 1e10, revalidateSeconds: 0, generatedAt: 0, ttl: 1e10 },
  ])(
    'with metaTtlSeconds $metaTtlSeconds and revalidateSeconds $revalidateSeconds from $generatedAt has ttl $ttl',
    async ({ metaTtlSeconds, ttl, ...page }) => {
      expect((await metaOf(page, { metaTtlSeconds })).ttl).toStrictEqual(N(ttl))
    },
  )

  const forbidden = { BOOL: false }
  test.each<[IsrCachedStrictCspPolicy, Item]>([
    [{}, {}],
    [{ inlineScripts: undefined, inlineStyles: undefined }, {}],
    [{ inlineScripts: false }, { inlineScripts: forbidden }],
    [{ inlineStyles: false }, { inlineStyles: forbidden }],
    [
      { inlineScripts: false, inlineStyles: false },
      { inlineScripts: forbidden, inlineStyles: forbidden },
    ],
  ])('holds the policy %j as a map of booleans', async (strictCspPolicy, members) => {
    expect((await metaOf({ strictCspPolicy })).strict_csp_policy).toStrictEqual({ M: members })
  })

  test('holds an empty string as an empty string', async () => {
    const meta = await metaOf({ contentSecurityPolicy: '', etag: '' })
    expect(meta).toMatchObject({ content_security_policy: S(''), etag: S('') })
  })
})
