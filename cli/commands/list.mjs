// @ts-check
import { DONE } from '../exit-codes.mjs'
import { coloured, duration, plural, shown } from '../format.mjs'
import { admin, freshUntil } from '../native.mjs'
import { UsageError } from '../usage-error.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../native.mjs').Store} Store */
/** @typedef {import('../native.mjs').Page} Page */

export const summary = 'Lists the pages in the table'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {
  prefix: { type: 'string', value: 'text', text: 'only cache keys that start with it' },
  stale: { type: 'boolean', text: 'only pages that are stale by this machine’s clock' },
  limit: { type: 'string', value: 'n', text: 'stops after that many pages' },
}
export const help = `
Scans the whole table, a megabyte at a time and without a rate limit. --prefix and --stale select the pages that are shown, but every row is read and paid for. --limit stops the scan early. The order is arbitrary, and a page that is published meanwhile may be missing. A key that has only a lease is not listed; inspect shows it.

If no page is found, the command prints a hint, for which it reads one more megabyte. If no cache key starts with --prefix, the hint has some cache keys of the table. If no partition key starts with --pk-prefix, the hint has the prefixes in the table.

With --json it prints a line for each page: { "cacheKey", "partition", "htmlPointer", "generatedAt", "revalidateSeconds", "status", "contentType", "etag", "freshUntil" }, with times in epoch milliseconds. The cacheKey is null if the row has only a digest of it. invalidate - --json-input refuses such a line, so leave it out.

IAM permission: Scan. Cost: half a read unit for each 4 KB of the table, which is 128 read units for each megabyte. Do not run it while the table is throttled.

  npx tabletheory-isr list --prefix 'default::/news' --stale --limit 20`

/** @type {Command['run']} */
export async function run({ store, output, values }) {
  const prefix = typeof values.prefix === 'string' ? values.prefix : ''
  const limit = limitOf(values.limit)
  let [found, shownPages, rows, isAll] = [0, 0, 0, false]
  for await (const listing of listings(store, prefix)) {
    rows += listing.rows
    const own = listing.pages.filter((page) => isOwn(store, page))
    const pages = own.filter((page) => values.stale !== true || freshUntil(page) <= Date.now())
    const some = pages.slice(0, limit - shownPages)
    output.progress('')
    for (const page of some) output.result({ ...page, freshUntil: freshUntil(page) }, () => line(page))
    found += own.length
    shownPages += some.length
    output.progress(`${plural(rows, 'row')} read, ${plural(shownPages, 'page')} shown`)
    isAll = listing.next === null && some.length === pages.length
    if (shownPages === limit || output.isClosed) break
  }
  output.note(`${plural(shownPages, 'page')} in ${plural(rows, 'row')}${isAll ? '' : '; there may be more'}`)
  if (output.isJson || shownPages > 0) return DONE
  output.note(found === 0 ? await nothingFound(store, prefix, rows) : `  → none of ${plural(found, 'page')} is stale`)
  return DONE
}

/** A `pkFromCacheKey` may share the table with other stores. @param {Store} store @param {Page} page */
function isOwn(store, { cacheKey, partition }) {
  if (!admin.settings(store).hasOwnLayout) return true
  try {
    return cacheKey !== null && admin.partition(store, cacheKey) === partition
  } catch {
    return false
  }
}

/** @param {Store} store @param {string} prefix @param {number} rows */
async function nothingFound(store, prefix, rows) {
  if (rows === 0) return '  → the table has no rows; check --table-name, --region and --endpoint'
  const { pages, cacheKeys, prefixes, isComplete } = await admin.survey(store, null)
  const part = isComplete ? '' : ' (in the first megabyte)'
  if (pages > 0 && prefix !== '') {
    const some = cacheKeys.map((cacheKey) => `"${shown(cacheKey)}"`).join(', ')
    return `  → no cache key starts with "${shown(prefix)}"; cache keys${part} are, for example, ${some}`
  }
  if (prefixes.length === 0) return `  → the table has rows, and none of them is a page${part}`
  const others = prefixes.slice(0, 10).map((one) => `"${shown(one.prefix)}" (${plural(one.pages, 'page')})`)
  const { pkPrefix, hasOwnLayout } = admin.settings(store)
  const own = hasOwnLayout ? 'no page is where pkFromCacheKey puts it' : `no page has the prefix "${shown(pkPrefix)}"`
  return `  → ${own}; prefixes in the table${part}: ${others.join(', ')}; pass one as --pk-prefix`
}

/** @param {Store} store @param {string} prefix */
async function* listings(store, prefix) {
  /** @type {import('../native.mjs').Position | null} */
  let next = null
  do {
    /** @type {import('../native.mjs').Listing} */
    const listing = await admin.list(store, prefix, next, null)
    yield listing
    next = listing.next
  } while (next !== null)
}

/** @param {unknown} value */
function limitOf(value) {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (/^[1-9]\d*$/.test(String(value))) return Number(value)
  throw new UsageError(`--limit must be a whole number, at least 1, not "${value}"`)
}

/** @param {Page} page */
function line(page) {
  const { cacheKey, partition, status, htmlPointer } = page
  const left = freshUntil(page) - Date.now()
  const state = left > 0 ? coloured('green', 'fresh') : coloured('yellow', 'stale')
  const key = cacheKey === null ? `(partition ${shown(partition)})` : shown(cacheKey)
  return `${state}  ${duration(left).padStart(8)}  ${status}  ${key}  ${coloured('dim', shown(htmlPointer))}`
}
