import { expect, test } from 'vitest'
import { makeTable, newKey, storeOf, sortKeys } from './support/store.js'

test('a page is published and read back', async () => {
  const table = await makeTable()
  const store = storeOf(table)
  const cacheKey = newKey()
  const attempt = await store.tryAcquireLease({ cacheKey, leaseOwner: 'a', nowMs: 1, leaseDurationMs: 5000, fallbackRevalidateSeconds: 60 })
  expect(attempt.acquired).toBe(true)
  expect(await sortKeys(table, `CACHE#${cacheKey}`)).toEqual(['LOCK'])
})
