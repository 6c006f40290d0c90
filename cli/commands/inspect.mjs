// @ts-check
import { DONE, NOT_FOUND } from '../exit-codes.mjs'
import { coloured, moment, shown } from '../format.mjs'
import { admin, freshUntil } from '../native.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../admin.d.ts').InspectedEntry} Inspected */

export const summary = 'Shows both rows of a cache key'
export const takes = '<cacheKey>'
export const least = 1
export const most = 1
/** @type {Command['options']} */
export const options = {}
export const help = `
Shows the page, whether it is fresh, the lease, and the rows as they are stored. It shows only the beginning of a lease token, because the token permits a commit. A row is unusable if a required attribute is missing or has a wrong value. An unusable row counts as absent, and the next commit or lease replaces it.

With --json it prints { "cacheKey", "partition", "page", "lease", "rows" }, with times in epoch milliseconds. The "state" of a lease is held, expired or implausible. An implausible lease ends more than seven days from now. Expired and implausible leases are free.

IAM permission: Query. Cost: one read unit, for rows of up to 4 KB together. It exits with 3 if the key has neither row.

  npx tabletheory-isr inspect 'default::/news/{slug}?slug=hello'`

/** @type {Command['run']} */
export async function run({ store, output, positionals: [cacheKey = ''] }) {
  const { partition, meta, lock, page, lease } = await admin.inspect(store, cacheKey)
  const rows = { META: parsed(meta), LOCK: parsed(lock) }
  const result = { cacheKey, partition, page: pageOf(page), lease: leaseOf(lease), rows }
  output.result(result, () => text(result))
  if (meta !== null || lock !== null) return DONE
  output.note('not found\n  → check the key and --pk-prefix; list shows the cache keys in the table')
  return NOT_FOUND
}

/** @param {Inspected['page']} page */
const pageOf = (page) => (page === null ? null : { ...page, freshUntil: freshUntil(page) })

/** @param {Inspected['lease']} lease */
const leaseOf = (lease) => (lease === null ? null : { ...lease, token: beginning(lease.token) })

/** Enough to compare, and too little to publish with. @param {string} token */
const beginning = (token) => `${[...token].slice(0, Math.min(8, [...token].length / 2)).join('')}…`

/** @param {string | null} row */
function parsed(row) {
  if (row === null) return null
  const { lease_token: token, ...attributes } = JSON.parse(row)
  return token === undefined ? attributes : { ...attributes, lease_token: hidden(token) }
}

/** @param {{ S?: string }} token */
const hidden = (token) => (typeof token.S === 'string' ? { S: beginning(token.S) } : token)

/** @param {any} result */
function text({ cacheKey, partition, page, lease, rows }) {
  const now = Date.now()
  const lines = [
    ['cache key', shown(cacheKey)],
    ['partition', shown(partition)],
    ...(page === null ? [['page', rows.META === null ? 'none' : unusable]] : pageLines(page, now)),
    ...(lease === null ? [['lease', rows.LOCK === null ? 'none' : unusable]] : leaseLines(lease, now)),
    ...Object.entries(rows)
      .filter(([, row]) => row !== null)
      .map(([name, row]) => [`row ${name}`, shown(JSON.stringify(row))]),
  ]
  return lines.map(([name, value]) => `${`${name}`.padEnd(14)}${value}`).join('\n')
}

const unusable = coloured('yellow', 'the row is unusable and counts as absent')

/** @param {any} page @param {number} now */
const pageLines = (page, now) => [
  ['page', shown(page.htmlPointer)],
  ['generated', page.generatedAt === 0 ? 'before a soft invalidation' : moment(page.generatedAt, now)],
  page.freshUntil > now
    ? ['fresh until', coloured('green', moment(page.freshUntil, now))]
    : ['stale since', coloured('yellow', moment(page.freshUntil, now))],
  ['status', page.status],
  ['content type', shown(page.contentType)],
  ['etag', page.etag === null ? 'none' : shown(page.etag)],
]

/** @param {any} lease @param {number} now */
const leaseLines = (lease, now) => [
  ['lease of', lease.owner === null ? 'another writer, which stores no owner' : shown(lease.owner)],
  ['token', shown(lease.token)],
  ends[/** @type {keyof typeof ends} */ (lease.state)](moment(lease.expiresAt, now)),
]

const ends = {
  held: (/** @type {string} */ end) => ['held until', end],
  expired: (/** @type {string} */ end) => ['expired', `${end}; the lease is free`],
  implausible: (/** @type {string} */ end) => ['ends', `${end}: implausibly far ahead; the lease is free`],
}
