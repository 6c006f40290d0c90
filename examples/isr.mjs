// Blocking incremental static regeneration as FaceTheory documents it, over any IsrMetaStore. A fresh page is served at
// once. If the page is missing or stale, the holder of the lease renders it, and the others wait for its page.
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {import('@theory-cloud/tabletheory-isr').IsrMetaRecord} IsrMetaRecord */
/** @typedef {import('@theory-cloud/tabletheory-isr').IsrMetaStore} IsrMetaStore */

/**
 * @typedef {object} HtmlStore
 * @property {(pointer: string) => Promise<string | null>} read
 * @property {(pointer: string, html: string) => Promise<void>} write
 */

/**
 * @typedef {object} IsrPage
 * @property {'hit' | 'miss' | 'wait-hit' | 'stale'} state From the cache; rendered here; rendered by another process
 * while this request waited; too old, because no newer page was available.
 * @property {string} html
 * @property {number} status
 * @property {string} contentType
 * @property {number} generatedAt Epoch milliseconds.
 * @property {number} revalidateSeconds
 */

/**
 * @typedef {object} IsrOptions
 * @property {IsrMetaStore} metaStore Metadata and leases of the pages.
 * @property {HtmlStore} htmlStore The HTML itself.
 * @property {(cacheKey: string) => Promise<{ html: string, status: number, contentType: string }>} render
 * @property {number} revalidateSeconds How long a page is fresh.
 * @property {number} leaseDurationMs Longer than a render takes. If the renderer dies, all requests wait this long.
 * @property {number} waitTimeoutMs How long a request waits for another render; longer than lease and render together.
 * @property {number} pollIntervalMs How often a waiting request reads the record.
 * @property {() => string} [createLeaseOwner] Default: random UUIDs.
 * @property {() => number} [now] Epoch milliseconds. Default: the system's clock.
 */

/** @param {IsrOptions} options */
export function createIsr({ createLeaseOwner = randomUUID, now = Date.now, ...options }) {
  const { metaStore, htmlStore, render, revalidateSeconds, leaseDurationMs, waitTimeoutMs, pollIntervalMs } = options

  /**
   * @param {string} cacheKey
   * @returns {Promise<IsrPage>}
   * @throws When not even an old page exists.
   */
  async function serve(cacheKey) {
    const known = await metaStore.get(cacheKey)
    const hit = known && isFresh(known, now()) ? await stored(known, 'hit') : null
    return hit ?? regenerateOrWait(cacheKey, known?.htmlPointer ?? null)
  }

  /** @param {string} cacheKey @param {string | null} oldPointer The HTML of the stale page, or `null`. */
  async function regenerateOrWait(cacheKey, oldPointer) {
    // One owner for one request: a lease is re-entrant, so requests with the same owner would all render.
    const leaseOwner = createLeaseOwner()
    const deadline = now() + waitTimeoutMs
    try {
      while (now() < deadline) {
        const { leaseToken } = await metaStore.tryAcquireLease({
          cacheKey,
          leaseOwner,
          nowMs: now(),
          leaseDurationMs,
          fallbackRevalidateSeconds: revalidateSeconds,
        })
        const page =
          leaseToken === null
            ? await waitForPage(cacheKey, oldPointer, deadline)
            : await regenerate({ cacheKey, leaseOwner, leaseToken }, oldPointer)
        if (page) return page
      }
      throw new Error(`No page for "${cacheKey}" within ${waitTimeoutMs} ms`)
    } catch (error) {
      // Read again, because the old page may have been invalidated since this request began.
      const stale = await stored(await metaStore.get(cacheKey), 'stale')
      if (stale) return stale
      throw error
    }
  }

  /**
   * @param {{ cacheKey: string, leaseOwner: string, leaseToken: string }} lease
   * @param {string | null} oldPointer
   * @returns {Promise<IsrPage | null>} `null` when the lease was lost before the page could be published.
   */
  async function regenerate(lease, oldPointer) {
    try {
      // Before this lease began, another process may have published a page and released its lease. The record that
      // came with this lease may be too old to show that page. (FaceTheory does not read again, and renders once more.)
      const current = await metaStore.get(lease.cacheKey)
      const published = current?.htmlPointer === oldPointer ? null : await stored(current, 'wait-hit')
      if (published) return published
      const generatedAt = now()
      const rendered = await render(lease.cacheKey)
      // Each generation has a new name: readers of an older one must not see this one, or half of it.
      const htmlPointer = `${digest(lease.cacheKey)}/${generatedAt}-${randomUUID()}.html`
      await htmlStore.write(htmlPointer, rendered.html)
      const { status, contentType } = rendered
      const generation = { htmlPointer, generatedAt, revalidateSeconds, status, contentType }
      await metaStore.commitGeneration({ ...lease, ...generation })
      return { state: 'miss', html: rendered.html, status, contentType, generatedAt, revalidateSeconds }
    } catch (error) {
      // The page was invalidated, or another process has taken over the lease: this render is out of date.
      if (error instanceof Error && error.name === 'IsrLeaseConflictError') return null
      throw error
    } finally {
      await metaStore.releaseLease(lease)
    }
  }

  /**
   * @param {string} cacheKey
   * @param {string | null} oldPointer
   * @param {number} deadline
   * @returns {Promise<IsrPage | null>} `null` when no process renders, so that this request should try.
   */
  async function waitForPage(cacheKey, oldPointer, deadline) {
    while (now() < deadline) {
      await sleep(pollIntervalMs)
      const record = await metaStore.get(cacheKey)
      if (!record) return null
      if (record.htmlPointer !== null && record.htmlPointer !== oldPointer) return stored(record, 'wait-hit')
      if (record.leaseToken === null) {
        if (record.htmlPointer === null) return null
        // Released without a page. If each waiting request rendered in sequence, a broken renderer would get no rest.
        throw new Error(`The render of "${cacheKey}" failed`)
      }
      if (record.leaseExpiresAt <= now()) return null
    }
    throw new Error(`No page for "${cacheKey}" within ${waitTimeoutMs} ms`)
  }

  /** @param {IsrMetaRecord | null} record @param {IsrPage['state']} state @returns {Promise<IsrPage | null>} */
  async function stored(record, state) {
    if (!record?.htmlPointer) return null
    const html = await htmlStore.read(record.htmlPointer)
    if (html === null) return null
    const { status, contentType, generatedAt, revalidateSeconds } = record
    return { state, html, status, contentType, generatedAt, revalidateSeconds }
  }

  return {
    serve,
    /** @param {string} cacheKey */
    invalidate: (cacheKey) => metaStore.invalidate(cacheKey),
  }
}

/** @param {IsrMetaRecord} record @param {number} nowMs */
export function isFresh(record, nowMs) {
  return record.htmlPointer !== null && nowMs < record.generatedAt + record.revalidateSeconds * 1_000
}

/** @param {string} cacheKey */
const digest = (cacheKey) => createHash('sha256').update(cacheKey).digest('hex').slice(0, 24)
