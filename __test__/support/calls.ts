// One call of each method, and the request that does its work.
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { goodInput } from './hostile/inputs.js'

export interface MethodCall {
  method: string
  /** The request that decides the outcome of the call. */
  operation: string
  run: (store: FaceTheoryIsrMetaStore, cacheKey: string) => Promise<unknown>
}

export const get: MethodCall = { method: 'get', operation: 'Query', run: (store, cacheKey) => store.get(cacheKey) }

export const invalidate: MethodCall = {
  method: 'invalidate',
  operation: 'TransactWriteItems',
  run: (store, cacheKey) => store.invalidate(cacheKey),
}

export const acquire: MethodCall = {
  method: 'tryAcquireLease',
  operation: 'PutItem',
  run: (store, cacheKey) => store.tryAcquireLease({ ...goodInput.tryAcquireLease, cacheKey }),
}

export const commit: MethodCall = {
  method: 'commitGeneration',
  operation: 'TransactWriteItems',
  run: (store, cacheKey) => store.commitGeneration({ ...goodInput.commitGeneration, cacheKey }),
}

export const release: MethodCall = {
  method: 'releaseLease',
  operation: 'DeleteItem',
  run: (store, cacheKey) => store.releaseLease({ ...goodInput.releaseLease, cacheKey }),
}

/** The calls that report a failed request. A release reports none. */
export const reporting = [get, invalidate, acquire, commit]

export const all = [...reporting, release]
