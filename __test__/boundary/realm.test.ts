// A realm that an app or its dependencies have changed. Each test has its own process.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { inProcess } from '../support/isolated.js'
import { type Stub, startStub, succeed } from '../support/stub/stub.js'

let stub: Stub

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => stub.play(succeed))
afterAll(() => stub.close())

const fields = [
  'acquired',
  'record',
  'leaseToken',
  'cacheKey',
  'htmlPointer',
  'status',
  'contentType',
  'etag',
  'leaseOwner',
]

/** Resolves to the outcome of an acquire while `Object.prototype` has an accessor for the field. */
const acquired = (field: string, accessor: 'does nothing' | 'throws') =>
  inProcess({}, { endpoint: stub.endpoint, field, accessor }, async ({ FaceTheoryIsrMetaStore }, data) => {
    const limits = { requestTimeoutMs: 10_000, operationTimeoutMs: 30_000 }
    const store = new FaceTheoryIsrMetaStore('isr', { endpoint: data.endpoint, ...limits })
    await store.get('first')
    Object.defineProperty(Object.prototype, data.field, {
      configurable: true,
      get: () => undefined,
      set: () => {
        if (data.accessor === 'throws') throw new Error('of the realm')
      },
    })
    let attempt: object | undefined
    const times = { nowMs: 1_000, leaseDurationMs: 500, fallbackRevalidateSeconds: 1 }
    const call = store.tryAcquireLease({ cacheKey: 'key', leaseOwner: 'owner', ...times }).then(
      (result) => {
        attempt = result
      },
      (error: Error) => {
        attempt = { error: error.message }
      },
    )
    // Waits until long after the answer, but not forever.
    for (let others = 0; others < 100 && attempt === undefined; others += 1) await store.get('other')
    Reflect.deleteProperty(Object.prototype, data.field)
    if (attempt !== undefined) await call
    return attempt ?? 'never settled'
  })

const record = {
  cacheKey: 'key',
  htmlPointer: null,
  generatedAt: 0,
  revalidateSeconds: 1,
  status: 200,
  contentType: 'text/html; charset=utf-8',
  contentSecurityPolicy: null,
  strictCspPolicy: null,
  etag: null,
  leaseOwner: 'owner',
  leaseToken: expect.any(String),
  leaseExpiresAt: 1_500,
}

test.each(fields)('%s is a property of the answer even if Object.prototype has an accessor for it', async (field) => {
  for (const accessor of ['does nothing', 'throws'] as const) {
    expect(await acquired(field, accessor), accessor).toEqual({
      acquired: true,
      record,
      leaseToken: expect.any(String),
    })
  }
})

test('a call of the class without new throws a TypeError, and makes no store of the global object', async () => {
  const outcomes = await inProcess({}, null, ({ FaceTheoryIsrMetaStore }) => {
    const call = FaceTheoryIsrMetaStore as unknown as (tableName: string) => unknown
    return [1, 2].map(() => {
      try {
        return call('isr') === globalThis ? 'the global object' : 'something'
      } catch (error) {
        return (error as Error).name
      }
    })
  })
  expect(outcomes).toEqual(['TypeError', 'TypeError'])
})
