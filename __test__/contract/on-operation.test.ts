// `onOperation` reports the requests and the outcome of each call, and cannot make a call fail.
import { setImmediate as tick } from 'node:timers/promises'

import type { IsrStoreOperation } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { acquire, commit, get, invalidate, release } from '../support/calls.js'
import { hostile } from '../support/hostile/inputs.js'
import { metaRow } from '../support/rows.js'
import { answersOf, closedEndpoint, fault, json, storeAt, succeed, withStub } from '../support/stub/stub.js'

type Told = Omit<IsrStoreOperation, 'durationMs'>

const plain: Told = {
  operation: 'get',
  requests: 1,
  shared: false,
  outcome: 'success',
  code: null,
  cacheKey: null,
  throttles: 0,
  pacedMs: 0,
}

/** A callback, and its reports without their duration. */
function listener(): { told: Told[]; onOperation: (operation: IsrStoreOperation) => void } {
  const told: Told[] = []
  const onOperation = ({ durationMs, ...rest }: IsrStoreOperation): void => {
    expect(durationMs).toBeGreaterThan(0)
    told.push(rest)
  }
  return { told, onOperation }
}

test('onOperation is called for each call, with the number of requests that the call sent', () =>
  withStub(succeed, async (stub) => {
    const { told, onOperation } = listener()
    const store = storeAt(stub, { onOperation })
    for (const { run } of [get, acquire, commit, release, invalidate]) await run(store, 'key')
    expect(told).toEqual([
      plain,
      { ...plain, operation: 'tryAcquireLease', requests: 2 },
      { ...plain, operation: 'commitGeneration' },
      { ...plain, operation: 'releaseLease', requests: 0 },
      { ...plain, operation: 'invalidate' },
    ])
  }))

test('onOperation gets cache keys when onOperationKeys is true', () =>
  withStub(succeed, async (stub) => {
    const { told, onOperation } = listener()
    const store = storeAt(stub, { onOperation, onOperationKeys: true })
    for (const { run } of [get, acquire, commit, release, invalidate]) await run(store, 'key')
    expect(told.map(({ cacheKey }) => cacheKey)).toEqual(['key', 'key', 'key', 'key', 'key'])
  }))

test('onOperation counts repeated requests, and gets the code of a failure', () =>
  withStub(answersOf('Query', fault('ThrottlingException'), json({ Items: [], Count: 0 })), async (stub) => {
    const { told, onOperation } = listener()
    await get.run(storeAt(stub, { onOperation }), 'key')
    await get.run(storeAt({ endpoint: closedEndpoint }, { onOperation, maxAttempts: 2 }), 'key').catch(() => {})
    expect(told).toEqual([
      { ...plain, requests: 2, throttles: 1 },
      { ...plain, requests: 2, outcome: 'failure', code: 'ErrUnavailable' },
    ])
  }))

test('onOperation gets the outcome "held", and not "failure", for a held lease', () => {
  const refusal = fault('ConditionalCheckFailedException', 'no', 400, {
    Item: { lease_token: { S: 'theirs' }, lease_expires_at: { N: '9999999999' }, lease_owner: { S: 'them' } },
  })
  return withStub(answersOf('PutItem', refusal), async (stub) => {
    const { told, onOperation } = listener()
    await acquire.run(storeAt(stub, { onOperation }), 'key')
    expect(told).toEqual([{ ...plain, operation: 'tryAcquireLease', requests: 2, outcome: 'held' }])
  })
})

test('onOperation gets shared: true for a follower, and requests: 0 for an answer of the page cache', () =>
  withStub(answersOf('Query', json({ Items: [metaRow('key')], Count: 1 })), async (stub) => {
    const { told, onOperation } = listener()
    const store = storeAt(stub, { onOperation, maxStalenessMs: 3_600_000 })
    await Promise.all([store.get('key'), store.get('key'), store.get('key')])
    const shared = { ...plain, requests: 0, shared: true }
    expect(told.sort((one, other) => other.requests - one.requests)).toEqual([plain, shared, shared])
    await store.get('key')
    expect(told.at(-1)).toEqual({ ...plain, requests: 0 })
  }))

describe('onOperation', () => {
  test.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw new Error('lost')
      },
    ],
    [
      'throws nothing at all',
      () => {
        throw undefined
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('lost')
      },
    ],
    ['is a class', class {}],
    [
      'returns a promise whose catch throws',
      () =>
        Object.assign(Promise.resolve(), {
          catch: () => {
            throw new Error('lost')
          },
        }),
    ],
  ])('does not affect the call when it %s', (_, onOperation) =>
    withStub(succeed, async (stub) => {
      const store = storeAt(stub, { onOperation: hostile(onOperation) })
      await expect(get.run(store, 'key')).resolves.toBeNull()
      await expect(invalidate.run(store, 'key')).resolves.toBeUndefined()
      // An unhandled rejection would fail this file.
      await tick()
    }),
  )

  test('may call the store again', () =>
    withStub(succeed, async (stub) => {
      const again: Promise<unknown>[] = []
      const store = storeAt(stub, { onOperation: () => again.length < 3 && again.push(store.get('key')) })
      await store.get('key')
      while (again.length < 3) await tick()
      expect(await Promise.all(again)).toEqual([null, null, null])
    }))

  test('is not called when an argument is refused', () =>
    withStub(succeed, async (stub) => {
      const { told, onOperation } = listener()
      await expect(storeAt(stub, { onOperation }).get('')).rejects.toThrow(RangeError)
      expect(told).toEqual([])
    }))
})
