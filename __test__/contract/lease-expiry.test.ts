// A lease is free exactly from its end on, and while its end is more than seven days away.
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import { acquire, lockRow, N, NOW, NOW_S, SEVEN_DAYS_MS } from '../support/rows.js'
import { type Item, makeTable, newKey, storeOf, writeRow } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

describe('a lease is free from its end on', () => {
  // Fractions that a double of this size holds exactly.
  const fraction = fc.constantFrom(0, 0, 0.25, 0.5, 2 ** -12, 1 - 2 ** -12)
  const millis = fc.oneof(fc.constantFrom(0, 1, 500, 999), fc.integer({ min: 0, max: 999 }))
  const moment = fc
    .tuple(fc.constantFrom(0, 1, NOW_S, NOW_S + 59), millis, fraction)
    .map(([seconds, whole, part]) => seconds * 1_000 + whole + part)

  const rows: Record<string, (end: number, other: number) => Item> = {
    'whole seconds, as other writers store it': (end) => ({ lease_expires_at: N(Math.ceil(end / 1_000)) }),
    'fractional seconds': (end) => ({ lease_expires_at: N((Math.ceil(end * 8) / 8_000).toFixed(6)) }),
    'seconds and exact milliseconds': (end) => ({
      lease_expires_at: N(Math.ceil(end / 1_000)),
      lease_expires_at_ms: N(end),
    }),
    'seconds and milliseconds that disagree': (end, other) => ({
      lease_expires_at: N(Math.ceil(end / 1_000)),
      lease_expires_at_ms: N(end + other),
    }),
  }

  test.each(Object.entries(rows))(
    'with an end in %s: acquire succeeds exactly when leaseExpiresAt <= nowMs',
    async (_, attributes) => {
      const store = storeOf(table)
      const seen = { acquired: 0, held: 0, atTheEnd: 0 }
      const distance = fc.oneof(
        { weight: 2, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.constantFrom(-1, 1, -(2 ** -12), 2 ** -12) },
        {
          weight: 2,
          arbitrary: fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fraction).map(([whole, part]) => whole + part),
        },
      )
      const other = fc.constantFrom(-60_000, -1_000, 1_000, 60_000, 1e15)
      await fc.assert(
        fc.asyncProperty(moment, distance, other, fc.boolean(), async (end, away, wrong, fromShownEnd) => {
          const cacheKey = newKey()
          await writeRow(table, lockRow(cacheKey, { lease_owner: { S: 'other' }, ...attributes(end, wrong) }))
          const shown = (await store.get(cacheKey))?.leaseExpiresAt ?? Number.NaN
          const nowMs = Math.max(0, (fromShownEnd ? shown : end) + away)
          const attempt = await acquire(store, cacheKey, { nowMs, leaseOwner: 'me' })
          expect(attempt.acquired).toBe(shown <= nowMs)
          if (!attempt.acquired) expect(attempt.record).toMatchObject({ leaseOwner: 'other', leaseExpiresAt: shown })
          seen[attempt.acquired ? 'acquired' : 'held'] += 1
          if (shown === nowMs) seen.atTheEnd += 1
        }),
        { numRuns: 60 },
      )
      // Both results occurred, and so did a `nowMs` that is exactly the end.
      expect(Math.min(seen.acquired, seen.held, seen.atTheEnd)).toBeGreaterThan(0)
    },
  )

  test.each([0, 1, 500, 999, 999.75, 0.25])('with an end %d ms after a whole second', async (part) => {
    const store = storeOf(table)
    const cacheKey = newKey()
    const { record } = await acquire(store, cacheKey, { leaseDurationMs: 5_000 + part })
    const other = { leaseOwner: 'other' }
    const early = await acquire(store, cacheKey, { ...other, nowMs: record.leaseExpiresAt - 2 ** -12 })
    expect(early.acquired).toBe(false)
    expect((await acquire(store, cacheKey, { ...other, nowMs: record.leaseExpiresAt })).acquired).toBe(true)
  })

  test.each([
    ['0.25 ms after second 0, which agrees', NOW + 0.25, NOW + 0.25],
    ['at second 0, which disagrees', NOW, NOW + 1_000],
    ['0.25 ms before second 0, which disagrees', NOW - 0.25, NOW + 1_000],
    ['at second 1, which agrees', NOW + 1_000, NOW + 1_000],
    ['0.25 ms after second 1, which disagrees', NOW + 1_000.25, NOW + 1_000],
  ])('with lease_expires_at at second 1 and lease_expires_at_ms %s', async (_, exact, end) => {
    const store = storeOf(table)
    const cacheKey = newKey()
    await writeRow(table, lockRow(cacheKey, { lease_expires_at: N(NOW_S + 1), ...endMs(exact) }))
    expect((await store.get(cacheKey))?.leaseExpiresAt).toBe(end)
    expect((await acquire(store, cacheKey, { nowMs: end - 0.25 })).acquired).toBe(false)
    expect((await acquire(store, cacheKey, { nowMs: end })).acquired).toBe(true)
  })

  test.each([
    ['a minute later', NOW + 60_000],
    ['far in the future', 1e20],
  ])('by lease_expires_at alone when lease_expires_at_ms is %s', async (_, millis) => {
    const store = storeOf(table)
    const attributes = { lease_expires_at: N(NOW_S), ...endMs(millis) }
    const early = newKey()
    await writeRow(table, lockRow(early, attributes))
    expect((await acquire(store, early, { nowMs: NOW - 0.5 })).acquired).toBe(false)
    expect((await acquire(store, early, { nowMs: NOW })).acquired).toBe(true)
  })
})

describe('a lease that has not expired is free only if its end is more than seven days after nowMs', () => {
  const end = (millis: number): Item => ({
    lease_expires_at: N(Math.ceil(millis / 1_000)),
    lease_expires_at_ms: N(millis),
  })
  const endInSeconds = (seconds: number): Item => ({ lease_expires_at: N(seconds) })
  const sevenDays = SEVEN_DAYS_MS / 1_000

  test.each<[string, number, Item, boolean]>([
    ['exactly seven days', NOW + 123, end(NOW + 123 + SEVEN_DAYS_MS), false],
    ['seven days and a fraction of a millisecond', NOW + 123, end(NOW + 123.25 + SEVEN_DAYS_MS), true],
    ['seven days and a millisecond', NOW + 123, end(NOW + 124 + SEVEN_DAYS_MS), true],
    ['exactly seven days from a fractional nowMs', NOW + 123.25, end(NOW + 123.25 + SEVEN_DAYS_MS), false],
    [
      'seven days and a fraction of a millisecond from a fractional nowMs',
      NOW + 123.25,
      end(NOW + 123.5 + SEVEN_DAYS_MS),
      true,
    ],
    ['exactly seven days from a whole second', NOW, end(NOW + SEVEN_DAYS_MS), false],
    ['seven days and a fraction of a millisecond from a whole second', NOW, end(NOW + 0.25 + SEVEN_DAYS_MS), true],
    ['seven days and 999.75 ms from a whole second', NOW, end(NOW + 999.75 + SEVEN_DAYS_MS), true],
    ['exactly seven days, in seconds alone', NOW, endInSeconds(NOW_S + sevenDays), false],
    ['seven days and a second, in seconds alone', NOW, endInSeconds(NOW_S + sevenDays + 1), true],
    ['seven days less 500 ms, in seconds alone', NOW + 500, endInSeconds(NOW_S + sevenDays), false],
    ['seven days and 500 ms, in seconds alone', NOW + 500, endInSeconds(NOW_S + sevenDays + 1), true],
    ['exactly seven days, in fractional seconds', NOW + 500, endInSeconds(NOW_S + sevenDays + 0.5), false],
    ['seven days and 250 ms, in fractional seconds', NOW + 500, endInSeconds(NOW_S + sevenDays + 0.75), true],
    [
      'a minute in seconds, and a far longer time in milliseconds',
      NOW,
      { ...endInSeconds(NOW_S + 60), ...endMs(1e14) },
      false,
    ],
    [
      'a time far beyond seven days in seconds, and a minute in milliseconds',
      NOW,
      { ...endInSeconds(1e12), ...endMs(NOW + 60_000) },
      true,
    ],
    [
      'seven days and 500 ms in seconds, and less than seven days in milliseconds that barely disagree',
      NOW + 500,
      { ...endInSeconds(NOW_S + sevenDays + 1), ...endMs(NOW + SEVEN_DAYS_MS) },
      true,
    ],
    ['a number of milliseconds, stored as seconds', NOW, endInSeconds(NOW + 5_000), true],
    ['2,000,000,005 seconds from a nowMs of 0', 0, endInSeconds(NOW_S + 5), true],
    ['exactly seven days from a nowMs of 0', 0, endInSeconds(sevenDays), false],
  ])('with an end after %s', async (_, nowMs, attributes, free) => {
    const store = storeOf(table)
    const cacheKey = newKey()
    await writeRow(table, lockRow(cacheKey, attributes))
    const held = await store.get(cacheKey)
    const attempt = await acquire(store, cacheKey, { nowMs })
    expect(attempt.acquired).toBe(free)
    expect(free).toBe((held?.leaseExpiresAt ?? Number.NaN) - nowMs > SEVEN_DAYS_MS)
    if (!free) expect(attempt.record).toStrictEqual(held)
  })
})

function endMs(millis: number): Item {
  return { lease_expires_at_ms: N(millis) }
}
