// Calls for one key that are under way at the same time, and which of them goes first.
import type { FaceTheoryIsrMetaStore, IsrMetaRecord, TryAcquireIsrLeaseInput } from '@theory-cloud/tabletheory-isr'
import { metaRow, NOW, S } from './rows.js'
import { allBegun, asked, type Gate } from './stub/gate.js'
import { json, type Script, type Stub } from './stub/stub.js'

export const crowd = (size: number): number[] => Array.from({ length: size }, (_, index) => index)

export const wish = (cacheKey: string, index: number, input: Partial<TryAcquireIsrLeaseInput> = {}) => ({
  cacheKey,
  leaseOwner: `owner ${index}`,
  nowMs: NOW,
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 100 + index,
  ...input,
})

/** A call that shares: how it is made, and the request that is shared. */
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
    call: async (store, cacheKey, index) => (await store.tryAcquireLease(wish(cacheKey, index))).record,
  },
]

export const count = (stub: Stub, operation: string): number => asked(stub, operation).length

export type Calls<T> = readonly (() => Promise<T>)[]

/** All at once: none is answered before all have begun. Which of them goes first is left open. */
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

/** The first of them is in flight while all others begin; the second goes next, and for them. */
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
      // It may fail before anybody looks at it.
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

/** A page, as a Query or a GetItem would show it. */
export const showing = (page: string): Script => {
  const item = { ...metaRow(''), s3_key: S(page) }
  return ({ operation }) => json(operation === 'Query' ? { Items: [item], Count: 1 } : { Item: item })
}
