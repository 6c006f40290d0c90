// Callers that all give one leaseOwner: each may acquire, so none must wait until the others are through.
import { setTimeout as sleep } from 'node:timers/promises'

import type { IsrStoreFailure, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'
import { makeTable, newKey } from '../support/store.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { withStub } from '../support/stub/stub.js'

const latencyMs = 700

test('thirty callers with one leaseOwner acquire in their time at 700 ms of latency', () =>
  withStub(
    through(() => 'passes'),
    async (stub) => {
      const pass = through(() => 'passes')
      stub.play(async (request, index) => {
        await sleep(latencyMs)
        return pass(request, index)
      })
      // A busy machine is given as much as the network takes: one alone needs 700 ms, thirty in a row 21,000 ms.
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
