// @ts-check
import { DONE } from '../exit-codes.mjs'
import { freshUntil, operator } from '../native.mjs'
import { coloured, duration, shown } from '../output.mjs'

/** @typedef {import('../command.d.mts').Command} Command */

export const summary = 'Lists the pages in the table'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {
  prefix: { type: 'string', value: 'text', text: 'only cache keys that start with it' },
  stale: { type: 'boolean', text: 'only pages that are stale by this machine’s clock' },
  limit: { type: 'string', value: 'n', text: 'stop after so many pages' },
}
export const help = `
Reads the whole table, a megabyte at a time (a Scan): --prefix and --stale choose what is shown, and not what is read and
paid for; --limit stops early. In no order; a page that is published meanwhile may be missing. Keys without a page, which
have only a lease, are not listed: inspect shows those.

With --json it prints a line for each page: { "cacheKey", "partition", "htmlPointer", "generatedAt",
"revalidateSeconds", "status", "contentType", "etag", "freshUntil" }, times in epoch milliseconds; cacheKey is null where
another writer's row holds only a digest of it.

Needs the right to Scan. Costs half a read unit for each 4 KB of the table.

  tabletheory-isr list --prefix 'default::/news' --stale --limit 20`

/** @type {Command['run']} */
export async function run({ store, options: { pkFromCacheKey }, output, values }) {
  const prefix = typeof values.prefix === 'string' ? values.prefix : ''
  const limit = limitOf(values.limit)
  // With a layout of its own, the store cannot know whose a row is.
  const isOurs = (/** @type {import('../native.mjs').Page} */ { cacheKey, partition }) =>
    pkFromCacheKey === undefined || (cacheKey !== null && pkFromCacheKey(cacheKey) === partition)
  let [shownPages, rows, isAll] = [0, 0, false]
  for await (const listing of listings(store, prefix)) {
    rows += listing.rows
    const pages = listing.pages.filter(
      (page) => isOurs(page) && !(values.stale === true && freshUntil(page) > Date.now()),
    )
    const some = pages.slice(0, limit - shownPages)
    output.progress('')
    for (const page of some) output.result({ ...page, freshUntil: freshUntil(page) }, () => line(page))
    shownPages += some.length
    output.progress(`${rows} rows read, ${shownPages} pages shown`)
    isAll = listing.next === null && some.length === pages.length
    if (shownPages === limit || output.isClosed) break
  }
  output.note(`${shownPages} pages, in ${rows} rows that were read${isAll ? '' : '; there may be more'}`)
  return DONE
}

/** @param {import('../native.mjs').Store} store @param {string} prefix */
async function* listings(store, prefix) {
  /** @type {import('../native.mjs').Position | null} */
  let next = null
  do {
    /** @type {import('../native.mjs').Listing} */
    const listing = await operator.list(store, prefix, next)
    yield listing
    next = listing.next
  } while (next !== null)
}

/** @param {unknown} value */
function limitOf(value) {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (/^[1-9]\d*$/.test(String(value))) return Number(value)
  throw Object.assign(new RangeError('--limit must be a whole number, at least 1'), { code: 'ErrInvalidArgument' })
}

/** @param {import('../native.mjs').Page} page */
function line(page) {
  const { cacheKey, partition, status, htmlPointer } = page
  const left = freshUntil(page) - Date.now()
  const state = left > 0 ? coloured('green', 'fresh') : coloured('yellow', 'stale')
  const key = cacheKey === null ? `(partition ${shown(partition)})` : shown(cacheKey)
  return `${state}  ${duration(left).padStart(8)}  ${status}  ${key}  ${coloured('dim', shown(htmlPointer))}`
}
