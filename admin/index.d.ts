// The operator's side of the store, for scripts and scheduled jobs: `@theory-cloud/tabletheory-isr/admin`.
import type { FaceTheoryIsrMetaStore } from '../index.js'

/** How far a call of `invalidatePrefix` has come. */
export interface InvalidatePrefixProgress {
  /** Pages found whose cache key starts with the prefix. */
  readonly pages: number
  /** Pages invalidated; 0 with `dryRun`. */
  readonly invalidated: number
  /** Pages left alone: another writer's row without a cache key, or another store's page. */
  readonly skipped: number
  /** Rows of the table read so far. */
  readonly rows: number
  /** Capacity units consumed so far, as reported by DynamoDB for reads and estimated for writes. */
  readonly units: number
  /** Whether the scan has reached the end of the table. */
  readonly done: boolean
  /** Where a later call continues; `null` at the beginning and at the end of the table. */
  readonly position: string | null
}

/** Options of `invalidatePrefix`. Omitted or `undefined` options take their defaults. */
export interface InvalidatePrefixOptions {
  /** Continues an earlier call from the `position` that it reported. Default: the beginning of the table. */
  position?: string | null | undefined
  /**
   * Read and write units per second, at most. An invalidation counts 4 units, a read as DynamoDB reports it. A throttled
   * request halves the rate for the rest of the call. 1 to 40,000. Default: 200, which is 50 pages a second.
   */
  unitsPerSecond?: number | undefined
  /** Only counts the pages. Default: `false`. */
  dryRun?: boolean | undefined
  /** Stops the call: it resolves with `done: false`, and its `position` continues it. Default: it cannot be stopped. */
  signal?: AbortSignal | undefined
  /** Called after each part of at most 100 rows. An error that it throws rejects the call. Default: none. */
  onProgress?: ((progress: InvalidatePrefixProgress) => void) | undefined
}

/**
 * Invalidates all pages whose cache key starts with a prefix, as `invalidate` does for each.
 *
 * It is a scan: it reads and pays for the whole table, also for a prefix with few pages. A page that is published after the scan has
 * passed its row stays. It needs the permission `dynamodb:Scan` beside those of the store.
 *
 * @param store The store whose pages they are. Its own cached pages are forgotten too, and `softInvalidation` is heeded.
 * @param prefix The beginning of the cache keys; an empty string means all pages of the store.
 * @returns How far it came: `done: true`, or `done: false` where `signal` stopped it.
 * @throws `ErrInvalidArgument` for a wrong argument. The store's error where a request still fails after five retries;
 * the last reported `position` continues the call. Repeating a part is safe.
 */
export declare function invalidatePrefix(
  store: FaceTheoryIsrMetaStore,
  prefix: string,
  options?: InvalidatePrefixOptions | undefined,
): Promise<InvalidatePrefixProgress>
