// TableTheory's conditions and models, on rows of this store.
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import { acquire, commit, N, NOW, NOW_S, pkOf, publish } from '../support/rows.js'
import { type Item, makeTable, newKey, readRow, sortKeys, storeOf } from '../support/store.js'
import {
  foreignAcquire,
  foreignLock,
  foreignMeta,
  foreignPublish,
  foreignRefresh,
  foreignRelease,
} from '../support/tabletheory.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const lost = { name: 'IsrLeaseConflictError', code: 'ErrLeaseNotOwned' }
const theirPage = { s3_key: 'theirs', generated_at: NOW_S + 1, revalidate_seconds: 30, etag: '"theirs"' }

/** A lease of ours from `NOW` for five seconds. */
async function ours() {
  const cacheKey = newKey()
  const store = storeOf(table)
  const { leaseToken } = await acquire(store, cacheKey)
  return { store, cacheKey, pk: pkOf(cacheKey), token: leaseToken ?? '' }
}

describe("TableTheory's acquire", () => {
  test('fails before our lease ends, and succeeds in the first whole second after its end', async () => {
    const store = storeOf(table)
    const seen = { taken: 0, refused: 0 }
    const nowMs = fc
      .tuple(fc.integer({ min: 2_000_000_000, max: 2_000_000_100 }), fc.integer({ min: 0, max: 999 }))
      .map(([seconds, millis]) => seconds * 1_000 + millis)
    const duration = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0.5, max: 5_000, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(nowMs, duration, fc.integer({ min: -2_000, max: 2_000 }), async (now, leaseDurationMs, away) => {
        const cacheKey = newKey()
        const { record } = await acquire(store, cacheKey, { nowMs: now, leaseDurationMs })
        const theirNowMs = record.leaseExpiresAt + away
        const lock = foreignLock(pkOf(cacheKey), 'theirs', Math.floor(theirNowMs / 1_000) + 5)
        const taken = await foreignAcquire(table, lock, Math.floor(theirNowMs / 1_000))
        if (taken) expect(theirNowMs).toBeGreaterThanOrEqual(record.leaseExpiresAt)
        else expect(await foreignAcquire(table, lock, Math.ceil(record.leaseExpiresAt / 1_000))).toBe(true)
        seen[taken ? 'taken' : 'refused'] += 1
        // No attribute of our row stays, which a reader would take for a part of their lease.
        expect(await readRow(table, pkOf(cacheKey), 'LOCK')).toEqual(lock)
      }),
      { numRuns: 100 },
    )
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(5)
  })

  test('fails exactly as long as our commit succeeds', async () => {
    for (const second of [NOW_S + 4, NOW_S + 5, NOW_S + 6]) {
      const { store, cacheKey, pk, token } = await ours()
      const mayPublish = await commit(store, cacheKey, token, { nowMs: second * 1_000 }).then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject(lost)
          return false
        },
      )
      const { cacheKey: other } = await ours()
      const taken = await foreignAcquire(table, foreignLock(pkOf(other), 'theirs', second + 5), second)
      expect({ second, mayPublish, taken }).toEqual({
        second,
        mayPublish: second < NOW_S + 5,
        taken: second >= NOW_S + 5,
      })
      expect(await sortKeys(table, pk)).toEqual([mayPublish ? 'META' : 'LOCK'])
    }
  })

  test('of our expired lease makes our commit fail, and our release changes nothing', async () => {
    const { store, cacheKey, pk, token } = await ours()
    expect(await foreignAcquire(table, foreignLock(pk, 'theirs', NOW_S + 60), NOW_S + 5)).toBe(true)
    await expect(commit(store, cacheKey, token)).rejects.toMatchObject(lost)
    await store.releaseLease({ cacheKey, leaseOwner: 'owner', leaseToken: token })
    expect(await store.get(cacheKey)).toMatchObject({ leaseToken: 'theirs', leaseOwner: null, htmlPointer: null })
  })
})

describe("TableTheory's refresh", () => {
  test('of our lease moves its end, although lease_expires_at_ms keeps the old end', async () => {
    const { store, cacheKey, pk, token } = await ours()
    expect(await foreignRefresh(table, pk, 'theirs', NOW_S, NOW_S + 60)).toBe(false)
    expect(await foreignRefresh(table, pk, token, NOW_S + 5, NOW_S + 60)).toBe(false)
    expect(await foreignRefresh(table, pk, token, NOW_S + 4, NOW_S + 60)).toBe(true)
    expect(await readRow(table, pk, 'LOCK')).toMatchObject({ lease_expires_at_ms: N(NOW + 5_000) })

    const end = NOW + 60_000
    expect(await store.get(cacheKey)).toMatchObject({ leaseOwner: 'owner', leaseToken: token, leaseExpiresAt: end })
    const attempt = await acquire(store, cacheKey, { leaseOwner: 'other', nowMs: end - 0.5 })
    expect(attempt).toMatchObject({ acquired: false, record: { leaseExpiresAt: end } })
    await commit(store, cacheKey, token, { nowMs: end - 0.5 })
    expect(await sortKeys(table, pk)).toEqual(['META'])
  })
})

describe("TableTheory's release", () => {
  test('with our token ends our lease, and with another token does not', async () => {
    const { store, cacheKey, pk, token } = await ours()
    expect(await foreignRelease(table, pk, 'theirs')).toBe(false)
    expect(await foreignRelease(table, pk, token)).toBe(true)
    await expect(commit(store, cacheKey, token)).rejects.toMatchObject(lost)
    expect(await store.get(cacheKey)).toBeNull()
  })
})

describe("TableTheory's transaction (Recipe A)", () => {
  test.each(['delete', 'keep'] as const)(
    'publishes with our lease, and our get returns its page (%s LOCK)',
    async (lock) => {
      const { store, cacheKey, pk, token } = await ours()
      const meta = foreignMeta(pk, theirPage)
      expect(await foreignPublish(table, meta, 'theirs', NOW_S, lock)).toBe(false)
      expect(await foreignPublish(table, meta, token, NOW_S + 5, lock)).toBe(false)
      expect(await sortKeys(table, pk)).toEqual(['LOCK'])
      expect(await foreignPublish(table, meta, token, NOW_S + 4, lock)).toBe(true)
      expect(await store.get(cacheKey)).toMatchObject({
        htmlPointer: 'theirs',
        generatedAt: NOW + 1_000,
        revalidateSeconds: 30,
        etag: '"theirs"',
        leaseToken: lock === 'keep' ? token : null,
      })
    },
  )

  test('replaces our page as a whole, and keeps none of its attributes', async () => {
    const { store, cacheKey, pk, token } = await ours()
    await commit(store, cacheKey, token, { status: 404, contentType: 'text/plain', contentSecurityPolicy: 'csp' })
    const { leaseToken } = await acquire(store, cacheKey)
    expect(await foreignPublish(table, foreignMeta(pk, theirPage), leaseToken ?? '', NOW_S, 'delete')).toBe(true)
    expect(await store.get(cacheKey)).toMatchObject({
      htmlPointer: 'theirs',
      status: 200,
      contentType: 'text/html; charset=utf-8',
      contentSecurityPolicy: null,
    })
  })
})

describe("TableTheory's models", () => {
  /** The attribute as an int64 of Go or an int of Python. */
  function int64(row: Item | undefined, attribute: string): bigint {
    const text = row?.[attribute]?.N ?? ''
    expect(text, attribute).toMatch(/^-?\d{1,19}$/)
    return BigInt(text)
  }

  test('read META: texts are strings, and numbers are integers', async () => {
    const cacheKey = newKey()
    const generatedAt = NOW + 999.75
    await publish(storeOf(table, { metaTtlSeconds: 86_400.5 }), cacheKey, {
      generatedAt,
      revalidateSeconds: 59.25,
      etag: '"1"',
    })
    const meta = await readRow(table, pkOf(cacheKey), 'META')
    expect(meta?.s3_key?.S).toBe('pages/1.html')
    expect(meta?.etag?.S).toBe('"1"')
    expect(int64(meta, 'generated_at')).toBe(BigInt(NOW_S))
    expect(int64(meta, 'revalidate_seconds')).toBe(60n)
    expect(int64(meta, 'ttl')).toBe(BigInt(NOW_S + 1 + 86_401))
  })

  test('read LOCK: the token is a string, numbers are integers, and ttl is after the end', async () => {
    const cacheKey = newKey()
    const { leaseToken } = await acquire(storeOf(table), cacheKey, { nowMs: NOW + 0.5, leaseDurationMs: 5_000 })
    const lock = await readRow(table, pkOf(cacheKey), 'LOCK')
    expect(lock?.lease_token?.S).toBe(leaseToken)
    expect(int64(lock, 'lease_expires_at')).toBe(BigInt(NOW_S + 6))
    expect(int64(lock, 'ttl')).toBe(BigInt(NOW_S + 6 + 3_600))
  })
})
