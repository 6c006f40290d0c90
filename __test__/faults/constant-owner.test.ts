// Concurrent callers with the same leaseOwner: each may acquire the lease, so none waits until the others have settled.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrStoreFailure, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'
import { makeTable, newKey } from '../support/store.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { withStub } from '../support/stub/stub.js'

const latencyMs = 700

test('thirty concurrent callers with one leaseOwner acquire before their deadline at a latency of 700 ms', () =>
  withStub(
    through(() => 'passes'),
    async (stub) => {
      const pass = through(() => 'passes')
      stub.play(async (request, index) => {
        await sleep(latencyMs)
        return pass(request, index)
      })
      // One acquire needs 700 ms, and thirty in sequence need 21,000 ms. The deadline leaves time for a busy machine.
      const store = storeBehind(await makeTable(), stub, { requestTimeoutMs: 5_000, operationTimeoutMs: 4_000 })
      const claim = { cacheKey: newKey(), leaseOwner: 'constant', nowMs: 2_000_000_000_000 }
      const acquire = (): Promise<TryAcquireIsrLeaseResult> =>
        store.tryAcquireLease({ ...claim, leaseDurationMs: 5_000, fallbackRevalidateSeconds: 60 })
      const ends = await Promise.allSettled(Array.from({ length: 30 }, acquire))
      const told = ends.map((end) =>
        end.status === 'fulfilled' ? end.value.acquired : (end.reason as IsrStoreFailure).message,
      )
      expect(told).toEqual(Array(30).fill(true))
      const tokens = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.leaseToken] : []))
      expect(new Set(tokens).size).toBe(30)
    },
  ))
