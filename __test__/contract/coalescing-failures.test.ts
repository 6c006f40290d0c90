// Failures of shared requests: the first one rejects the leader alone, and the next follower sends the request again.
import type { IsrStoreFailure } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { expectCode } from '../support/failure.js'
import { atOnce, count, crowd, failures, inOrder, sharing } from '../support/sharing.js'
import { behind, Gate } from '../support/stub/gate.js'
import { type Answer, fault, hangUp, type Script, silence, storeAt, succeed, withStub } from '../support/stub/stub.js'

/** Answers with `how` to the requests of the operation for which `fails` holds; `index` counts them from 0. */
const failing =
  (operation: string, how: Answer, fails: (index: number) => boolean = () => true): Script =>
  (request, index) =>
    request.operation === operation && fails(index) ? how : succeed(request, index)

describe.each(sharing)('$method whose request fails', ({ operation, call }) => {
  const denied = fault('AccessDeniedException')

  test('rejects for the call that sent the request, and for no later call', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        failing(operation, denied, (index) => index === 0),
      ),
      async (stub) => {
        const store = storeAt(stub)
        const settled = await inOrder(
          gate,
          store,
          crowd(20).map((index) => () => call(store, 'key', index)),
        )
        expect(settled.map(({ status }) => status)).toEqual(
          crowd(20).map((index) => (index === 0 ? 'rejected' : 'fulfilled')),
        )
        for (const error of failures(settled)) expectCode(error as IsrStoreFailure, 'ErrAccessDenied')
        expect(count(stub, operation)).toBe(2)
      },
    )
  })

  test('rejects for the leader of many calls, and a follower sends the request again', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        failing(operation, denied, (index) => index === 1),
      ),
      async (stub) => {
        const store = storeAt(stub)
        const settled = await inOrder(
          gate,
          store,
          crowd(20).map((index) => () => call(store, 'key', index)),
        )
        expect(failures(settled)).toHaveLength(1)
        expect(count(stub, operation)).toBe(3)
      },
    )
  })

  test.each([
    ['is denied', denied, 'ErrAccessDenied', 1],
    ['loses its connection', hangUp, 'ErrUnavailable', 2],
  ] as const)('rejects for 200 calls after at most four requests when each one %s', (_, answer, code, attempts) => {
    const gate = new Gate()
    return withStub(behind(gate, failing(operation, answer)), async (stub) => {
      const store = storeAt(stub, { maxAttempts: attempts })
      const settled = await atOnce(
        gate,
        store,
        crowd(200).map((index) => () => call(store, 'key', index)),
      )
      expect(failures(settled)).toHaveLength(200)
      for (const error of failures(settled)) expectCode(error as IsrStoreFailure, code)
      expect(count(stub, operation)).toBeLessThanOrEqual(4 * attempts)
    })
  })

  test('rejects with ErrTimeout at the deadline of the leader, and a follower with a later deadline succeeds', async () => {
    let hasShown = false
    // On a busy machine both calls may time out, which proves nothing. Longer timeouts prevent that.
    for (let operationTimeoutMs = 1_000; !hasShown && operationTimeoutMs < 60_000; operationTimeoutMs *= 3) {
      await withStub(
        failing(operation, silence, (index) => index === 0),
        async (stub) => {
          const store = storeAt(stub, { operationTimeoutMs, requestTimeoutMs: operationTimeoutMs })
          const first = call(store, 'key', 0)
          const late = new Promise((resolve) => setTimeout(resolve, operationTimeoutMs / 2)).then(() =>
            call(store, 'key', 1),
          )
          const [early, other] = await Promise.allSettled([first, late])
          expect(early).toMatchObject({ status: 'rejected', reason: { code: 'ErrTimeout' } })
          if (other.status === 'rejected') expect(other.reason).toMatchObject({ code: 'ErrTimeout' })
          else hasShown = true
        },
      )
    }
    expect(hasShown).toBe(true)
  }, 120_000)
})

test('a call that shares requests does not reject with ErrTimeout before its own deadline', async () => {
  const operationTimeoutMs = 800
  await withStub(
    () => silence,
    async (stub) => {
      const elapsedTimes = sharing.map(async ({ call }) => {
        const store = storeAt(stub, { operationTimeoutMs })
        // The first request is in flight until its deadline. Then the next two are, for a moment each; the others wait.
        const calls = [0, 100, 200, 600, 700].map(async (delay, index) => {
          await new Promise((resolve) => setTimeout(resolve, delay))
          const began = performance.now()
          await expect(call(store, 'key', index)).rejects.toMatchObject({ code: 'ErrTimeout' })
          return performance.now() - began
        })
        return Promise.all(calls)
      })
      // An acquire ends a little earlier, because it keeps time to release a lease that it may have acquired.
      const tooEarly = (await Promise.all(elapsedTimes))
        .flat()
        .filter((elapsedMs) => elapsedMs < 0.85 * operationTimeoutMs)
      expect(tooEarly).toEqual([])
    },
  )
})
