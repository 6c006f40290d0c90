/** The inline code that a page's Content-Security-Policy forbids. A member is `false` or absent. */
export interface IsrCachedStrictCspPolicy {
  /** `false` if inline scripts are forbidden. */
  inlineScripts?: false | undefined
  /** `false` if inline styles are forbidden. */
  inlineStyles?: false | undefined
}

export interface IsrMetaRecord {
  /**
   * The value of the Content-Security-Policy header; `null` without one. Optional in FaceTheory's type, but always
   * set.
   */
  contentSecurityPolicy?: string | null
  /** The policy that the commit gave; `null` without one. Optional in FaceTheory's type, but always set. */
  strictCspPolicy?: IsrCachedStrictCspPolicy | null
}

/** Input of `tryAcquireLease`. The store reads each property once, and only own properties. */
export interface TryAcquireIsrLeaseInput {
  /** The string by which FaceTheory names the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The caller's name, another one for each page request. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseOwner: string
  /** The time by the caller's clock, which alone decides about expiry: epoch milliseconds, at least 0, below 10^15. */
  nowMs: number
  /** Duration of the lease in milliseconds: above 0, at most 86,400,000 (24 hours). */
  leaseDurationMs: number
  /**
   * Freshness lifetime in the record, in seconds, if no page is published or the page's lifetime is 0. At most 10^10.
   * A negative number counts as 0, and a number that is not finite as 60.
   */
  fallbackRevalidateSeconds: number
}

/** Input of `commitGeneration`: a rendered page, and the lease that permits publishing it. */
export interface CommitIsrGenerationInput {
  /** The string by which FaceTheory names the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The `leaseOwner` that acquired the lease. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseOwner: string
  /** The token that `tryAcquireLease` returned. Not empty, no lone surrogates, at most 409,600 bytes. */
  leaseToken: string
  /** The location of the HTML. Not empty, no lone surrogates, at most 409,600 bytes. */
  htmlPointer: string
  /** Time of the generation: epoch milliseconds, at least 0, below 10^15. FaceTheory takes it before it renders. */
  generatedAt: number
  /** Freshness lifetime in seconds, at most 10^10. A negative number counts as 0, one that is not finite as 60. */
  revalidateSeconds: number
  /** HTTP status. Its fraction is dropped. A number outside 100 to 599 counts as 200. */
  status: number
  /** Content type. Space at its ends is removed. A blank string counts as `text/html; charset=utf-8`. */
  contentType: string
  /** The value of the Content-Security-Policy header. Default: `null`. */
  contentSecurityPolicy?: string | null | undefined
  /** A plain object with at most the two members of its type. The store refuses any other object. Default: `null`. */
  strictCspPolicy?: IsrCachedStrictCspPolicy | null | undefined
  /** Entity tag of the HTML. Default: `null`. */
  etag?: string | null | undefined
  /**
   * The time by which the lease must not have expired, with the range of `generatedAt`. Whole seconds are compared:
   * the expiry rounded up, this time rounded down. Default: `generatedAt`.
   */
  nowMs?: number | null | undefined
}

/** Input of `releaseLease`. */
export interface ReleaseIsrLeaseInput {
  /** The string by which FaceTheory names the page. Not empty, no lone surrogates. */
  cacheKey: string
  /** The `leaseOwner` that acquired the lease. Not empty, no lone surrogates, at most 409,600 bytes. */
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
  /** Acquires the lease if it is free. */
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
  /** The time at which the credentials expire. The store calls a provider again before that time. Default: never. */
  expiration?: Date | undefined
  /** The AWS account, 12 digits, for endpoints with the account in their name. Default: none. */
  accountId?: string | undefined
}

/**
 * A credential provider, as clients of the AWS SDK for JavaScript take it: for example the result of
 * `fromNodeProviderChain()`. The store calls the provider on the JavaScript thread, before its first request and again
 * before `expiration`. It waits for one result before it calls the provider again. After the first result, the
 * provider gets the argument `{ forceRefresh: true }`, which demands new credentials. The store ignores other members
 * of a result. An error that the provider throws becomes the `cause` of an `ErrCredentials`.
 */
export type FaceTheoryIsrMetaStoreCredentialProvider = (options?: {
  forceRefresh?: boolean
}) => Promise<FaceTheoryIsrMetaStoreCredentials>

/** Options of a store. Omitted or `undefined` options take their defaults. The constructor reads `process.env` once. */
export interface FaceTheoryIsrMetaStoreOptions {
  /**
   * The AWS region. Default: the region of `tableName` if that is an ARN; `AWS_REGION`, `AWS_DEFAULT_REGION`, the
   * profile's; `us-east-1` at a loopback endpoint. If the region is missing, the first call rejects with `ErrConfig`.
   */
  region?: string | undefined
  /**
   * An `http://` or `https://` URL, for DynamoDB Local and VPC endpoints. Default: the first non-blank of
   * `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL` and `DYNAMODB_ENDPOINT`; the profile's `endpoint_url`; AWS's own.
   */
  endpoint?: string | undefined
  /**
   * Static credentials or a credential provider. Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
   * `AWS_SESSION_TOKEN`; profile, web identity, container and instance role. At a loopback endpoint without configured
   * credentials, the default is dummy credentials.
   */
  credentials?: FaceTheoryIsrMetaStoreCredentials | FaceTheoryIsrMetaStoreCredentialProvider | undefined
  /**
   * The most attempts for one request, a whole number from 1 to 10. Only attempts without an answer or with a server
   * error count. Throttled attempts do not count. Conflicts with other transactions have limits of their own: 3
   * attempts at acquire and release, 8 at commit and invalidate. Default: `AWS_MAX_ATTEMPTS`; the profile's
   * `max_attempts`; 3.
   */
  maxAttempts?: number | undefined
  /** Timeout for establishing a connection, in milliseconds, 1 to 300,000. Default: 1,000. */
  connectTimeoutMs?: number | undefined
  /** Timeout for one attempt, in milliseconds, 1 to 300,000. Default: 1,000. */
  requestTimeoutMs?: number | undefined
  /** Timeout for a whole call, in milliseconds, 1 to 300,000. Default: 3,000. */
  operationTimeoutMs?: number | undefined
  /**
   * Prefix of the partition key, before the cache key: at most 1,024 bytes, may be empty. With a deploy ID in it, each
   * deploy starts with an empty cache. Rows with the old prefix stay until their `ttl`. Default: `CACHE#`.
   */
  pkPrefix?: string | undefined
  /**
   * A function that returns the partition key for a cache key, 1 to 2,048 bytes. The store uses it once for each call,
   * on the JavaScript thread. Default: the partition key is `pkPrefix` and the cache key. A digest replaces the cache
   * key only if the result would exceed 2,048 bytes, or if the cache key begins with `sha256:`.
   */
  pkFromCacheKey?: ((cacheKey: string) => string) | undefined
  /** A function that returns a new lease token, for deterministic tests. Default: random UUIDs, version 4. */
  leaseToken?: (() => string) | undefined
  /**
   * Seconds from a lease's expiry until DynamoDB may delete its LOCK row, 0 to 10^10. 0 writes no `ttl`. Default:
   * 3,600.
   */
  leaseTtlBufferSeconds?: number | undefined
  /**
   * Seconds from a page's generation until DynamoDB may delete its META row, 0 to 10^10. The row of a fresh page
   * always stays. 0 writes no `ttl`, so the row stays until an invalidation deletes it. Default: 0.
   */
  metaTtlSeconds?: number | undefined
  /**
   * `false` makes `get` read with eventual consistency. That costs half, and can miss the latest change. With
   * `maxStalenessMs` above 0, reads are consistent all the same. Default: `true`.
   */
  consistentRead?: boolean | undefined
  /**
   * Milliseconds, 0 to 3,600,000, for which `get` answers a fresh page from memory after the page was read. This saves
   * requests, but the store sees changes by other processes up to that much later. It always reads a missing page, a
   * page with a lease, and a page that is stale by this machine's clock. This store's own `commitGeneration`,
   * `invalidate` and `tryAcquireLease` remove the page from memory. Memory holds at most 1,000 pages. Above 0,
   * `consistentRead` has no effect, and `get` reads consistently. Default: 0.
   */
  maxStalenessMs?: number | undefined
  /**
   * Milliseconds, 0 to 86,400,000, for which a page counts as known after this store last read or published it. If the
   * table cannot be read, `get` returns the last known page instead of an error. Three causes count: a throttled
   * request, an open circuit, and any other `retryable` error. (A circuit is open for 250 ms to 4 s, after five
   * attempts in a row without an answer.) Meanwhile, `get` can return a page that another process has invalidated. At
   * most 1,000 pages are kept. Default: 0.
   */
  staleIfErrorMs?: number | undefined
  /**
   * The last fraction, 0 to 0.5, of a page's freshness lifetime, in which the page can be regenerated early. In each
   * process, one caller then gets the page as stale, and all others get it as fresh. The lease lets only one of these
   * callers regenerate the page. With FaceTheory's `failurePolicy: 'error'`, a failed early render is an error for
   * that visitor. The store uses this machine's clock. Default: 0.
   */
  earlyRefresh?: number | undefined
  /**
   * `true` makes `invalidate` mark the page as stale and keep it. FaceTheory can then serve the page if its
   * regeneration fails. The option needs the IAM permission `dynamodb:UpdateItem`. Default: `false`.
   */
  softInvalidation?: boolean | undefined
  /**
   * `true` lets stores of one process with equal options share one core, across `worker_threads` too. The core has the
   * connections, credentials, memory and request coalescing. A store with `pkFromCacheKey`, `leaseToken` or a
   * credential provider has a core of its own. Default: `false`.
   */
  shared?: boolean | undefined
  /**
   * A function that the store calls on the JavaScript thread after each call has settled. It gets no call that was
   * rejected because of invalid input. The store ignores errors that it throws or rejects with. Default: none.
   */
  onOperation?: ((operation: IsrStoreOperation) => void) | undefined
  /** Whether `onOperation` gets cache keys. Default: `false`. */
  onOperationKeys?: boolean | undefined
}

/** Table name and options in one object. */
export interface FaceTheoryIsrMetaStoreConfig extends FaceTheoryIsrMetaStoreOptions {
  /** The table's name or ARN. Default: as for the constructor's `tableName`. */
  tableName?: string | undefined
}

/** The stable `code` of every error that the store throws or rejects with. */
export type IsrStoreErrorCode =
  /**
   * `IsrLeaseConflictError`: a commit without a valid lease. This commit published nothing. If it repeats a commit
   * that timed out, that one may have published the page.
   */
  | 'ErrLeaseNotOwned'
  /** `TypeError` or `RangeError`: an argument is invalid. No request was sent. */
  | 'ErrInvalidArgument'
  /**
   * `IsrStoreConfigError`: no table name, no region, a malformed AWS setting, unreadable certificates, or a table with
   * other keys.
   */
  | 'ErrConfig'
  /** `IsrStoreConfigError`: the table does not exist. */
  | 'ErrTableNotFound'
  /** `IsrStoreConfigError`: no credentials were found, or they are refused or expired. */
  | 'ErrCredentials'
  /** `IsrStoreConfigError`: the credentials lack an IAM permission. */
  | 'ErrAccessDenied'
  /** `IsrStoreUnavailableError`, retryable: DynamoDB still throttled the request at the end of `operationTimeoutMs`. */
  | 'ErrThrottled'
  /** `IsrStoreUnavailableError`, retryable: another transaction conflicted with each attempt. */
  | 'ErrConflict'
  /** `IsrStoreUnavailableError`, retryable: a timeout passed. A write may or may not have happened. */
  | 'ErrTimeout'
  /**
   * `IsrStoreUnavailableError`, retryable: DynamoDB gave no usable answer, and a write may or may not have happened.
   * Or the circuit is open, and nothing was sent.
   */
  | 'ErrUnavailable'
  /** `IsrStoreError`: any other error; the message includes DynamoDB's error code. */
  | 'ErrUnexpected'

/** An error of the store. Its `name` is one of those that `IsrStoreErrorCode` lists. */
export interface IsrStoreFailure extends Error {
  /** The stable code. */
  code: IsrStoreErrorCode
  /** Whether the same call can succeed later, without a change of the call or the configuration. */
  retryable: boolean
}

/**
 * ISR metadata and regeneration leases in one DynamoDB table, as FaceTheory's `isr.metaStore`.
 *
 * Construct one store at module scope and keep it, because it holds the connections. A method never throws: it
 * returns a promise, which settles within `operationTimeoutMs` (`ensureTable`: 60 seconds). If the call fails, the
 * promise rejects with an `IsrStoreFailure`.
 */
export declare class FaceTheoryIsrMetaStore {
  /**
   * Constructs a store for the table. The constructor sends no request and needs no credentials. The first call
   * resolves region and credentials, and rejects with `ErrConfig` if the region is missing.
   *
   * @param tableName The table's name or ARN, or an object with `tableName` and the options. Default: the first
   * non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and `CACHE_TABLE`.
   * @param options The options, if `tableName` is not an object. `FaceTheoryIsrMetaStoreOptions` lists the
   * defaults.
   * @throws `ErrConfig` if no table name is given or found, or if `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is
   * malformed. `ErrInvalidArgument` for an impossible table name, an unknown option, or two objects of options. The
   * same code for an option of the wrong type (`TypeError`) or out of range (`RangeError`).
   */
  constructor(tableName?: string | FaceTheoryIsrMetaStoreConfig | undefined, options?: FaceTheoryIsrMetaStoreOptions | undefined)
  /**
   * Returns the record of a cache key, by one strongly consistent read. The options `consistentRead`,
   * `maxStalenessMs`, `staleIfErrorMs` and `earlyRefresh` change this.
   *
   * Concurrent calls for one key share one request. It is sent after each of these calls began, so no answer is
   * older than its call. Calls made in one tick of the event loop are sent at the end of the tick. While another
   * owner holds the page's lease, the store can delay a call, so that polls do not overload the table.
   *
   * @returns The record, or `null` if neither a page nor a lease exists. The lease fields are those of the LOCK
   * row, even if the lease has expired. Without a lease they are `null`, `null` and 0.
   * @throws `ErrInvalidArgument` if the cache key is not a non-empty string of valid Unicode. `ErrThrottled`,
   * `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and
   * `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  get(cacheKey: string): Promise<IsrMetaRecord | null>
  /**
   * Deletes a page and its lease in one transaction. A regeneration that has begun can then no longer commit
   * (docs/protocol.md has one exception). With `softInvalidation`, the page is marked as stale instead.
   *
   * The call also resolves for a key that does not exist. The HTML itself stays in the object store. The memory of
   * other processes stays too: with `maxStalenessMs` or `staleIfErrorMs`, they can still return the page for that
   * time.
   *
   * @throws `ErrInvalidArgument` if the cache key is not a non-empty string of valid Unicode. `ErrConflict` if
   * another transaction conflicted with each attempt. `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`,
   * `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  invalidate(cacheKey: string): Promise<void>
  /**
   * Acquires the lease if it is free at `nowMs`: it does not exist, has expired, is unusable, or belongs to
   * `leaseOwner`. In the last case, only the new token is valid. The call usually takes one round trip.
   *
   * @returns `acquired: true` with a token and the record. Otherwise `acquired: false`, with the holder's lease in
   * the record. The record has no lease if another caller has just published a newer page, or if conflicts with
   * other transactions refused each attempt.
   * @throws `ErrInvalidArgument` for invalid input, and for strings that make a row above DynamoDB's 400 KB.
   * `ErrConflict` if the last attempt met a conflict, and an earlier attempt may have acquired the lease.
   * `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`, `ErrTableNotFound`, `ErrCredentials`,
   * `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult>
  /**
   * Publishes a page and removes its lease in one transaction, if the LOCK row still has the caller's token and
   * owner.
   *
   * The lease must not have expired by `nowMs` (default: `generatedAt`). Whole seconds are compared: the expiry
   * rounded up, `nowMs` rounded down. FaceTheory takes `generatedAt` before it renders. So a slow render can commit
   * after the expiry, unless another caller has taken the lease over. A token can commit once.
   *
   * @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) if the lease was lost: this commit published nothing.
   * `ErrInvalidArgument` for invalid input. `ErrConflict` if another transaction conflicted with each attempt.
   * After `ErrTimeout` and `ErrUnavailable`, the page may or may not have been published. If it was, a repeated
   * commit rejects with `ErrLeaseNotOwned`. `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrConfig`,
   * `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and `ErrUnexpected` as `IsrStoreErrorCode` says.
   */
  commitGeneration(input: CommitIsrGenerationInput): Promise<void>
  /**
   * Removes a lease without publishing a page, if the LOCK row still has the caller's token and owner. Otherwise
   * the call does nothing.
   *
   * The call sends nothing after this store's own commit. It also resolves if DynamoDB cannot be reached or denies
   * access. A lease that was not deleted ends at its expiry.
   *
   * @throws `ErrInvalidArgument` for invalid input.
   */
  releaseLease(input: ReleaseIsrLeaseInput): Promise<void>
  /**
   * Creates the table if it does not exist (on-demand billing), and turns on TTL for the attribute `ttl`. The call
   * waits until the table is usable, for at most 60 seconds. The method is for local development and tests.
   *
   * @throws `ErrConfig` if a table of that name has other keys, or its TTL on another attribute. The other codes
   * are `ErrThrottled`, `ErrTimeout`, `ErrUnavailable`, `ErrTableNotFound`, `ErrCredentials`, `ErrAccessDenied` and
   * `ErrUnexpected`, as `IsrStoreErrorCode` says.
   */
  ensureTable(): Promise<void>
}

/**
 * Constructs a store, as `new FaceTheoryIsrMetaStore(options)` does. TableTheory's factory has the same name.
 *
 * @throws The errors of the constructor.
 */
export declare function createFaceTheoryIsrMetaStore(options?: FaceTheoryIsrMetaStoreConfig | undefined): FaceTheoryIsrMetaStore

/** Whether `error` is an error of a store: an `Error` with `retryable` and one of the store's codes. */
export declare function isIsrStoreError(error: unknown): error is IsrStoreFailure

/** The record of a cache key. The store sets each field; a missing value is `null`. */
export interface IsrMetaRecord {
  /** The cache key of the call. */
  cacheKey: string
  /** The location of the HTML; `null` without a page. */
  htmlPointer: string | null
  /** Time of the generation, in epoch milliseconds; 0 without a page. */
  generatedAt: number
  /**
   * Freshness lifetime in seconds. Without a page: the `fallbackRevalidateSeconds` of the caller or of the holder,
   * or 60.
   */
  revalidateSeconds: number
  /** HTTP status, 100 to 599; 200 without a page. */
  status: number
  /** Content type; `text/html; charset=utf-8` without a page. */
  contentType: string
  /** Entity tag of the HTML; `null` without one. */
  etag: string | null
  /**
   * The owner in the LOCK row, even if the lease has expired. `null` without a lease, and for a lease of
   * TableTheory.
   */
  leaseOwner: string | null
  /** The token in the LOCK row; `null` without a lease. */
  leaseToken: string | null
  /** Expiry of the lease, in epoch milliseconds; 0 without a lease. */
  leaseExpiresAt: number
}

/** A call that has settled, as `onOperation` receives it. */
export interface IsrStoreOperation {
  /** The operation that was called. */
  operation: 'get' | 'invalidate' | 'tryAcquireLease' | 'commitGeneration' | 'releaseLease' | 'ensureTable'
  /** Milliseconds from the call until its promise settled. */
  durationMs: number
  /** Attempts that this call sent, retries included; 0 if memory or another call's request answered it. */
  requests: number
  /** Whether another call's request answered this call (request coalescing). */
  shared: boolean
  /**
   * `held`: `tryAcquireLease` did not acquire the lease. `stale`: `get` returned the last known page, because the
   * table could not be read. `failure`: the call rejected. `success`: any other result.
   */
  outcome: 'success' | 'held' | 'stale' | 'failure'
  /** The code of the error; `null` if the call resolved. */
  code: IsrStoreErrorCode | null
  /** The cache key if `onOperationKeys` is `true`, otherwise `null`. Always `null` for `ensureTable`. */
  cacheKey: string | null
  /** Attempts that DynamoDB throttled. */
  throttles: number
  /** Milliseconds for which the store delayed this `get`, because another owner held the lease. */
  pacedMs: number
}

/** The answer of `tryAcquireLease`. */
export interface TryAcquireIsrLeaseResult {
  /** Whether the caller holds the lease. */
  acquired: boolean
  /**
   * The record. Its lease is the caller's if `acquired` is `true`, else the holder's or none (see
   * `tryAcquireLease`).
   */
  record: IsrMetaRecord
  /** The token for commit and release; `null` if `acquired` is `false`. */
  leaseToken: string | null
}
