// Idle connections that the other end has dropped: the first byte on one is answered with a reset. The server may be
// healthy, so the reset makes no call fail.
import { describe, expect, test } from 'vitest'

import { acquire, all, commit, get } from '../support/calls.js'
import * as publishing from '../support/rows.js'
import { makeTable, newKey, readRow, sortKeys } from '../support/store.js'
import { Gate } from '../support/stub/gate.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { type Stub, storeAt, succeed, withStub } from '../support/stub/stub.js'

type Store = ReturnType<typeof storeAt>

/** Makes the store open `count` connections, which are idle afterwards. */
async function fillPool(stub: Stub, store: Store, count: number): Promise<void> {
  const gate = new Gate()
  stub.play(async (request, index) => {
    await gate.pass()
    return succeed(request, index)
  })
  const calls = Array.from({ length: count }, (_, index) => store.get(`warm ${index}`))
  while (gate.length < count) await gate.arrival()
  gate.open()
  await Promise.all(calls)
  expect(stub.accepted()).toBe(count)
  stub.play(succeed)
}

const outcomes = async (calls: Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(calls)).map((call) => (call.status === 'fulfilled' ? 'success' : call.reason.message))

describe.each([10, 40])('%i idle connections that are reset on use', (idle) => {
  test.each([get, commit, acquire])('make none of 12 concurrent calls of $method fail', ({ run }) =>
    withStub(succeed, async (stub) => {
      const store = storeAt(stub)
      await fillPool(stub, store, idle)
      stub.resetOnUse()
      expect(await outcomes(Array.from({ length: 12 }, (_, index) => run(store, `key ${index}`)))).toEqual(
        Array(12).fill('success'),
      )
    }),
  )

  test('make no call fail in a sequence of calls of every method', () =>
    withStub(succeed, async (stub) => {
      const store = storeAt(stub)
      await fillPool(stub, store, idle)
      stub.resetOnUse()
      // A token commits once, so the second round has no commit.
      for (const { method, run } of [...all, ...all.filter(({ method }) => method !== 'commitGeneration')])
        expect([method, ...(await outcomes([run(store, 'key')]))]).toEqual([method, 'success'])
    }))
})

test('a reset of an idle connection is not counted as an attempt', () =>
  withStub(succeed, async (stub) => {
    const store = storeAt(stub, { maxAttempts: 1 })
    await fillPool(stub, store, 5)
    stub.resetOnUse()
    expect(await outcomes([get.run(store, 'key')])).toEqual(['success'])
  }))

test('a write that took effect before the reset of its connection succeeds, and is sent once more', async () => {
  const table = await makeTable()
  await withStub(succeed, async (stub) => {
    const store = storeBehind(table, stub)
    await fillPool(stub, store, 5)
    const resets = through(({ operation }, index) =>
      index < 1 && operation !== 'Query' && operation !== 'GetItem' ? 'is reset on its way back' : 'passes',
    )
    stub.play(resets)
    const cacheKey = newKey()
    const { acquired, leaseToken } = await publishing.acquire(store, cacheKey)
    expect(acquired).toBe(true)
    expect((await readRow(table, publishing.pkOf(cacheKey), 'LOCK'))?.lease_token).toEqual({ S: leaseToken })
    await publishing.commit(store, cacheKey, leaseToken ?? '')
    expect(await sortKeys(table, publishing.pkOf(cacheKey))).toEqual(['META'])
  })
})

test('a reset of a new connection is counted as an attempt', () =>
  withStub(
    () => (response) => response.socket?.resetAndDestroy(),
    async (stub) => {
      const store = storeAt(stub, { maxAttempts: 2 })
      expect(await outcomes([get.run(store, 'key')])).toEqual([expect.stringContaining('after 2 attempts')])
      expect(stub.count('Query')).toBe(2)
    },
  ))
