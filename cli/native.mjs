// The addon: the class, and what only this command asks of it.
// @ts-check
import { createRequire } from 'node:module'

/** @typedef {import('../index.js').FaceTheoryIsrMetaStore} Store */

/** @typedef {Error & { code: import('../index.js').IsrStoreErrorCode, retryable: boolean }} StoreError */

/**
 * @typedef {object} Native
 * @property {typeof import('../index.js').createFaceTheoryIsrMetaStore} createFaceTheoryIsrMetaStore
 * @property {Operator} operator
 */

/**
 * @typedef {object} Operator
 * @property {(store: Store) => Promise<Description | null>} describeTable
 * @property {(store: Store) => Promise<string | null>} ttlAttribute
 * @property {(store: Store, cacheKey: string, request: string) => Promise<Probe>} probe Changes nothing.
 * @property {(store: Store, cacheKey: string) => Promise<Inspection>} inspect
 * @property {(store: Store, prefix: string, after: Position | null) => Promise<Listing>} list A megabyte of the table.
 */

/**
 * @typedef {object} Description
 * @property {string} status
 * @property {boolean} hasOurKeys
 * @property {string} keys
 * @property {string[]} misfits Attributes that an index has with another type than our rows.
 * @property {string} billing
 * @property {string[]} replicas
 */

/** Times in epoch milliseconds; the server's is a whole second.
 * @typedef {{ place: string, durationMs: number, sentAt: number, receivedAt: number, serverAt: number | null }} Probe */

/** `meta` and `lock` are DynamoDB's JSON.
 * @typedef {{ partition: string, meta: string | null, lock: string | null, record: import('../index.js').IsrMetaRecord }} Inspection */

/** @typedef {{ pk: string, sk: string }} Position */

/** @typedef {{ pages: Page[], rows: number, next: Position | null }} Listing */

/**
 * @typedef {object} Page
 * @property {string | null} cacheKey `null` where the row holds only its digest.
 * @property {string} partition
 * @property {string} htmlPointer
 * @property {number} generatedAt
 * @property {number} revalidateSeconds
 * @property {number} status
 * @property {string} contentType
 * @property {string | null} etag
 */

/** @type {Native} */
const native = createRequire(import.meta.url)('../index.js')

export const { createFaceTheoryIsrMetaStore, operator } = native

/** When a page becomes stale, in epoch milliseconds.
 * @param {Pick<Page, 'generatedAt' | 'revalidateSeconds'>} page */
export const freshUntil = ({ generatedAt, revalidateSeconds }) => generatedAt + revalidateSeconds * 1_000
