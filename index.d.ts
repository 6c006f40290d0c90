/** Which inline code a cached page's Content-Security-Policy forbids: a member is `false` or absent. */
export interface IsrCachedStrictCspPolicy {
  /** `false` when inline scripts are forbidden. */
  inlineScripts?: false | undefined
  /** `false` when inline styles are forbidden. */
  inlineStyles?: false | undefined
}

export interface IsrMetaRecord {
  /** The value of the Content-Security-Policy header; `null` without one. */
  contentSecurityPolicy?: string | null
  /** Which inline code that header forbids; `null` when unknown. */
  strictCspPolicy?: IsrCachedStrictCspPolicy | null
}

/** Input of `tryAcquireLease`. Properties are read once each, as own properties. */
export interface TryAcquireIsrLeaseInput {
  /** The app's name for the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The caller: one request of one process. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseOwner: string
  /** The caller's clock, the only one that counts: epoch milliseconds, at least 0, below 10^15. */
  nowMs: number
  /** How long the lease lasts, in milliseconds: above 0, at most 86,400,000 (24 hours). */
  leaseDurationMs: number
  /** Freshness lifetime in the record if the page was never published, in seconds, at most 10^10. Negative: 0. Not finite: 60. */
  fallbackRevalidateSeconds: number
}

/** Input of `commitGeneration`: a rendered page, and the lease that permits publishing it. */
export interface CommitIsrGenerationInput {
  /** The app's name for the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The owner that acquired the lease. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseOwner: string
  /** The token that `tryAcquireLease` returned. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseToken: string
  /** The location of the HTML. Not empty, no lone surrogates, at most 409,600 bytes. */
  htmlPointer: string
  /** When the page was rendered: epoch milliseconds, at least 0, below 10^15. */
  generatedAt: number
  /** Freshness lifetime in seconds, at most 10^10. Negative: 0. Not finite: 60. */
  revalidateSeconds: number
  /** HTTP status. Truncated; outside 100 to 599: 200. */
  status: number
  /** Content type. Trimmed; blank: `text/html; charset=utf-8`. */
  contentType: string
  /** The value of the Content-Security-Policy header. Default: `null`. */
  contentSecurityPolicy?: string | null | undefined
  /** A plain object with at most these two members; any other object is refused. Default: `null`. */
  strictCspPolicy?: IsrCachedStrictCspPolicy | null | undefined
  /** Entity tag of the HTML. Default: `null`. */
  etag?: string | null | undefined
  /** The clock that the lease's expiry is checked against, with the rules of `generatedAt`. Default: `generatedAt`. */
  nowMs?: number | null | undefined
}

/** Input of `releaseLease`. */
export interface ReleaseIsrLeaseInput {
  /** The app's name for the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The owner that acquired the lease. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseOwner: string
  /** The token that `tryAcquireLease` returned. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseToken: string
}

/** FaceTheory's interface of the same name, which `FaceTheoryIsrMetaStore` implements. */
export interface IsrMetaStore {
  /** Returns the record of a cache key, or `null` when it has neither a page nor a lease. */
  get(cacheKey: string): Promise<IsrMetaRecord | null>
  /** Removes a page and its lease. */
  invalidate(cacheKey: string): Promise<void>
  /** Takes the regeneration lease if it is free. */
  tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult>
  /** Publishes a page and removes its lease. */
  commitGeneration(input: CommitIsrGenerationInput): Promise<void>
  /** Removes a lease without publishing a page. */
  releaseLease(input: ReleaseIsrLeaseInput): Promise<void>
}

export interface FaceTheoryIsrMetaStore extends IsrMetaStore {}

/** AWS credentials. */
export interface FaceTheoryIsrMetaStoreCredentials {
  /** The access key ID. Not empty, no control characters. */
  accessKeyId: string
  /** The secret access key. Not empty, no control characters. No message shows it. */
  secretAccessKey: string
  /** The session token of temporary credentials. No message shows it. Default: none. */
  sessionToken?: string | undefined
  /** When the credentials expire. A provider is asked again before that. Default: never. */
  expiration?: Date | undefined
  /** The AWS account, 12 digits, for endpoints with the account in their name. Default: none. */
  accountId?: string | undefined
}

/**
 * A credential provider, as clients of the AWS SDK for JavaScript take it: for example the result of
 * `fromNodeProviderChain()`. The store calls it at the first call and again before `expiration`, one call at a time, on
 * the JavaScript thread. From its second answer on, the argument `{ forceRefresh: true }` asks for new credentials. Other
 * members of its answer are ignored. An error that it throws becomes the `cause` of an `ErrCredentials`.
 */
export type FaceTheoryIsrMetaStoreCredentialProvider = (options?: {
  forceRefresh?: boolean
}) => Promise<FaceTheoryIsrMetaStoreCredentials>

/**
 * Options of a store. Omitted or `undefined` options take their defaults. The constructor reads the environment
 * (`process.env`) once.
 */
export interface FaceTheoryIsrMetaStoreOptions {
  /**
   * The AWS region. Default: the region of `tableName` if that is an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the
   * profile's; `us-east-1` at a loopback endpoint.
   */
  region?: string | undefined
  /**
   * An `http://` or `https://` URL, for DynamoDB Local and VPC endpoints. Default: the first non-blank of
   * `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL` and `DYNAMODB_ENDPOINT`; the profile's `endpoint_url`; AWS's own.
   */
  endpoint?: string | undefined
  /**
   * Static credentials or a credential provider. Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
   * `AWS_SESSION_TOKEN`; profile, web identity, container and instance role; at a loopback endpoint dummies when no
   * credentials are configured.
   */
  credentials?: FaceTheoryIsrMetaStoreCredentials | FaceTheoryIsrMetaStoreCredentialProvider | undefined
  /**
   * The most attempts for one request, a whole number from 1 to 10. Only attempts without an answer or with a server error
   * count. Throttled attempts do not count, and conflicts with other transactions have limits of their own. Default:
   * `AWS_MAX_ATTEMPTS`, the profile's `max_attempts`, 3.
   */
  maxAttempts?: number | undefined
  /** Timeout for establishing a connection, in milliseconds, 1 to 300,000. Default: 1,000. */
  connectTimeoutMs?: number | undefined
  /** Timeout for one attempt, in milliseconds, 1 to 300,000. Default: 1,000. */
  requestTimeoutMs?: number | undefined
  /** Timeout for a whole call, in milliseconds, 1 to 300,000. Default: 3,000. */
  operationTimeoutMs?: number | undefined
  /**
   * Prefix of the partition key, before the cache key: at most 1,024 bytes, may be empty. A deploy ID in it starts a
   * fresh cache. Default: `CACHE#`.
   */
  pkPrefix?: string | undefined
  /**
   * Replaces prefix and hashing: returns the partition key for a cache key, 1 to 2,048 bytes. Called once per call, on
   * the JavaScript thread. Default: none.
   */
  pkFromCacheKey?: ((cacheKey: string) => string) | undefined
  /** Makes lease tokens, for deterministic tests. Default: random UUIDs, version 4. */
  leaseToken?: (() => string) | undefined
  /** Seconds from a lease's expiry until DynamoDB may delete its row, 0 to 10^10; 0 writes no `ttl`. Default: 3,600. */
  leaseTtlBufferSeconds?: number | undefined
  /**
   * Seconds from a page's generation until DynamoDB may delete its row, 0 to 10^10; longer while the page is fresh.
   * 0 writes no `ttl`, so rows of pages stay until they are invalidated. Default: 0.
   */
  metaTtlSeconds?: number | undefined
  /** `false` uses eventually consistent reads in `get`: half the cost, possibly stale. Default: `true`. */
  consistentRead?: boolean | undefined
  /**
   * Milliseconds, 0 to 3,600,000, for which `get` answers a fresh page again from memory after it was read. It saves
   * requests; changes of other processes are seen up to that much later. A page that is stale by this machine's clock, a
   * page with a lease and a missing page are always read. The store's own `commitGeneration`, `invalidate` and
   * `tryAcquireLease` forget the page. At most 1,000 pages are kept. With it, `get` reads consistently, even if
   * `consistentRead` is `false`. Default: 0.
   */
  maxStalenessMs?: number | undefined
  /**
   * Milliseconds, 0 to 86,400,000, after a page was last read or published by this store. Until then, `get` answers this
   * page while the table cannot be read: DynamoDB throttles the request, the circuit breaker is open, or the request fails
   * with a `retryable` error. Meanwhile a page that another process has invalidated is still returned. At most 1,000 pages
   * are kept. Default: 0.
   */
  staleIfErrorMs?: number | undefined
  /**
   * The last fraction, 0 to 0.5, of a page's freshness lifetime in which one caller per process may regenerate it early.
   * That caller gets the page as stale, the others as fresh. With FaceTheory's `failurePolicy: 'error'`, an early render
   * that fails is an error for that visitor. Uses this machine's clock. Default: 0.
   */
  earlyRefresh?: number | undefined
  /**
   * `true` makes `invalidate` mark the page as stale and keep it, so that it can be served when its regeneration fails.
   * Needs the IAM action `dynamodb:UpdateItem`. Default: `false`.
   */
  softInvalidation?: boolean | undefined
  /**
   * `true` lets stores of one process with equal settings use one core: connections, credentials, caches and request
   * coalescing, across `worker_threads` too. A store with `pkFromCacheKey`, `leaseToken` or a credential provider has a
   * core of its own. Default: `false`.
   */
  shared?: boolean | undefined
  /**
   * Called after each operation settles, on the JavaScript thread. Not called for calls rejected because of invalid
   * input. Errors it throws or rejects with are ignored. Default: none.
   */
  onOperation?: ((operation: IsrStoreOperation) => void) | undefined
  /** Whether `onOperation` receives cache keys. Default: `false`. */
  onOperationKeys?: boolean | undefined
}

/** Table name and options in one object. */
export interface FaceTheoryIsrMetaStoreConfig extends FaceTheoryIsrMetaStoreOptions {
  /** The table's name or ARN. Default: as for the constructor's `tableName`. */
  tableName?: string | undefined
}

/** The stable `code` of every error that the store throws or rejects with. */
export type IsrStoreErrorCode =
  /** `IsrLeaseConflictError`: a commit without a valid lease. This render was not published, and its token cannot publish it. */
  | 'ErrLeaseNotOwned'
  /** `TypeError` or `RangeError`: an argument is invalid. No request was sent. */
  | 'ErrInvalidArgument'
  /** `IsrStoreConfigError`: no table name, no region, a table with other keys, or certificates that cannot be read. */
  | 'ErrConfig'
  /** `IsrStoreConfigError`: the table does not exist. */
  | 'ErrTableNotFound'
  /** `IsrStoreConfigError`: no credentials were found, or they are refused or expired. */
  | 'ErrCredentials'
  /** `IsrStoreConfigError`: the credentials lack an IAM permission. */
  | 'ErrAccessDenied'
  /** `IsrStoreUnavailableError`, retryable: DynamoDB still throttled the request at the end of `operationTimeoutMs`. */
  | 'ErrThrottled'
  /** `IsrStoreUnavailableError`, retryable: another transaction conflicted with every attempt. */
  | 'ErrConflict'
  /** `IsrStoreUnavailableError`, retryable: a time limit passed. A write may or may not have happened. */
  | 'ErrTimeout'
  /** `IsrStoreUnavailableError`, retryable: DynamoDB gave no usable answer. A write may or may not have happened. */
  | 'ErrUnavailable'
  /** `IsrStoreError`: any other error; the message includes DynamoDB's error code. */
  | 'ErrUnexpected'

/** An error of the store. Its `name` is one of those that `IsrStoreErrorCode` lists. */
export interface IsrStoreFailure extends Error {
  /** The stable code. */
  code: IsrStoreErrorCode
  /** Whether the same call may succeed later with nothing changed. */
  retryable: boolean
}

/**
 * ISR metadata and regeneration leases in one DynamoDB table, as FaceTheory's `isr.metaStore`.
 *
 * Make one at module scope and keep it: it holds the connections. Its methods never throw. Each returns a promise that
 * settles within `operationTimeoutMs` (`ensureTable`: 60 seconds) and rejects with an `IsrStoreFailure`.
 */
export declare class FaceTheoryIsrMetaStore {
  /**
   * Makes a store for the table. It sends no request and needs no credentials: those are resolved at the first call.
   *
   * @param tableName The table's name or ARN, or an object with `tableName` and the options. Default: the first
   * non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and `CACHE_TABLE`.
   * @param options Omitted options take the defaults that `FaceTheoryIsrMetaStoreOptions` lists.
   * @throws `ErrConfig` when no table name is given or found.
   * @throws `ErrInvalidArgument` for an impossible table name, an unknown option, and an option of the wrong type
   * (`TypeError`) or out of range (`RangeError`).
   */
  constructor(tableName?: string | FaceTheoryIsrMetaStoreConfig | undefined, options?: FaceTheoryIsrMetaStoreOptions | undefined)
  /**
   * Returns the record of a cache key, with one strongly consistent request (unless `consistentRead` is `false`).
   *
   * Concurrent calls for the same key share one request, which is sent after each of them began. Calls of one tick of
   * the event loop leave together at its end.
   *
   * @returns The record, or `null` when there is neither a page nor a lease. The lease fields are as stored, also
   * when the lease has expired; `null`, `null` and 0 without a lease.
   * @throws `ErrInvalidArgument` when the cache key is not a non-empty string.
   * @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  get(cacheKey: string): Promise<IsrMetaRecord | null>
  /**
   * Deletes a page and its lease in one transaction, so that a regeneration that has begun cannot commit (docs/protocol.md
   * has one exception). With `softInvalidation` the page is marked as stale instead of deleted.
   *
   * Resolves for a key that does not exist. The HTML itself stays in the object store.
   *
   * @throws `ErrInvalidArgument` when the cache key is not a non-empty string; `ErrConflict` when another transaction
   * conflicted with every attempt.
   * @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  invalidate(cacheKey: string): Promise<void>
  /**
   * Acquires the lease if it is free at `nowMs`: it does not exist, has expired, or belongs to `leaseOwner` (then the
   * previous token stops working). Usually one round trip.
   *
   * @returns `acquired: true` with a token and the record; or `acquired: false` with the holder's lease in the record.
   * The record has no lease if another caller has just published a newer page, or if other transactions blocked every
   * attempt.
   * @throws `ErrInvalidArgument` for bad input, also when its strings make a row above DynamoDB's 400 KB.
   * `ErrConflict` when the last attempt met a conflict and an earlier attempt may have taken effect.
   * @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult>
  /**
   * Publishes a page and removes its lease, both or neither, if the lease is still the caller's.
   *
   * The lease must not have expired by `nowMs` (`generatedAt` when that is absent), rounded down to whole seconds. So the
   * commit of a slow render can succeed after the lease has expired. A token can commit once.
   *
   * @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) when the lease was lost: this render was not published, and its
   * token cannot publish it. `ErrInvalidArgument` for bad input. `ErrConflict` when another transaction conflicted with every attempt.
   * After `ErrTimeout` and `ErrUnavailable` the page may or may not have been published.
   * @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  commitGeneration(input: CommitIsrGenerationInput): Promise<void>
  /**
   * Removes a lease without publishing a page, if it is still the caller's; else does nothing.
   *
   * Sends nothing after this store's own commit. Never rejects because of the network or DynamoDB: a lease that could
   * not be deleted expires by itself.
   *
   * @throws `ErrInvalidArgument` for bad input.
   */
  releaseLease(input: ReleaseIsrLeaseInput): Promise<void>
  /**
   * Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until it is usable,
   * at most 60 seconds. For local development and tests.
   *
   * @throws `ErrConfig` when a table of that name has other keys, or its TTL on another attribute.
   * @throws `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  ensureTable(): Promise<void>
}

/**
 * Makes a store: `new FaceTheoryIsrMetaStore(options)`, named as TableTheory names its factory.
 *
 * @throws The errors of the constructor.
 */
export declare function createFaceTheoryIsrMetaStore(options?: FaceTheoryIsrMetaStoreConfig | undefined): FaceTheoryIsrMetaStore

/** Whether `error` is an error of a store: an `Error` with one of its codes and `retryable`. */
export declare function isIsrStoreError(error: unknown): error is IsrStoreFailure

/** The record of a cache key. Every field is present; a missing value is `null`. */
export interface IsrMetaRecord {
  /** The cache key that was asked for. */
  cacheKey: string
  /** The location of the HTML; `null` when no page was published. */
  htmlPointer: string | null
  /** When the page was rendered, in epoch milliseconds; 0 for never. */
  generatedAt: number
  /** How long the page is fresh, in seconds. */
  revalidateSeconds: number
  /** HTTP status, 100 to 599; 200 when no page was published. */
  status: number
  /** Content type; `text/html; charset=utf-8` when no page was published. */
  contentType: string
  /** Entity tag of the HTML. */
  etag: string | null
  /** The owner of the lease as stored, also when the lease has expired; `null` without a lease. */
  leaseOwner: string | null
  /** The token of the lease; `null` without a lease. */
  leaseToken: string | null
  /** When the lease expires, in epoch milliseconds; 0 without a lease. */
  leaseExpiresAt: number
}

/** A call that has settled, as `onOperation` receives it. */
export interface IsrStoreOperation {
  /** The name of the method. */
  operation: 'get' | 'invalidate' | 'tryAcquireLease' | 'commitGeneration' | 'releaseLease' | 'ensureTable'
  /** Milliseconds from the call until its promise was settled. */
  durationMs: number
  /** Requests sent, including repeated ones; 0 when memory or another call's request answered the call. */
  requests: number
  /** Whether another call's request answered the call. */
  shared: boolean
  /** `held`: another owner holds the lease. `stale`: the last known page, because the table could not be read. */
  outcome: 'success' | 'held' | 'stale' | 'failure'
  /** The code of the error; `null` without one. */
  code: IsrStoreErrorCode | null
  /** The cache key; `null` unless `onOperationKeys` is set, and for `ensureTable`. */
  cacheKey: string | null
  /** Requests that DynamoDB throttled. */
  throttles: number
  /** Milliseconds spent waiting between polls of a page that another process regenerates. */
  pacedMs: number
}

/** The answer of `tryAcquireLease`. */
export interface TryAcquireIsrLeaseResult {
  /** Whether the caller holds the lease. */
  acquired: boolean
  /** The record, with the caller's lease when `acquired` is `true`, else with the holder's, or none: see `tryAcquireLease`. */
  record: IsrMetaRecord
  /** The token for commit and release; `null` unless `acquired` is `true`. */
  leaseToken: string | null
}
