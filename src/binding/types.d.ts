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
