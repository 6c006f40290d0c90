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
