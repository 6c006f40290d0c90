// The addon: the class and its internal admin functions.
// @ts-check
import { createRequire } from 'node:module'

/** @typedef {import('../index.js').FaceTheoryIsrMetaStore} Store */

/** @typedef {Error & { code: import('../index.js').IsrStoreErrorCode, retryable: boolean }} StoreError */

/** @typedef {import('./admin.d.ts').ProbeAnswer} Probe */
/** @typedef {import('./admin.d.ts').TableDescription} Description */
/** @typedef {import('./admin.d.ts').ListPart} Listing */
/** @typedef {import('./admin.d.ts').ListedPage} Page */
/** @typedef {import('./admin.d.ts').ScanPosition} Position */

/** @typedef {Pick<typeof import('../index.js'), 'createFaceTheoryIsrMetaStore'> & { admin: typeof import('./admin.d.ts') }} Native */

/** @type {Native} */
const native = createRequire(import.meta.url)('../index.js')

/** @type {typeof import('../admin/index.d.ts')} */
export const { invalidatePrefix } = createRequire(import.meta.url)('../admin/index.js')

export const { createFaceTheoryIsrMetaStore, admin } = native

/** When a page becomes stale, in epoch milliseconds.
 * @param {Pick<Page, 'generatedAt' | 'revalidateSeconds'>} page */
export const freshUntil = ({ generatedAt, revalidateSeconds }) => generatedAt + revalidateSeconds * 1_000
