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

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/**
 * ISR metadata and regeneration leases in one DynamoDB table, as FaceTheory's `isr.metaStore`.
 *
 * Make one at module scope and keep it: it holds the connections. Its methods never throw; each returns a promise
 * that settles within `operationTimeoutMs` (`ensureTable`'s: 60 seconds) and rejects with an error that has `code`, `name`, `retryable` and,
 * where there is one, `cause` (see `IsrStoreErrorCode`).
 */
export declare class FaceTheoryIsrMetaStore {
  /**
   * Makes a store for the table, without a request and without credentials: those are resolved at the first call.
   *
   * @param tableName The table's name or ARN, or an object with `tableName` and the options. When it is absent, the
   * first non-blank of `FACETHEORY_CACHE_TABLE_NAME`, `APPTHEORY_CACHE_TABLE_NAME`, `CACHE_TABLE_NAME` and
   * `CACHE_TABLE`.
   * @param options What is not given has the default that `FaceTheoryIsrMetaStoreOptions` says.
   * @throws `ErrConfig` when no table name is to be found.
   * @throws `ErrInvalidArgument` for an impossible table name, an unknown option, and an option of the wrong type
   * (`TypeError`) or out of range (`RangeError`).
   */
  constructor(tableName?: string | FaceTheoryIsrMetaStoreConfig | undefined, options?: FaceTheoryIsrMetaStoreOptions | undefined)
  /**
   * Reads what the table knows of a page, with one request. Calls for the same key that wait at the same time share
   * one, which is sent after each of them began.
   *
   * @returns The record, or `null` where there is neither a page nor a lease. The lease fields are as stored, also
   * when the lease has expired; `null`, `null` and 0 without one.
   * @throws `ErrInvalidArgument` for a cache key that is no non-empty string.
   */
  get(cacheKey: string): Promise<IsrMetaRecord | null>
  /**
   * Deletes a page and its lease in one transaction; a regeneration in flight cannot publish any more.
   *
   * Resolves for a key that does not exist. The HTML itself stays in the object store.
   *
   * @throws `ErrInvalidArgument` for a cache key that is no non-empty string; `ErrConflict` when another transaction
   * was in the way of the last attempt too.
   */
  invalidate(cacheKey: string): Promise<void>
  /**
   * Takes the regeneration lease if it is free at `nowMs`: there is none, it has expired, or `leaseOwner` holds it
   * already (its former token stops working). One round trip.
   *
   * @returns `acquired: true` with a token and the record, or `acquired: false` with the holder's lease in the record.
   * @throws `ErrInvalidArgument` for bad input, also when its strings make a row above DynamoDB's 400 KB.
   */
  tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult>
  /**
   * Publishes a page and gives its lease back, both or neither, if the lease is still the caller's.
   *
   * The lease must not have expired by `nowMs` (`generatedAt` when that is absent), in whole seconds.
   *
   * @throws `ErrLeaseNotOwned` (`IsrLeaseConflictError`) when the lease was lost: this publish did not happen and
   * never will. `ErrInvalidArgument` for bad input. `ErrTimeout` and `ErrUnavailable` leave open whether it happened.
   */
  commitGeneration(input: CommitIsrGenerationInput): Promise<void>
  /**
   * Gives a lease back without a page, if it is still the caller's; else does nothing.
   *
   * Sends nothing after this store's own commit. Never rejects for anything that the network or DynamoDB does: a
   * lease that could not be deleted runs out by itself.
   *
   * @throws `ErrInvalidArgument` for bad input.
   */
  releaseLease(input: ReleaseIsrLeaseInput): Promise<void>
  /**
   * Creates the table when it is missing (on-demand billing), turns TTL on for `ttl`, and waits until it is usable,
   * at most 60 seconds. For local development and tests.
   *
   * @throws `ErrConfig` when a table of that name has other keys, or its TTL on another attribute.
   */
  ensureTable(): Promise<void>
}

/**
 * Makes a store: `new FaceTheoryIsrMetaStore(options)`, named as TableTheory names its factory.
 *
 * @throws As the constructor does.
 */
export declare function createFaceTheoryIsrMetaStore(options?: FaceTheoryIsrMetaStoreConfig | undefined): FaceTheoryIsrMetaStore
