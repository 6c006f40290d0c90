// `earlyRefresh`: one caller of a process may regenerate a page shortly before it becomes stale.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrMetaRecord } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { storeOf } from '../support/store.js'
import { acquisition, publishPage, table, withMember } from './setting.js'

const isFresh = (record: IsrMetaRecord | null): boolean =>
  record !== null && Date.now() < record.generatedAt + record.revalidateSeconds * 1_000

/** A page whose freshness lifetime of 10,000 s ends in 500: nine tenths of the window have passed. */
const almostStale = () => ({ generatedAt: Date.now() - 9_500_000, revalidateSeconds: 10_000 })

test('the first get after the random moment returns the page as stale by at least a second, and all others as fresh', () =>
  withMember({ earlyRefresh: 0.5 }, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey, almostStale())
    const records = []
    for (let call = 0; call < 200; call++) records.push(await store.get(cacheKey))
    const isWhole = (record: IsrMetaRecord | null) => record?.revalidateSeconds === 10_000
    const stale = records.filter((record) => !isWhole(record))
    // The random moment of the generation lies in the passed part of the window nine times out of ten.
    expect(stale.length).toBeLessThanOrEqual(1)
    for (const record of stale) {
      const staleSince = Date.now() - (Number(record?.generatedAt) + Number(record?.revalidateSeconds) * 1_000)
      expect(staleSince).toBeGreaterThanOrEqual(1_000)
      expect(staleSince).toBeLessThan(31_000)
    }
    expect(records.filter(isWhole).every(isFresh)).toBe(true)
  }))

test('of twenty stores nine or more refresh early, and exactly one acquires the lease', async () => {
  await withMember({}, async ({ cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey, almostStale())
    const name = await table()
    const stores = Array.from({ length: 20 }, () => storeOf(name, { earlyRefresh: 0.5 }))
    const records = await Promise.all(stores.map((store) => store.get(cacheKey)))
    expect(records.filter((record) => !isFresh(record)).length).toBeGreaterThan(8)
    const attempts = await Promise.all(
      stores.map((store, index) => store.tryAcquireLease(acquisition(cacheKey, `owner ${index}`))),
    )
    const winners = attempts.filter(({ acquired }) => acquired)
    expect(winners).toHaveLength(1)
    for (const { record } of attempts) expect(record.revalidateSeconds).toBe(10_000)
  })
})

test.each([
  ['without earlyRefresh', {}],
  ['from the page cache', { earlyRefresh: 0.5, maxStalenessMs: 60_000 }],
])('no page is refreshed early %s', (_, options) =>
  withMember(options, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey, { generatedAt: Date.now(), revalidateSeconds: 100 })
    for (let call = 0; call < 50; call++) expect(isFresh(await store.get(cacheKey))).toBe(true)
  }),
)

test('no page with a lease is refreshed early', () =>
  withMember({ earlyRefresh: 0.5 }, async ({ store, cacheKey }) => {
    const other = storeOf(await table())
    await publishPage(other, cacheKey, almostStale())
    await other.tryAcquireLease(acquisition(cacheKey, 'holder'))
    for (let call = 0; call < 20; call++) expect(isFresh(await store.get(cacheKey))).toBe(true)
    await sleep(1)
  }))
