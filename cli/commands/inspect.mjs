// @ts-check
import { DONE, NOT_FOUND } from '../exit-codes.mjs'
import { freshUntil, operator } from '../native.mjs'
import { coloured, moment, shown } from '../output.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../../index.js').IsrMetaRecord} Record */

export const summary = 'Shows both rows of a cache key'
export const takes = '<cacheKey>'
export const least = 1
export const most = 1
/** @type {Command['options']} */
export const options = {}
export const help = `
Shows the page, whether it is fresh, the lease, and the rows as they are stored. Of a lease's token it shows the beginning
only, since whoever has the token can publish. A row without what makes it a page or a lease is said to be broken: the
store takes it for absent, and the next commit or lease replaces it.

With --json it prints { "cacheKey", "partition", "page", "lease", "rows" }, times in epoch milliseconds; the lease's "state" is
held, ended, or unbelievable (it ends more than seven days from now, and counts as free).

Needs the right to Query. Costs one read unit, for small rows. Exits with 3 where there is neither row.

  tabletheory-isr inspect 'default::/news/{slug}?slug=hello'`

/** @type {Command['run']} */
export async function run({ store, output, positionals: [cacheKey = ''] }) {
  const { partition, meta, lock, record } = await operator.inspect(store, cacheKey)
  const rows = { META: parsed(meta), LOCK: parsed(lock) }
  const result = { cacheKey, partition, page: pageOf(record), lease: leaseOf(record), rows }
  output.result(result, () => text(result))
  return meta === null && lock === null ? NOT_FOUND : DONE
}

/** @param {Record} record */
function pageOf(record) {
  if (record.htmlPointer === null) return null
  const { htmlPointer, generatedAt, revalidateSeconds, status, contentType, etag } = record
  const { contentSecurityPolicy, strictCspPolicy } = record
  return {
    htmlPointer,
    generatedAt,
    revalidateSeconds,
    freshUntil: freshUntil(record),
    status,
    contentType,
    contentSecurityPolicy,
    strictCspPolicy,
    etag,
  }
}

/** What ends later than that from now was written by mistake, and holds nobody up. */
const LONGEST_BELIEVABLE_LEASE_MS = 7 * 24 * 60 * 60 * 1_000

/** @param {Record} record */
function leaseOf({ leaseOwner, leaseToken, leaseExpiresAt }) {
  if (leaseToken === null) return null
  const left = leaseExpiresAt - Date.now()
  const state = left <= 0 ? 'ended' : left <= LONGEST_BELIEVABLE_LEASE_MS ? 'held' : 'unbelievable'
  return { leaseOwner, leaseToken: beginning(leaseToken), leaseExpiresAt, state }
}

/** Enough to compare, too little to publish with. @param {string} token */
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
    ...(page === null ? [['page', rows.META === null ? 'none' : broken]] : pageLines(page, now)),
    ...(lease === null ? [['lease', rows.LOCK === null ? 'none' : broken]] : leaseLines(lease, now)),
    ...Object.entries(rows)
      .filter(([, row]) => row !== null)
      .map(([name, row]) => [`row ${name}`, shown(JSON.stringify(row))]),
  ]
  return lines.map(([name, value]) => `${`${name}`.padEnd(14)}${value}`).join('\n')
}

const broken = coloured('yellow', 'the row is broken, and counts as absent')

/** @param {any} page @param {number} now */
const pageLines = (page, now) => [
  ['page', shown(page.htmlPointer)],
  ['generated', moment(page.generatedAt, now)],
  page.freshUntil > now
    ? ['fresh until', coloured('green', moment(page.freshUntil, now))]
    : ['stale since', coloured('yellow', moment(page.freshUntil, now))],
  ['status', page.status],
  ['content type', shown(page.contentType)],
  ['etag', page.etag === null ? 'none' : shown(page.etag)],
]

/** @param {any} lease @param {number} now */
const leaseLines = (lease, now) => [
  ['lease of', lease.leaseOwner === null ? 'a writer that gives no owner' : shown(lease.leaseOwner)],
  ['token', shown(lease.leaseToken)],
  ends[/** @type {keyof typeof ends} */ (lease.state)](moment(lease.leaseExpiresAt, now)),
]

const ends = {
  held: (/** @type {string} */ end) => ['held until', end],
  ended: (/** @type {string} */ end) => ['ended', `${end}; anybody may take it`],
  unbelievable: (/** @type {string} */ end) => ['ends', `${end}: too long to be believed; anybody may take it`],
}
