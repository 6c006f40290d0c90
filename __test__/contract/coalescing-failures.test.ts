// Calls that share a request which fails: whose failure it is, and when.
import type { IsrStoreFailure } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { expectCode } from '../support/failure.js'
import { atOnce, count, crowd, failures, inOrder, sharing } from '../support/sharing.js'
import { behind, Gate } from '../support/stub/gate.js'
import { type Answer, fault, hangUp, type Script, silence, storeAt, succeed, withStub } from '../support/stub/stub.js'

/** Fails some of the requests for the operation; `index` counts them from 0. */
const failing =
  (operation: string, how: Answer, fails: (index: number) => boolean = () => true): Script =>
  (request, index) =>
    request.operation === operation && fails(index) ? how : succeed(request, index)

describe.each(sharing)('$method that fails', ({ operation, call }) => {
  const denied = fault('AccessDeniedException')

  test('fails whoever made it, and nobody else', () => {
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

  test('for many fails whoever made it, and the next of them makes it again', () => {
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
    ['for good', denied, 'ErrAccessDenied', 1],
    ['for now', hangUp, 'ErrUnavailable', 2],
  ] as const)('again and again, %s, fails all 200 after a few requests', (_, answer, code, attempts) => {
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

  test('because its time is up fails nobody who has time left', async () => {
    let hasShown = false
    // On a busy machine both may run out of time, which says nothing; with more time they will not.
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

test('nobody is told that the time is up before it is', async () => {
  const operationTimeoutMs = 800
  await withStub(
    () => silence,
    async (stub) => {
      const timesUp = sharing.map(async ({ call }) => {
        const store = storeAt(stub, { operationTimeoutMs })
        // The first is in flight until its time is up. Then the next two are, for a moment each, and the others wait.
        const calls = [0, 100, 200, 600, 700].map(async (delay, index) => {
          await new Promise((resolve) => setTimeout(resolve, delay))
          const began = performance.now()
          await expect(call(store, 'key', index)).rejects.toMatchObject({ code: 'ErrTimeout' })
          return performance.now() - began
        })
        return Promise.all(calls)
      })
      // An attempt at a lease ends a little earlier, to give back what it may have taken.
      const most = (await Promise.all(timesUp)).flat().filter((elapsedMs) => elapsedMs < 0.85 * operationTimeoutMs)
      expect(most).toEqual([])
    },
  )
})
