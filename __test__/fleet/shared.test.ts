// `shared: true`: stores of one process with equal settings use one core, across worker threads too.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { passing, publishPage, withMember } from './setting.js'

const fixture = fileURLToPath(new URL('../fixtures/shared-worker.mjs', import.meta.url))

test('stores with equal settings share a request of one tick, and stores with other settings do not', () =>
  withMember({ shared: true }, async ({ store, stub, cacheKey }) => {
    await publishPage(store, cacheKey)
    const name = String(stub.requests[0]?.body.TableName)
    const make = (options: object) =>
      new FaceTheoryIsrMetaStore(name, {
        endpoint: stub.endpoint,
        connectTimeoutMs: 20_000,
        requestTimeoutMs: 20_000,
        operationTimeoutMs: 50_000,
        shared: true,
        ...options,
      })
    stub.play(passing)
    const equal = [{}, {}, { onOperation: () => {} }, { maxStalenessMs: 0, pkPrefix: 'CACHE#', consistentRead: true }]
    await Promise.all(equal.map((options) => make(options).get(cacheKey)))
    expect(stub.count('Query')).toBe(1)
    stub.play(passing)
    const others = [{}, { maxAttempts: 4 }, { shared: false }, { leaseToken: () => 'token' }]
    await Promise.all(others.map((options) => make(options).get(cacheKey)))
    expect(stub.count('Query')).toBe(4)
  }))

test('four worker threads that each call get 50 times at once send at most three requests together', () =>
  withMember({ shared: true }, async ({ stub, cacheKey, store }) => {
    await publishPage(store, cacheKey)
    const table = String(stub.requests[0]?.body.TableName)
    stub.play(passing)
    const workers = Array.from(
      { length: 4 },
      () => new Worker(fixture, { workerData: { table, endpoint: stub.endpoint, cacheKey } }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    for (const worker of workers) worker.postMessage('go')
    const answers = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as number))
    expect(answers).toEqual([50, 50, 50, 50])
    expect(stub.count('Query')).toBeLessThanOrEqual(3)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }))
