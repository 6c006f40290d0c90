// Compiles when the package's types and FaceTheory's are interchangeable.
import {
  type CommitIsrGenerationInput,
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreConfig,
  type FaceTheoryIsrMetaStoreCredentials,
  type FaceTheoryIsrMetaStoreOptions,
  type IsrCachedStrictCspPolicy,
  type IsrMetaRecord,
  type IsrMetaStore,
  type IsrStoreErrorCode,
  type IsrStoreFailure,
  type ReleaseIsrLeaseInput,
  type TryAcquireIsrLeaseInput,
  type TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'

import type * as facetheory from './facetheory.js'

/** Whether each type can be used where the other is expected. */
type Interchangeable<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** Whether the types are the same, including their modifiers. */
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

function holds<_Claim extends true>(): void {}

holds<Identical<IsrCachedStrictCspPolicy, facetheory.IsrCachedStrictCspPolicy>>()
holds<Identical<keyof IsrMetaRecord, keyof facetheory.IsrMetaRecord>>()
holds<Interchangeable<IsrMetaRecord, facetheory.IsrMetaRecord>>()
holds<Identical<keyof TryAcquireIsrLeaseResult, keyof facetheory.TryAcquireIsrLeaseResult>>()
holds<Interchangeable<TryAcquireIsrLeaseResult, facetheory.TryAcquireIsrLeaseResult>>()
holds<Identical<TryAcquireIsrLeaseInput, facetheory.TryAcquireIsrLeaseInput>>()
holds<Identical<ReleaseIsrLeaseInput, facetheory.ReleaseIsrLeaseInput>>()
holds<Interchangeable<IsrMetaStore, facetheory.IsrMetaStore>>()
holds<Identical<keyof IsrMetaStore, keyof facetheory.IsrMetaStore>>()

// The input of a commit has one more field, and its optional fields may also be undefined.
holds<Identical<Exclude<keyof CommitIsrGenerationInput, keyof facetheory.CommitIsrGenerationInput>, 'nowMs'>>()
holds<Identical<Exclude<keyof facetheory.CommitIsrGenerationInput, keyof CommitIsrGenerationInput>, never>>()
holds<facetheory.CommitIsrGenerationInput extends CommitIsrGenerationInput ? true : false>()

// An instance of the class and the factory's result are assignable to FaceTheory's store type, and to ours.
const store = new FaceTheoryIsrMetaStore('isr')
export const options: facetheory.FaceIsrOptions = {
  metaStore: new FaceTheoryIsrMetaStore('isr', { region: 'eu-west-1' }),
}
export const fromFactory: facetheory.FaceIsrOptions = { metaStore: createFaceTheoryIsrMetaStore() }
export const asTheirs: facetheory.IsrMetaStore = store
export const asOurs: IsrMetaStore = store
holds<FaceTheoryIsrMetaStore extends facetheory.IsrMetaStore ? true : false>()
holds<Identical<ReturnType<typeof createFaceTheoryIsrMetaStore>, FaceTheoryIsrMetaStore>>()
holds<Identical<Exclude<keyof FaceTheoryIsrMetaStore, keyof IsrMetaStore>, 'ensureTable'>>()
export const ensured: Promise<void> = store.ensureTable()

// Each method by itself, as the caller sees it.
holds<Identical<ReturnType<typeof store.get>, Promise<IsrMetaRecord | null>>>()
holds<Identical<ReturnType<typeof store.invalidate>, Promise<void>>>()
holds<Identical<ReturnType<typeof store.tryAcquireLease>, Promise<TryAcquireIsrLeaseResult>>>()
holds<Identical<ReturnType<typeof store.commitGeneration>, Promise<void>>>()
holds<Identical<ReturnType<typeof store.releaseLease>, Promise<void>>>()
holds<Identical<Parameters<typeof store.get>, [cacheKey: string]>>()
holds<Identical<Parameters<typeof store.invalidate>, [cacheKey: string]>>()
holds<Identical<Parameters<typeof store.tryAcquireLease>, [input: TryAcquireIsrLeaseInput]>>()
holds<Identical<Parameters<typeof store.commitGeneration>, [input: CommitIsrGenerationInput]>>()
holds<Identical<Parameters<typeof store.releaseLease>, [input: ReleaseIsrLeaseInput]>>()

// A store that implements FaceTheory's interface is assignable to ours, and so is a subclass of this store.
class OfAnApp implements facetheory.IsrMetaStore {
  readonly inner = new Map<string, facetheory.IsrMetaRecord>()
  async get(cacheKey: string): Promise<facetheory.IsrMetaRecord | null> {
    return this.inner.get(cacheKey) ?? null
  }
  async invalidate(cacheKey: string): Promise<void> {
    this.inner.delete(cacheKey)
  }
  async tryAcquireLease(input: facetheory.TryAcquireIsrLeaseInput): Promise<facetheory.TryAcquireIsrLeaseResult> {
    return store.tryAcquireLease(input)
  }
  async commitGeneration(input: facetheory.CommitIsrGenerationInput): Promise<void> {
    await store.commitGeneration(input)
  }
  async releaseLease(input: facetheory.ReleaseIsrLeaseInput): Promise<void> {
    await store.releaseLease(input)
  }
}
export const ofAnApp: IsrMetaStore = new OfAnApp()
export const extended: facetheory.IsrMetaStore = new (class extends FaceTheoryIsrMetaStore {})('isr')
export const implemented = class extends OfAnApp implements IsrMetaStore {}

// Every optional field of an input may be absent, undefined, null or set.
const page = {
  cacheKey: 'key',
  leaseOwner: 'owner',
  leaseToken: 'token',
  htmlPointer: 'pointer',
  generatedAt: 1,
  revalidateSeconds: 60,
  status: 200,
  contentType: 'text/html',
}
export const commits: CommitIsrGenerationInput[] = [
  page,
  { ...page, contentSecurityPolicy: undefined, strictCspPolicy: undefined, etag: undefined, nowMs: undefined },
  { ...page, contentSecurityPolicy: null, strictCspPolicy: null, etag: null, nowMs: null },
  { ...page, contentSecurityPolicy: 'csp', strictCspPolicy: {}, etag: 'etag', nowMs: 1 },
  { ...page, strictCspPolicy: { inlineScripts: false } },
  { ...page, strictCspPolicy: { inlineScripts: undefined, inlineStyles: false } },
]

// Options may be absent, undefined or set.
export const unset: Record<keyof FaceTheoryIsrMetaStoreOptions, undefined> = {
  region: undefined,
  endpoint: undefined,
  credentials: undefined,
  maxAttempts: undefined,
  connectTimeoutMs: undefined,
  requestTimeoutMs: undefined,
  operationTimeoutMs: undefined,
  pkPrefix: undefined,
  pkFromCacheKey: undefined,
  leaseToken: undefined,
  leaseTtlBufferSeconds: undefined,
  metaTtlSeconds: undefined,
  consistentRead: undefined,
  maxStalenessMs: undefined,
  staleIfErrorMs: undefined,
  earlyRefresh: undefined,
  softInvalidation: undefined,
  shared: undefined,
  onOperation: undefined,
  onOperationKeys: undefined,
}
const credentials: FaceTheoryIsrMetaStoreCredentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
export const set: Required<FaceTheoryIsrMetaStoreOptions> = {
  region: 'eu-west-1',
  endpoint: 'http://localhost:8000',
  credentials: { ...credentials, sessionToken: undefined },
  maxAttempts: 3,
  connectTimeoutMs: 1_000,
  requestTimeoutMs: 1_000,
  operationTimeoutMs: 3_000,
  pkPrefix: 'CACHE#',
  pkFromCacheKey: (cacheKey: string): string => cacheKey,
  leaseToken: (): string => 'token',
  leaseTtlBufferSeconds: 3_600,
  metaTtlSeconds: 86_400,
  consistentRead: true,
  maxStalenessMs: 1_000,
  staleIfErrorMs: 60_000,
  earlyRefresh: 0.1,
  softInvalidation: true,
  shared: true,
  onOperation: ({ operation, code }): string => operation + (code ?? ''),
  onOperationKeys: true,
}
export const config: FaceTheoryIsrMetaStoreConfig = { tableName: undefined, ...unset }
export const stores = [
  new FaceTheoryIsrMetaStore(),
  new FaceTheoryIsrMetaStore(undefined),
  new FaceTheoryIsrMetaStore(undefined, undefined),
  new FaceTheoryIsrMetaStore(undefined, set),
  new FaceTheoryIsrMetaStore('isr', unset),
  new FaceTheoryIsrMetaStore('isr', { credentials: { ...credentials, sessionToken: 'session' } }),
  new FaceTheoryIsrMetaStore({ tableName: 'isr', ...set }),
  new FaceTheoryIsrMetaStore(config),
  new FaceTheoryIsrMetaStore({}),
  createFaceTheoryIsrMetaStore(undefined),
  createFaceTheoryIsrMetaStore({}),
  createFaceTheoryIsrMetaStore({ tableName: 'isr', ...set }),
]

// The code distinguishes errors, and the list of codes is complete.
export function explain(error: IsrStoreFailure): string {
  const explanations: Record<IsrStoreErrorCode, string> = {
    ErrLeaseNotOwned: 'lost',
    ErrInvalidArgument: 'refused',
    ErrConfig: 'misconfigured',
    ErrTableNotFound: 'no table',
    ErrCredentials: 'no credentials',
    ErrAccessDenied: 'not allowed',
    ErrThrottled: 'throttled',
    ErrConflict: 'in conflict with another transaction',
    ErrTimeout: 'too slow',
    ErrUnavailable: 'down',
    ErrUnexpected: 'unexpected',
  }
  const mayRetry: boolean = error.retryable
  return `${error.name}: ${explanations[error.code]}${mayRetry ? ', try again' : ''}`
}
