// An acquire does not return a lease for a page that another process has published since the caller's get.
import { expect, test, vi } from 'vitest'

import { pkOf } from '../support/rows.js'
import { readRow, storeOf } from '../support/store.js'
import { fault } from '../support/stub/stub.js'
import { acquisition, passing, publishPage, table, withMember } from './setting.js'

const lockOf = async (cacheKey: string) => readRow(await table(), pkOf(cacheKey), 'LOCK')

test('an acquire returns the page that was published after get found none, and leaves no lease', () =>
  withMember({}, async ({ store, cacheKey }) => {
    expect(await store.get(cacheKey)).toBeNull()
    await publishPage(storeOf(await table()), cacheKey, { htmlPointer: 'by another' })
    const attempt = await store.tryAcquireLease(acquisition(cacheKey, 'late'))
    expect(attempt).toMatchObject({ acquired: false, leaseToken: null })
    expect(attempt.record).toMatchObject({
      htmlPointer: 'by another',
      leaseOwner: null,
      leaseToken: null,
      leaseExpiresAt: 0,
    })
    expect(await lockOf(cacheKey)).toBeUndefined()
  }))

test('a release that is throttled goes on after the call, which waits for it at most 250 ms', () => {
  let throttles = 4
  return withMember(
    {},
    async ({ store, cacheKey }) => {
      expect(await store.get(cacheKey)).toBeNull()
      await publishPage(storeOf(await table()), cacheKey, { htmlPointer: 'by another' })
      expect((await store.tryAcquireLease(acquisition(cacheKey, 'late'))).acquired).toBe(false)
      expect(await lockOf(cacheKey)).toBeDefined()
      await vi.waitFor(async () => expect(await lockOf(cacheKey)).toBeUndefined(), { timeout: 3_000, interval: 50 })
    },
    (request, index) =>
      request.operation === 'DeleteItem' && throttles-- > 0 ? fault('ThrottlingException') : passing(request, index),
  )
})

test('an acquire returns the newer page that has replaced the stale page from get', () =>
  withMember({}, async ({ store, cacheKey }) => {
    const other = storeOf(await table())
    await publishPage(other, cacheKey, { htmlPointer: 'old', generatedAt: Date.now() - 90_000 })
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'old' })
    await publishPage(other, cacheKey, { htmlPointer: 'new' })
    const { acquired, record } = await store.tryAcquireLease(acquisition(cacheKey, 'late'))
    expect([acquired, record.htmlPointer]).toEqual([false, 'new'])
  }))

test('an acquire succeeds when get returned that same page, whose HTML may be missing', () =>
  withMember({}, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey)
    await store.get(cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'repairs'))).acquired).toBe(true)
  }))

test('an acquire succeeds for a caller that has not called get', () =>
  withMember({}, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'revalidates'))).acquired).toBe(true)
  }))

test('an acquire succeeds when the newer page becomes stale within a second', () =>
  withMember({}, async ({ store, cacheKey }) => {
    await store.get(cacheKey)
    await publishPage(storeOf(await table()), cacheKey, { generatedAt: Date.now() - 60_000, revalidateSeconds: 60.5 })
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'refreshes'))).acquired).toBe(true)
  }))

test('an acquire succeeds when the newer page is the one that this store published last', () =>
  withMember({}, async ({ store, cacheKey }) => {
    await store.get(cacheKey)
    await publishPage(store, cacheKey)
    expect((await store.tryAcquireLease(acquisition(cacheKey, 'again'))).acquired).toBe(true)
  }))
