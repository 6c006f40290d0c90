// Stores of one fleet on one table, each behind a proxy that counts its requests and injects faults.
import type {
  FaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStoreOptions,
  TryAcquireIsrLeaseInput,
} from '@theory-cloud/tabletheory-isr'

import { makeTable, newKey } from '../support/store.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { type Script, type Stub, withStub } from '../support/stub/stub.js'

export const passing: Script = through(() => 'passes')

let made: Promise<string> | undefined

export const table = (): Promise<string> => {
  made ??= makeTable()
  return made
}

export interface Member {
  store: FaceTheoryIsrMetaStore
  stub: Stub
  cacheKey: string
}

/** A store whose requests the stub sees. */
export async function withMember(
  options: FaceTheoryIsrMetaStoreOptions,
  work: (member: Member) => Promise<void>,
  script: Script = passing,
): Promise<void> {
  const name = await table()
  await withStub(script, (stub) => work({ store: storeBehind(name, stub, options), stub, cacheKey: newKey() }))
}

/** An acquire by the wall clock, with FaceTheory's lease of five seconds. */
export const acquisition = (
  cacheKey: string,
  leaseOwner: string,
  more: Partial<TryAcquireIsrLeaseInput> = {},
): TryAcquireIsrLeaseInput => ({
  cacheKey,
  leaseOwner,
  nowMs: Date.now(),
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 60,
  ...more,
})

/** Publishes a page that is fresh for `revalidateSeconds` from `generatedAt`. */
export async function publishPage(
  store: FaceTheoryIsrMetaStore,
  cacheKey: string,
  { htmlPointer = 'page', generatedAt = Date.now(), revalidateSeconds = 60 } = {},
): Promise<void> {
  const leaseOwner = `publisher of ${htmlPointer}`
  const { leaseToken } = await store.tryAcquireLease(acquisition(cacheKey, leaseOwner))
  await store.commitGeneration({
    cacheKey,
    leaseOwner,
    leaseToken: leaseToken ?? '',
    htmlPointer,
    generatedAt,
    revalidateSeconds,
    status: 200,
    contentType: 'text/html',
    nowMs: Date.now(),
  })
}
