// This store, on rows of TableTheory's Go, TypeScript and Python code.
import { beforeAll, describe, expect, test } from 'vitest'

import { acquire, commit, N, NOW, NOW_S, pkOf, publish, S } from '../support/rows.js'
import { makeTable, newKey, readRow, sortKeys, storeOf, writeRow } from '../support/store.js'
import { foreignLock, foreignMeta, languages } from '../support/tabletheory.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const noLease = { leaseOwner: null, leaseToken: null, leaseExpiresAt: 0 }

describe("META in the form of TableTheory's documents", () => {
  test.each([
    ['with etag and ttl', { etag: '"abc123"', ttl: NOW_S + 86_400 }, '"abc123"'],
    ['without etag and ttl', {}, null],
  ])('%s is read, with defaults for missing attributes', async (_, optional, etag) => {
    const cacheKey = newKey()
    const page = { s3_key: 's3://bucket/key.html', generated_at: NOW_S + 7, revalidate_seconds: 60, ...optional }
    await writeRow(table, foreignMeta(pkOf(cacheKey), page))
    const record = {
      cacheKey,
      htmlPointer: 's3://bucket/key.html',
      generatedAt: NOW + 7_000,
      revalidateSeconds: 60,
      status: 200,
      contentType: 'text/html; charset=utf-8',
      contentSecurityPolicy: null,
      strictCspPolicy: null,
      etag,
      ...noLease,
    }
    const store = storeOf(table)
    expect(await store.get(cacheKey)).toStrictEqual(record)
    const attempt = await acquire(store, cacheKey, { fallbackRevalidateSeconds: 5 })
    const lease = { leaseOwner: 'owner', leaseToken: attempt.leaseToken, leaseExpiresAt: NOW + 5_000 }
    expect(attempt).toStrictEqual({ acquired: true, record: { ...record, ...lease }, leaseToken: attempt.leaseToken })
  })

  test('with revalidate_seconds 0 is read as 0, and an acquire returns the fallback instead', async () => {
    const cacheKey = newKey()
    const store = storeOf(table)
    const meta = foreignMeta(pkOf(cacheKey), { s3_key: 'a', generated_at: NOW_S, revalidate_seconds: 0 })
    await writeRow(table, meta)
    expect((await store.get(cacheKey))?.revalidateSeconds).toBe(0)
    const attempt = await acquire(store, cacheKey, { fallbackRevalidateSeconds: 5 })
    expect(attempt.record.revalidateSeconds).toBe(5)
    expect(await readRow(table, pkOf(cacheKey), 'META')).toEqual(meta)
  })

  test('is replaced as a whole by a commit, and is deleted by invalidate', async () => {
    const cacheKey = newKey()
    const store = storeOf(table)
    const old = { s3_key: 'old', generated_at: NOW_S - 100, revalidate_seconds: 1, etag: 'old', ttl: NOW_S }
    await writeRow(table, { ...foreignMeta(pkOf(cacheKey), old), current_sk: S('VER#1') })
    await publish(store, cacheKey, { htmlPointer: 'new', generatedAt: NOW })
    const meta = await readRow(table, pkOf(cacheKey), 'META')
    expect(meta).toMatchObject({ s3_key: S('new'), generated_at: N(NOW_S), revalidate_seconds: N(60) })
    for (const attribute of ['etag', 'ttl', 'current_sk']) expect(meta).not.toHaveProperty(attribute)
    await writeRow(table, foreignMeta(pkOf(cacheKey), old))
    await store.invalidate(cacheKey)
    expect(await store.get(cacheKey)).toBeNull()
  })
})

describe.each(Object.entries(languages))('LOCK of the lease manager for %s', (_, { end }) => {
  // 5.7 s from 0.4 s after a whole second: the three languages round this to different ends.
  const nowMs = NOW + 400
  const ends = end(nowMs, 5_700)
  const token = 'their token'

  async function held(ttlBuffer?: number): Promise<string> {
    const cacheKey = newKey()
    await writeRow(table, foreignLock(pkOf(cacheKey), token, ends, ttlBuffer))
    return cacheKey
  }

  test.each([3_600, 0])('is read, with a TTL buffer of %d s', async (ttlBuffer) => {
    const cacheKey = await held(ttlBuffer)
    expect(await storeOf(table).get(cacheKey)).toStrictEqual({
      cacheKey,
      htmlPointer: null,
      generatedAt: 0,
      revalidateSeconds: 60,
      status: 200,
      contentType: 'text/html; charset=utf-8',
      contentSecurityPolicy: null,
      strictCspPolicy: null,
      etag: null,
      leaseOwner: null,
      leaseToken: token,
      leaseExpiresAt: ends * 1_000,
    })
  })

  test('is held until the last millisecond before its end, and free from its end on', async () => {
    const cacheKey = await held()
    const store = storeOf(table)
    const refused = await acquire(store, cacheKey, { nowMs: ends * 1_000 - 1, fallbackRevalidateSeconds: 7 })
    expect(refused).toMatchObject({
      acquired: false,
      leaseToken: null,
      record: { leaseOwner: null, leaseToken: token, leaseExpiresAt: ends * 1_000, revalidateSeconds: 7 },
    })
    expect(await readRow(table, pkOf(cacheKey), 'LOCK')).toEqual(foreignLock(pkOf(cacheKey), token, ends))

    const granted = await acquire(store, cacheKey, { nowMs: ends * 1_000 })
    expect(granted.acquired).toBe(true)
    expect(await readRow(table, pkOf(cacheKey), 'LOCK')).toMatchObject({
      lease_token: S(granted.leaseToken ?? ''),
      lease_owner: S('owner'),
      ttl: N(ends + 5 + 3_600),
    })
  })

  test('is released with its token by any owner, and not with another token', async () => {
    const cacheKey = await held()
    const store = storeOf(table)
    await store.releaseLease({ cacheKey, leaseOwner: 'anybody', leaseToken: 'another token' })
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['LOCK'])
    await store.releaseLease({ cacheKey, leaseOwner: 'anybody', leaseToken: token })
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual([])
  })

  test('is committed with its token by any owner, until the second of its end', async () => {
    const cacheKey = await held()
    const store = storeOf(table)
    const lost = { name: 'IsrLeaseConflictError', code: 'ErrLeaseNotOwned' }
    await expect(commit(store, cacheKey, 'another token')).rejects.toMatchObject(lost)
    await expect(commit(store, cacheKey, token, { nowMs: ends * 1_000 })).rejects.toMatchObject(lost)
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['LOCK'])
    await commit(store, cacheKey, token, { leaseOwner: 'anybody', nowMs: ends * 1_000 - 0.25, etag: '"1"' })
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['META'])
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'pages/1.html', etag: '"1"', ...noLease })
  })

  test('is deleted by invalidate', async () => {
    const cacheKey = await held()
    await storeOf(table).invalidate(cacheKey)
    expect(await sortKeys(table, pkOf(cacheKey))).toEqual([])
  })
})

test('the lease managers round the same lease to different ends, each of which is tested', () => {
  const ends = Object.values(languages).map(({ end }) => end(NOW + 400, 5_700) - NOW_S)
  expect(ends).toEqual([6, 6, 5])
})
