// `staleIfErrorMs`: while the table cannot be read, `get` returns the last known page.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrStoreOperation } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { rejectionOf } from '../support/failure.js'
import { storeOf } from '../support/store.js'
import { type Answer, fault, hangUp, type Script } from '../support/stub/stub.js'
import { acquisition, passing, publishPage, table, withMember } from './setting.js'

const options = { staleIfErrorMs: 60_000, maxAttempts: 1 }

/** Passes requests on, until `failWith` sets a fault to answer with. */
function failing(): { script: Script; failWith: (answer: Answer | undefined) => void } {
  let answer: Answer | undefined
  return {
    script: (request, index) => answer ?? passing(request, index),
    failWith: (next) => {
      answer = next
    },
  }
}

test.each([
  ['a throttle', fault('ThrottlingException')],
  ['a broken connection', hangUp],
  ['a server error', fault('InternalServerError', 'oops', 500)],
])('get returns the last page that it read after %s, at once and without a lease', async (_, answer) => {
  const { script, failWith } = failing()
  const told: IsrStoreOperation[] = []
  await withMember(
    { ...options, onOperation: (operation) => told.push(operation) },
    async ({ store, stub, cacheKey }) => {
      const other = storeOf(await table())
      await publishPage(other, cacheKey, { generatedAt: Date.now() - 70_000 })
      await other.tryAcquireLease(acquisition(cacheKey, 'holder'))
      const read = await store.get(cacheKey)
      failWith(answer)
      stub.requests.length = 0
      expect(await store.get(cacheKey)).toEqual({ ...read, leaseOwner: null, leaseToken: null, leaseExpiresAt: 0 })
      // A connection that breaks on reuse is replaced once.
      const sent = stub.requests.length
      expect(sent).toBeLessThanOrEqual(2)
      // The store sends no request for the key for at least half a second.
      for (let call = 0; call < 5; call++) expect(await store.get(cacheKey)).not.toBeNull()
      expect(stub.requests).toHaveLength(sent)
      await sleep(10)
      expect(told.map(({ outcome }) => outcome)).toEqual([
        'success',
        'stale',
        'stale',
        'stale',
        'stale',
        'stale',
        'stale',
      ])
    },
    script,
  )
})

test('concurrent calls of get send one request for a page that is known, when it is throttled', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, stub, cacheKey }) => {
      await publishPage(store, cacheKey)
      failWith(fault('ThrottlingException'))
      stub.requests.length = 0
      const records = await Promise.all(Array.from({ length: 20 }, () => store.get(cacheKey)))
      expect(records.every((record) => record?.htmlPointer === 'page')).toBe(true)
      expect(stub.operations()).toEqual(['Query'])
    },
    script,
  )
})

test('get waits once for credentials that do not come, and then returns the page at once', async () => {
  let expiresIn = 300
  const credentials = () =>
    expiresIn === 0
      ? new Promise<never>(() => {})
      : Promise.resolve({ accessKeyId: 'i', secretAccessKey: 's', expiration: new Date(Date.now() + expiresIn) })
  await withMember({ ...options, operationTimeoutMs: 2_000, credentials }, async ({ store, cacheKey }) => {
    await publishPage(storeOf(await table()), cacheKey)
    await store.get(cacheKey)
    expiresIn = 0
    await sleep(400)
    expect(await store.get(cacheKey)).not.toBeNull()
    const begun = performance.now()
    expect(await store.get(cacheKey)).not.toBeNull()
    expect(performance.now() - begun).toBeLessThan(400)
  })
})

test('the store forgets the page after an acquire that shows none', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, cacheKey }) => {
      const other = storeOf(await table())
      await publishPage(other, cacheKey)
      await store.get(cacheKey)
      await other.invalidate(cacheKey)
      expect((await store.tryAcquireLease(acquisition(cacheKey, 'owner'))).record.htmlPointer).toBeNull()
      failWith(hangUp)
      expect(await rejectionOf(() => store.get(cacheKey))).toMatchObject({ code: 'ErrUnavailable' })
    },
    script,
  )
})

test('get returns a page that the store published itself', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, cacheKey }) => {
      await publishPage(store, cacheKey, { htmlPointer: 'own' })
      failWith(hangUp)
      expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'own' })
    },
    script,
  )
})

test('get returns no page without the option, for another key, or after staleIfErrorMs', async () => {
  const { script, failWith } = failing()
  await withMember(
    { ...options, staleIfErrorMs: 300 },
    async ({ store, stub, cacheKey }) => {
      const without = storeOf(await table(), { endpoint: stub.endpoint, maxAttempts: 1 })
      await publishPage(storeOf(await table()), cacheKey)
      await store.get(cacheKey)
      await without.get(cacheKey)
      failWith(hangUp)
      expect(await store.get(cacheKey)).not.toBeNull()
      for (const call of [() => without.get(cacheKey), () => store.get('another key')]) {
        expect(await rejectionOf(call)).toMatchObject({ code: 'ErrUnavailable' })
      }
      await sleep(400)
      expect(await rejectionOf(() => store.get(cacheKey))).toMatchObject({ code: 'ErrUnavailable' })
    },
    script,
  )
})

test('the store forgets the page after a read without a page, and after an invalidate, even a failed one', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, cacheKey }) => {
      const other = storeOf(await table())
      await publishPage(other, cacheKey)
      await store.get(cacheKey)
      await other.invalidate(cacheKey)
      expect(await store.get(cacheKey)).toBeNull()
      failWith(hangUp)
      expect(await rejectionOf(() => store.get(cacheKey))).toMatchObject({ code: 'ErrUnavailable' })

      failWith(undefined)
      await publishPage(other, `${cacheKey}2`)
      await store.get(`${cacheKey}2`)
      failWith(hangUp)
      await rejectionOf(() => store.invalidate(`${cacheKey}2`))
      expect(await rejectionOf(() => store.get(`${cacheKey}2`))).toMatchObject({ code: 'ErrUnavailable' })
    },
    script,
  )
})

test('get rejects with an error that is not retryable', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, cacheKey }) => {
      await publishPage(store, cacheKey)
      failWith(fault('AccessDeniedException'))
      expect(await rejectionOf(() => store.get(cacheKey))).toMatchObject({ code: 'ErrAccessDenied' })
    },
    script,
  )
})

test('get returns the page without a request while the circuit is open', async () => {
  const { script, failWith } = failing()
  await withMember(
    options,
    async ({ store, stub, cacheKey }) => {
      await publishPage(store, cacheKey)
      failWith(hangUp)
      for (const key of ['a', 'b', 'a', 'b', 'a']) await rejectionOf(() => store.get(key))
      stub.requests.length = 0
      const begun = performance.now()
      expect(await store.get(cacheKey)).not.toBeNull()
      expect(performance.now() - begun).toBeLessThan(100)
      expect(stub.requests).toEqual([])
    },
    script,
  )
})
