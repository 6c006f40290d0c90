// Invalidates all pages under a prefix: a scan in parts, paced so that the site keeps the table's capacity.
// @ts-check
'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

/** @typedef {import('../index.js').FaceTheoryIsrMetaStore} Store */
/** @typedef {import('../cli/admin.d.ts').ListedPage} Page */
/** @typedef {import('./index.d.ts').InvalidatePrefixOptions} Options */
/** @typedef {import('./index.d.ts').InvalidatePrefixProgress} Progress */

/** @type {{ admin: typeof import('../cli/admin.d.ts') }} */
const { admin } = /** @type {any} */ (require('../index.js'))

/** Small, so that little is repeated when a call continues another. */
const ROWS_PER_PART = 100
/** Two actions of a transaction, for rows of up to 1 KB. */
const UNITS_PER_INVALIDATION = 4
/** More would wait for the rate. */
const CONCURRENCY = 8
const MOST_RETRIES = 5
const RETRY_DELAY_MS = 1_000
const OPTIONS = ['position', 'unitsPerSecond', 'dryRun', 'signal', 'onProgress']

/** @param {Store} store @param {string} prefix @param {Options} [options] @returns {Promise<Progress>} */
async function invalidatePrefix(store, prefix, options = {}) {
  refuseUnknown(options)
  const { position, unitsPerSecond = 200, dryRun = false, signal, onProgress } = options
  let next = decoded(position)
  const pace = new Pace(unitsPerSecond, signal)
  const counts = { pages: 0, invalidated: 0, skipped: 0, rows: 0, units: 0 }
  const progress = (/** @type {boolean} */ done) => ({
    ...counts,
    done,
    position: next === null ? null : encoded(next),
  })
  try {
    for (;;) {
      const part = await pace.retried(() => admin.list(store, prefix, next, ROWS_PER_PART))
      const keys = part.pages.flatMap((page) => keyOf(store, page) ?? [])
      await pace.spend(part.readUnits)
      if (!dryRun) {
        await inParallel(keys, async (cacheKey) => {
          await pace.spend(UNITS_PER_INVALIDATION)
          await pace.retried(() => store.invalidate(cacheKey))
          counts.invalidated += 1
          counts.units += UNITS_PER_INVALIDATION
        })
      }
      counts.pages += keys.length
      counts.skipped += part.pages.length - keys.length
      counts.rows += part.rows
      counts.units += part.readUnits
      next = part.next
      onProgress?.(progress(next === null))
      if (next === null) return progress(true)
    }
  } catch (error) {
    if (error === pace.stopped) return progress(false)
    throw error
  }
}

/** The cache key, if the page is this store's. @param {Store} store @param {Page} page */
function keyOf(store, { cacheKey, partition }) {
  if (cacheKey === null) return undefined
  try {
    return admin.partition(store, cacheKey) === partition ? cacheKey : undefined
  } catch {
    // A `pkFromCacheKey` may refuse the keys of other tenants.
    return undefined
  }
}

/** Spreads the units that a call consumes evenly over time, and slows down where DynamoDB throttles. */
class Pace {
  /** Thrown where the signal has stopped the call. */
  stopped = new Error('stopped')
  #due = performance.now()
  #unitsPerSecond
  #signal

  /** @param {number} unitsPerSecond @param {AbortSignal | undefined} signal */
  constructor(unitsPerSecond, signal) {
    if (typeof unitsPerSecond !== 'number') throw invalid(TypeError, 'unitsPerSecond must be a number')
    if (!(unitsPerSecond >= 1 && unitsPerSecond <= 40_000)) {
      throw invalid(RangeError, 'unitsPerSecond must be at least 1 and at most 40000')
    }
    this.#unitsPerSecond = unitsPerSecond
    this.#signal = signal
  }

  /** Waits until those units may be spent; those that are spent later wait longer. @param {number} units */
  async spend(units) {
    const start = Math.max(this.#due, performance.now())
    this.#due = start + (units / this.#unitsPerSecond) * 1_000
    await this.#wait(start - performance.now())
  }

  /** @template T @param {() => Promise<T>} request @returns {Promise<T>} */
  async retried(request) {
    for (let retries = 0; ; retries += 1) {
      if (this.#signal?.aborted) throw this.stopped
      try {
        return await request()
      } catch (error) {
        const { code, retryable } = /** @type {{ code?: string, retryable?: boolean }} */ (error)
        if (retryable !== true || retries === MOST_RETRIES) throw error
        if (code === 'ErrThrottled') this.#unitsPerSecond = Math.max(1, this.#unitsPerSecond / 2)
        await this.#wait(RETRY_DELAY_MS * 2 ** retries)
      }
    }
  }

  /** @param {number} milliseconds */
  async #wait(milliseconds) {
    try {
      if (milliseconds > 0) await sleep(milliseconds, undefined, this.#signal ? { signal: this.#signal } : {})
    } catch {
      throw this.stopped
    }
    if (this.#signal?.aborted) throw this.stopped
  }
}

/** Ends when all have ended; rejects with the first error. @template T @param {T[]} items @param {(item: T) => Promise<void>} work */
async function inParallel(items, work) {
  const waiting = [...items]
  let hasFailed = false
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined && !hasFailed; item = waiting.shift()) {
      await work(item).catch((error) => {
        hasFailed = true
        throw error
      })
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: CONCURRENCY }, worker))
  const failure = ended.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

/** @param {unknown} options */
function refuseUnknown(options) {
  if (typeof options !== 'object' || options === null) throw invalid(TypeError, 'options must be an object')
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) {
    throw invalid(TypeError, `unknown option "${unknown}"; valid options: ${OPTIONS.join(', ')}`)
  }
}

/** @param {import('../cli/admin.d.ts').ScanPosition} position */
const encoded = ({ pk, sk }) => Buffer.from(JSON.stringify([pk, sk])).toString('base64url')

/** @param {string | null | undefined} position @returns {import('../cli/admin.d.ts').ScanPosition | null} */
function decoded(position) {
  if (position === undefined || position === null) return null
  try {
    const [pk, sk] = JSON.parse(Buffer.from(String(position), 'base64url').toString())
    if (typeof pk === 'string' && typeof sk === 'string') return { pk, sk }
  } catch {
    // Refused below.
  }
  throw invalid(RangeError, `position "${position}" is not one that invalidatePrefix has reported`)
}

/** @param {TypeErrorConstructor | RangeErrorConstructor} Kind @param {string} message */
const invalid = (Kind, message) => Object.assign(new Kind(message), { code: 'ErrInvalidArgument', retryable: false })

module.exports = { invalidatePrefix }
