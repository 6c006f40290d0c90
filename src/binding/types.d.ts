/** Which inline code a cached page's Content-Security-Policy forbids. */
export interface IsrCachedStrictCspPolicy {
  inlineScripts?: false | undefined
  inlineStyles?: false | undefined
}

/** What the table knows of a cache key. Every field is present; what is missing is `null`. */
export interface IsrMetaRecord {
  /** The cache key that was asked for. */
  cacheKey: string
  /** Where the HTML lies; `null` when no page was published. */
  htmlPointer: string | null
  /** When the page was rendered, in epoch milliseconds; 0: never. */
  generatedAt: number
  /** How long the page is fresh, in seconds. */
  revalidateSeconds: number
  /** HTTP status, 100 to 599. Default: 200. */
  status: number
  /** Default: `text/html; charset=utf-8`. */
  contentType: string
  contentSecurityPolicy?: string | null
  strictCspPolicy?: IsrCachedStrictCspPolicy | null
  etag: string | null
  /** Who regenerates the page, as stored, also when the lease has expired. */
  leaseOwner: string | null
  leaseToken: string | null
  /** When the lease ends, in epoch milliseconds; 0: no lease. */
  leaseExpiresAt: number
}

/** A wish to regenerate a page. */
export interface TryAcquireIsrLeaseInput {
  /** Not empty, no lone surrogates. */
  cacheKey: string
  /** Not empty, no lone surrogates. */
  leaseOwner: string
  /** The caller's clock, the only one that counts: epoch milliseconds, at least 0, below 10^15. */
  nowMs: number
  /** Milliseconds, above 0, at most 24 hours. */
  leaseDurationMs: number
  /** Seconds, at most 10^10; negative counts as 0, what is not finite as 60. Taken where no page says otherwise. */
  fallbackRevalidateSeconds: number
}

export interface TryAcquireIsrLeaseResult {
  acquired: boolean
  /** With the caller's lease when `acquired`, else with the holder's. */
  record: IsrMetaRecord
  /** The token for commit and release; `null` unless `acquired`. */
  leaseToken: string | null
}

/** A rendered page and the lease that allows to publish it. */
export interface CommitIsrGenerationInput {
  cacheKey: string
  leaseOwner: string
  leaseToken: string
  /** Where the HTML lies. Not empty, no lone surrogates. */
  htmlPointer: string
  /** Epoch milliseconds, at least 0, below 10^15. */
  generatedAt: number
  /** Seconds, at most 10^10; negative counts as 0, what is not finite as 60. */
  revalidateSeconds: number
  /** Truncated; outside 100 to 599 it counts as 200. */
  status: number
  /** Trimmed; blank counts as `text/html; charset=utf-8`. */
  contentType: string
  contentSecurityPolicy?: string | null | undefined
  /** A plain object with these two members at most; anything else is refused. */
  strictCspPolicy?: IsrCachedStrictCspPolicy | null | undefined
  etag?: string | null | undefined
  /** The clock that the lease's end is checked against. Default: `generatedAt`. */
  nowMs?: number | null | undefined
}

export interface ReleaseIsrLeaseInput {
  cacheKey: string
  leaseOwner: string
  leaseToken: string
}

/** FaceTheory's interface of the same name, which `FaceTheoryIsrMetaStore` implements. */
export interface IsrMetaStore {
  get(cacheKey: string): Promise<IsrMetaRecord | null>
  invalidate(cacheKey: string): Promise<void>
  tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult>
  commitGeneration(input: CommitIsrGenerationInput): Promise<void>
  releaseLease(input: ReleaseIsrLeaseInput): Promise<void>
}

export interface FaceTheoryIsrMetaStore extends IsrMetaStore {}

/** Static credentials. */
export interface FaceTheoryIsrMetaStoreCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

/** What `undefined` or nothing is given for has its default. The environment is read when the store is made. */
export interface FaceTheoryIsrMetaStoreOptions {
  /** Default: the table's, if its name is an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's; `us-east-1` at a loopback endpoint. */
  region?: string | undefined
  /**
   * An `http://` or `https://` URL, for DynamoDB Local and VPC endpoints. Default: the first non-blank of
   * `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL` and `DYNAMODB_ENDPOINT`; AWS's own.
   */
  endpoint?: string | undefined
  /**
   * Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; at a loopback endpoint dummies; else
   * profile, web identity, container and instance role.
   */
  credentials?: FaceTheoryIsrMetaStoreCredentials | undefined
  /** Attempts for one call, 1 to 10. Tries against a conflicting transaction are counted apart. Default: 3. */
  maxAttempts?: number | undefined
  /** Limit for a connection to stand, in milliseconds, 1 to 300,000. Default: 1,000. */
  connectTimeoutMs?: number | undefined
  /** Limit for one attempt, in milliseconds, 1 to 300,000. Default: 1,000. */
  requestTimeoutMs?: number | undefined
  /** Limit for a whole call, in milliseconds, 1 to 300,000. Default: 3,000. */
  operationTimeoutMs?: number | undefined
  /** Put before the cache key, at most 1,024 bytes, may be empty; a deploy id here starts a fresh cache. Default: `CACHE#`. */
  pkPrefix?: string | undefined
  /** Replaces prefix and hashing: 1 to 2,048 bytes for each cache key. Called once a call, on the JavaScript thread. */
  pkFromCacheKey?: ((cacheKey: string) => string) | undefined
  /** Where lease tokens come from, for deterministic tests. Default: random UUIDs, version 4. */
  leaseToken?: (() => string) | undefined
  /** Seconds from a lease's end until DynamoDB may collect its row, 0 to 10^10; 0: never. Default: 3,600. */
  leaseTtlBufferSeconds?: number | undefined
  /**
   * Seconds from a page's birth until DynamoDB may collect its row, above 0, at most 10^10; later when the page is fresh
   * for longer. Default: never.
   */
  metaTtlSeconds?: number | undefined
  /** `false` halves the price of `get`, which then may miss the latest change. Default: `true`. */
  consistentRead?: boolean | undefined
  /**
   * Milliseconds, 0 to 3,600,000, for which `get` answers a fresh page again from memory after it was read. That saves
   * requests, and shows what another process has invalidated or published up to that much later. Never answered from
   * memory: a page that is stale by this machine's clock, a key without a page, a lease. This store's own
   * `commitGeneration`, `invalidate` and `tryAcquireLease` forget the key's page. At most 1,000 pages are kept. With it, `get` reads
   * consistently, whatever `consistentRead` says. Default: 0, never.
   */
  maxStalenessMs?: number | undefined
  /**
   * Told of each call when its promise has been settled, but for input that was refused. What it throws, or rejects
   * with, is lost. It is called on the JavaScript thread, and keeps no process alive.
   */
  onOperation?: ((operation: IsrStoreOperation) => void) | undefined
  /** Whether `onOperation` is told cache keys. Default: `false`. */
  onOperationKeys?: boolean | undefined
}

/** A call, as `onOperation` is told of it. */
export interface IsrStoreOperation {
  operation: 'get' | 'invalidate' | 'tryAcquireLease' | 'commitGeneration' | 'releaseLease' | 'ensureTable'
  /** From the call to its end, in milliseconds. */
  durationMs: number
  /** How many requests it sent, repeated ones too; 0 when it was answered from memory or by another call's request. */
  requests: number
  /** Whether another call's request has answered it. */
  shared: boolean
  /** `held`: a lease that another has. */
  outcome: 'success' | 'held' | 'failure'
  /** Of a failure. */
  code: IsrStoreErrorCode | null
  /** `null` unless `onOperationKeys` is set; `null` for `ensureTable`. */
  cacheKey: string | null
}

/** Table name and options in one object. */
export interface FaceTheoryIsrMetaStoreConfig extends FaceTheoryIsrMetaStoreOptions {
  /** The table's name or ARN. Default: as for the constructor's `tableName`. */
  tableName?: string | undefined
}

/** The stable `code` of everything that the store throws or rejects with. */
export type IsrStoreErrorCode =
  /** `IsrLeaseConflictError`: commit without a valid lease; nothing was published. */
  | 'ErrLeaseNotOwned'
  /** `TypeError` or `RangeError`: a bad argument; nothing was sent. */
  | 'ErrInvalidArgument'
  /** `IsrStoreConfigError`: no table name, no region, a table with other keys, or certificates that cannot be read. */
  | 'ErrConfig'
  /** `IsrStoreConfigError`: no such table. */
  | 'ErrTableNotFound'
  /** `IsrStoreConfigError`: no credentials, or refused or expired ones. */
  | 'ErrCredentials'
  /** `IsrStoreConfigError`: an IAM permission is missing. */
  | 'ErrAccessDenied'
  /** `IsrStoreUnavailableError`, retryable. */
  | 'ErrThrottled'
  /** `IsrStoreUnavailableError`, retryable: another transaction was in the way of the last attempt. */
  | 'ErrConflict'
  /** `IsrStoreUnavailableError`, retryable; a write may or may not have happened. */
  | 'ErrTimeout'
  /** `IsrStoreUnavailableError`, retryable; a write may or may not have happened. */
  | 'ErrUnavailable'
  /** `IsrStoreError`: anything else, with DynamoDB's own code in the message. */
  | 'ErrUnexpected'

/** What every error of the store has. */
export interface IsrStoreFailure extends Error {
  code: IsrStoreErrorCode
  /** Whether the same call may succeed later with nothing changed. */
  retryable: boolean
}
