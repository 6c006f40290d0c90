// After five requests in a row without an answer, `get` and `tryAcquireLease` fail at once.
import { setTimeout as sleep } from 'node:timers/promises'

import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { rejectionOf } from '../support/failure.js'
import { type Answer, fault, halfAnAnswer, hangUp, type Script } from '../support/stub/stub.js'
import { acquisition, passing, withMember } from './setting.js'

/** No request is answered while `isDown` returns true. */
const outage =
  (isDown: () => boolean): Script =>
  (request, index) =>
    isDown() ? hangUp : passing(request, index)

const brokenOff: Answer = (response) => {
  response.writeHead(200, { 'content-length': '100' }).write('{"Items":[', () => response.destroy())
}

const single = { maxAttempts: 1 }

async function fail(store: FaceTheoryIsrMetaStore, keys: string[]): Promise<void> {
  for (const key of keys) expect(await rejectionOf(() => store.get(key))).toMatchObject({ code: 'ErrUnavailable' })
}

test('five failures of two keys open the circuit for all keys', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      await fail(store, ['a', 'b', 'a', 'b', 'a'])
      stub.requests.length = 0
      const begun = performance.now()
      for (const call of [() => store.get('c'), () => store.tryAcquireLease(acquisition('c', 'owner'))]) {
        const error = await rejectionOf(call)
        expect(error).toMatchObject({ code: 'ErrUnavailable', retryable: true })
        expect(error.message).toMatch(/circuit open .* in \d+ ms/)
      }
      expect(performance.now() - begun).toBeLessThan(150)
      expect(stub.requests).toEqual([])
    },
    outage(() => true),
  ))

test('commit, release and invalidate are sent while the circuit is open', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      await fail(store, ['a', 'b', 'a', 'b', 'a'])
      stub.requests.length = 0
      await rejectionOf(() => store.invalidate('c'))
      await store.releaseLease({ cacheKey: 'c', leaseOwner: 'o', leaseToken: 't' })
      expect(stub.operations()).toEqual(expect.arrayContaining(['TransactWriteItems', 'DeleteItem']))
    },
    outage(() => true),
  ))

test('five failures of one key open the circuit for that key only', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      await fail(store, ['a', 'a', 'a', 'a', 'a'])
      stub.requests.length = 0
      expect((await rejectionOf(() => store.get('a'))).message).toContain('circuit open')
      expect(stub.requests).toEqual([])
      await rejectionOf(() => store.get('b'))
      expect(stub.operations()).toEqual(['Query'])
    },
    outage(() => true),
  ))

test('an answer of any status keeps the circuit closed', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      for (let call = 0; call < 12; call++) await rejectionOf(() => store.get(`key ${call % 3}`))
      expect(stub.count('Query')).toBe(12)
    },
    () => fault('InternalServerError', 'oops', 500),
  ))

test('failures of concurrent calls count as one', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      await Promise.all(Array.from({ length: 20 }, (_, index) => rejectionOf(() => store.get(`key ${index}`))))
      stub.requests.length = 0
      await rejectionOf(() => store.get('one more'))
      expect(stub.operations()).toEqual(['Query'])
    },
    outage(() => true),
  ))

test('after the open interval one probe goes out with a single attempt, and its answer closes the circuit', () => {
  let isDown = true
  return withMember(
    { maxAttempts: 3 },
    async ({ store, stub }) => {
      // Two calls of three attempts each: six failures.
      await fail(store, ['a', 'b'])
      stub.requests.length = 0
      await sleep(400)
      const [first, second] = await Promise.all([rejectionOf(() => store.get('a')), rejectionOf(() => store.get('c'))])
      expect(stub.operations()).toEqual(['Query'])
      expect(first.message).not.toContain('circuit open')
      expect(second.message).toContain('circuit open')
      isDown = false
      await sleep(800)
      expect(await store.get('a')).toBeNull()
      expect(await store.get('c')).toBeNull()
    },
    outage(() => isDown),
  )
})

test('five failures of one key and one failure of another open the circuit for all keys', () =>
  withMember(
    single,
    async ({ store, stub }) => {
      await fail(store, ['a', 'a', 'a', 'a', 'a', 'b'])
      stub.requests.length = 0
      expect((await rejectionOf(() => store.get('c'))).message).toContain('circuit open')
      expect(stub.requests).toEqual([])
    },
    outage(() => true),
  ))

test('a status without the rest of its answer keeps the circuit closed', () =>
  withMember(
    { ...single, requestTimeoutMs: 100 },
    async ({ store, stub }) => {
      for (let call = 0; call < 12; call++) await rejectionOf(() => store.get(`key ${call % 3}`))
      expect(stub.count('Query')).toBe(12)
    },
    (_, index) => (index % 2 === 0 ? halfAnAnswer : brokenOff),
  ))
