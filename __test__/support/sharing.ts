// Concurrent calls for one cache key, and the order in which they begin.
import type { FaceTheoryIsrMetaStore, IsrMetaRecord, TryAcquireIsrLeaseInput } from '@theory-cloud/tabletheory-isr'
import { metaRow, NOW, S } from './rows.js'
import { allBegun, asked, type Gate } from './stub/gate.js'
import { json, type Script, type Stub } from './stub/stub.js'

export const crowd = (size: number): number[] => Array.from({ length: size }, (_, index) => index)

export const leaseInput = (cacheKey: string, index: number, input: Partial<TryAcquireIsrLeaseInput> = {}) => ({
  cacheKey,
  leaseOwner: `owner ${index}`,
  nowMs: NOW,
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 100 + index,
  ...input,
})

/** A method whose concurrent calls for one cache key share one request. */
export interface Sharing {
  method: 'get' | 'tryAcquireLease'
  operation: 'Query' | 'PutItem'
  call: (store: FaceTheoryIsrMetaStore, cacheKey: string, index: number) => Promise<IsrMetaRecord | null>
}
export const sharing: Sharing[] = [
  { method: 'get', operation: 'Query', call: (store, cacheKey) => store.get(cacheKey) },
  {
    method: 'tryAcquireLease',
    operation: 'PutItem',
    call: async (store, cacheKey, index) => (await store.tryAcquireLease(leaseInput(cacheKey, index))).record,
  },
]

export const count = (stub: Stub, operation: string): number => asked(stub, operation).length

export type Calls<T> = readonly (() => Promise<T>)[]

/** Makes the calls at once. None is answered before all have begun, and any of them can be the leader. */
export async function atOnce<T>(
  gate: Gate,
  store: FaceTheoryIsrMetaStore,
  calls: Calls<T>,
): Promise<PromiseSettledResult<T>[]> {
  const settled = Promise.allSettled(calls.map((call) => call()))
  await allBegun(store)
  gate.open()
  return settled
}

/** Makes the calls in order. The first is in flight while all others begin; the second leads their next request. */
export async function inOrder<T>(
  gate: Gate,
  store: FaceTheoryIsrMetaStore,
  calls: Calls<T>,
): Promise<PromiseSettledResult<T>[]> {
  const begun: Promise<T>[] = []
  const arrival = gate.arrival()
  const begin = (some: Calls<T>): void => {
    for (const call of some) {
      const promise = call()
      // It may reject before `allSettled` handles it.
      promise.catch(() => {})
      begun.push(promise)
    }
  }
  begin(calls.slice(0, 1))
  await arrival
  begin(calls.slice(1, 2))
  await allBegun(store)
  begin(calls.slice(2))
  await allBegun(store)
  gate.open()
  return Promise.allSettled(begun)
}

export function values<T>(settled: PromiseSettledResult<T>[]): T[] {
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

export const failures = <T>(settled: PromiseSettledResult<T>[]): unknown[] =>
  settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))

/** Answers each Query and GetItem with this page. */
export const showing = (page: string): Script => {
  const item = { ...metaRow(''), s3_key: S(page) }
  return ({ operation }) => json(operation === 'Query' ? { Items: [item], Count: 1 } : { Item: item })
}
