// Compiles when every line below an @ts-expect-error is an error.
import {
  type CommitIsrGenerationInput,
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreOptions,
  type IsrMetaRecord,
  type IsrStoreErrorCode,
} from '@theory-cloud/tabletheory-isr'

const store = new FaceTheoryIsrMetaStore('isr')

// @ts-expect-error an unknown option
new FaceTheoryIsrMetaStore('isr', { consistentReads: true })
// @ts-expect-error TableTheory's client
new FaceTheoryIsrMetaStore('isr', { ddb: {} })
// @ts-expect-error null as the table name
new FaceTheoryIsrMetaStore(null)
// @ts-expect-error a table name of the wrong type
new FaceTheoryIsrMetaStore(7)
// @ts-expect-error options that are null
new FaceTheoryIsrMetaStore('isr', null)
// @ts-expect-error the table name in the second argument
new FaceTheoryIsrMetaStore('isr', { tableName: 'isr' })
// @ts-expect-error an unknown option next to the table name
new FaceTheoryIsrMetaStore({ tableName: 'isr', table: 'isr' })
// @ts-expect-error the factory takes an object
createFaceTheoryIsrMetaStore('isr')
// @ts-expect-error the class needs new
FaceTheoryIsrMetaStore('isr')

export const options: FaceTheoryIsrMetaStoreOptions[] = [
  // @ts-expect-error a number as text
  { maxAttempts: '3' },
  // @ts-expect-error a callback that returns a promise
  { leaseToken: async () => 'token' },
  // @ts-expect-error a callback that returns a number
  { pkFromCacheKey: () => 7 },
  // @ts-expect-error half of the credentials
  { credentials: { accessKeyId: 'id' } },
  // @ts-expect-error null for an option
  { region: null },
  // @ts-expect-error text for a boolean
  { consistentRead: 'false' },
]

const lease = { cacheKey: 'k', leaseOwner: 'o', nowMs: 1, leaseDurationMs: 1, fallbackRevalidateSeconds: 1 }
const claim = { cacheKey: 'k', leaseOwner: 'o', leaseToken: 't' }
const { nowMs: _nowMs, ...timeless } = lease
const page = { htmlPointer: 'p', generatedAt: 1, revalidateSeconds: 1, status: 200, contentType: 'text/html' }

export const calls = [
  // @ts-expect-error no key
  store.get(),
  // @ts-expect-error a key of the wrong type
  store.get(7),
  // @ts-expect-error no key
  store.invalidate(),
  // @ts-expect-error a missing field
  store.tryAcquireLease(timeless),
  // @ts-expect-error a date for a number
  store.tryAcquireLease({ ...lease, nowMs: new Date() }),
  // @ts-expect-error an unknown field
  store.tryAcquireLease({ ...lease, owner: 'o' }),
  // @ts-expect-error the token of a lease that was not acquired
  store.releaseLease({ ...claim, leaseToken: null }),
  // @ts-expect-error a missing field
  store.releaseLease({ cacheKey: 'k', leaseOwner: 'o' }),
  // @ts-expect-error a missing field
  store.commitGeneration(claim),
  // @ts-expect-error required, and so not nullable
  store.commitGeneration({ ...claim, ...page, htmlPointer: null }),
  // @ts-expect-error a policy with a member that is true
  store.commitGeneration({ ...claim, ...page, strictCspPolicy: { inlineScripts: true } }),
]

// @ts-expect-error a policy's member is false or absent, and not null
export const input: CommitIsrGenerationInput = { ...claim, ...page, strictCspPolicy: { inlineStyles: null } }

export async function reads(): Promise<unknown[]> {
  const record = await store.get('k')
  // @ts-expect-error there may be no record
  record.htmlPointer
  const { leaseToken, record: read } = await store.tryAcquireLease(lease)
  // @ts-expect-error there may be no token
  store.releaseLease({ ...claim, leaseToken })
  // @ts-expect-error there may be no page
  const pointer: string = read.htmlPointer
  // @ts-expect-error a record's field is missing
  const incomplete: IsrMetaRecord = { ...claim, ...page, etag: null }
  // @ts-expect-error a code that does not exist
  const code: IsrStoreErrorCode = 'ErrLeaseHeld'
  // @ts-expect-error the call resolves to undefined
  const published: boolean = await store.commitGeneration({ ...claim, ...page })
  return [pointer, incomplete, code, published]
}
