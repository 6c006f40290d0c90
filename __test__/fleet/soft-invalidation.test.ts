// `softInvalidation`: `invalidate` marks a page as stale and keeps it.
import { expect, test } from 'vitest'

import { pkOf } from '../support/rows.js'
import { readRow, sortKeys, storeOf } from '../support/store.js'
import { acquisition, publishPage, table, withMember } from './setting.js'

const options = { softInvalidation: true }

test('invalidate keeps the page as one that was never fresh, and deletes its lease', () =>
  withMember(options, async ({ store, cacheKey }) => {
    await publishPage(store, cacheKey, { htmlPointer: 'kept' })
    const { leaseToken } = await store.tryAcquireLease(acquisition(cacheKey, 'renderer'))
    await store.invalidate(cacheKey)
    expect(await store.get(cacheKey)).toMatchObject({
      htmlPointer: 'kept',
      generatedAt: 0,
      revalidateSeconds: 0,
      leaseOwner: null,
    })
    const { generated_at, generated_at_ms, revalidate_seconds, revalidate_ms } =
      (await readRow(await table(), pkOf(cacheKey), 'META')) ?? {}
    expect([generated_at, generated_at_ms, revalidate_seconds, revalidate_ms]).toEqual([
      { N: '0' },
      { N: '0' },
      { N: '0' },
      { N: '0' },
    ])
    // The regeneration in flight cannot publish.
    await expect(
      store.commitGeneration({
        cacheKey,
        leaseOwner: 'renderer',
        leaseToken: leaseToken ?? '',
        htmlPointer: 'outdated',
        generatedAt: Date.now(),
        revalidateSeconds: 60,
        status: 200,
        contentType: 'text/html',
      }),
    ).rejects.toMatchObject({ code: 'ErrLeaseNotOwned' })
  }))

test('the next caller regenerates the page, with its own fallback as freshness lifetime', () =>
  withMember(options, async ({ store, cacheKey }) => {
    await publishPage(store, cacheKey)
    await store.invalidate(cacheKey)
    await store.get(cacheKey)
    const { acquired, record } = await store.tryAcquireLease(
      acquisition(cacheKey, 'renderer', { fallbackRevalidateSeconds: 9 }),
    )
    expect([acquired, record.htmlPointer, record.revalidateSeconds]).toEqual([true, 'page', 9])
    await store.releaseLease({ cacheKey, leaseOwner: 'renderer', leaseToken: record.leaseToken ?? '' })
    await publishPage(store, cacheKey, { htmlPointer: 'new' })
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'new', revalidateSeconds: 60 })
  }))

test('invalidate deletes both rows when the page is missing, and resolves for a key without rows', () =>
  withMember(options, async ({ store, stub, cacheKey }) => {
    await store.tryAcquireLease(acquisition(cacheKey, 'renderer'))
    await store.invalidate(cacheKey)
    expect(await sortKeys(await table(), pkOf(cacheKey))).toEqual([])
    stub.requests.length = 0
    await store.invalidate(cacheKey)
    expect(stub.operations()).toEqual(['TransactWriteItems', 'TransactWriteItems'])
  }))

test('invalidate deletes the page without softInvalidation', () =>
  withMember({}, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey)
    await store.invalidate(cacheKey)
    expect(await store.get(cacheKey)).toBeNull()
  }))
