// @ts-check
import { DONE, FAILURE } from '../exit-codes.mjs'
import { fixFor } from '../fixes.mjs'
import { columns, plural, shown } from '../format.mjs'
import { invalidateAll } from '../invalidate-all.mjs'
import { keysOf } from '../keys.mjs'
import { admin } from '../native.mjs'
import { inFlags, softOption } from '../options.mjs'
import { UsageError } from '../usage-error.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../native.mjs').StoreError} StoreError */
/** @typedef {{ cacheKey: string, result: 'invalidated' | 'found' | 'not found' | 'failed', code?: string, message?: string, fix?: string | null }} Result */

/** Keys in flight at a time. */
const CONCURRENCY = 16

export const summary = 'Invalidates pages, so that each is rendered again at its next visit'
export const takes = '<cacheKey…|-> or --prefix <text>'
export const least = 0
export const most = Number.POSITIVE_INFINITY
/** @type {Command['options']} */
export const options = {
  prefix: { type: 'string', value: 'text', text: 'invalidates all pages whose cache key starts with it' },
  'dry-run': { type: 'boolean', text: 'finds the pages and changes nothing' },
  yes: { type: 'boolean', short: 'y', text: 'does not ask before it invalidates a prefix' },
  ...softOption('keeps the page as stale, in case its regeneration fails'),
  'json-input': { type: 'boolean', text: 'lines of standard input are JSON: a string, or an object with "cacheKey"' },
  'units-per-second': {
    type: 'string',
    value: 'n',
    text: 'capacity units per second that --prefix may use; default: 200',
  },
  position: { type: 'string', value: 'text', text: 'continues a --prefix run from the position that it printed' },
}
export const help = `
Deletes the page and the lease of each key. A regeneration that has begun cannot commit. The HTML stays in S3. Each key is looked up first. A key that has neither row counts as not found, and nothing is deleted; that is not an error. The command handles 16 keys at a time, without a rate limit.

"-" reads keys from standard input, one per line, in UTF-8. A line that is not a key ends the command with 2 before any request is sent. Keys that begin with "-" come after "--". The cache key is the result of the app's isr.cacheKey, or of FaceTheory's defaultIsrCacheKey; list shows them. A key may contain line breaks, so pass the output of list --json to --json-input.

--prefix scans the whole table, and pays for it: half a read unit for each 4 KB. On a terminal it counts the pages first, with a scan of its own, and asks. Elsewhere it needs --yes or --dry-run. It spreads the requests of both scans over time, 200 units per second by default, and slows down if DynamoDB throttles. Ctrl-C stops it, and prints the position for --position on standard error. With --json, the position is in the object on standard output. A run that a failed request ends prints the position too.

--soft keeps the page's row and marks it as stale. FaceTheory can then serve the stale page until a regeneration succeeds. Do not use --soft for content that must disappear. It needs UpdateItem.

With --json it prints a line for each key: { "cacheKey", "result", "code", "message", "fix" }. The result is invalidated, found (with --dry-run), not found or failed.

With --prefix it prints one object:

${columns([
  ['pages', 'pages found whose cache key starts with the prefix'],
  ['invalidated', 'pages invalidated; 0 with --dry-run'],
  ['skipped', 'pages of other stores, and rows without a cache key'],
  ['rows', 'rows of the table that were read'],
  ['units', 'capacity units consumed; those of writes are estimated'],
  ['done', 'whether the scan has reached the end of the table'],
  ['position', 'the value for --position; null at the end of the table'],
])}

IAM permissions: Query and DeleteItem for keys; Scan and DeleteItem for --prefix. Cost of a key: one read unit, and four write units if it is found, for rows of up to 1 KB. Cost of --prefix: the scan, and four write units for each page.

  npx tabletheory-isr invalidate 'default::/news/{slug}?slug=hello'
  npx tabletheory-isr invalidate --prefix 'default::/news' --dry-run
  npx tabletheory-isr list --prefix 'default::/news' --json |
    npx tabletheory-isr invalidate - --json-input --soft`

/** @type {Command['run']} */
export async function run({ store, output, values, positionals, isLiteral }) {
  if ((values.prefix === undefined) === (positionals.length === 0)) {
    throw new UsageError(`invalidate takes ${takes}, one of the two; see "invalidate --help"`)
  }
  if (typeof values.prefix === 'string') return invalidateAll(store, output, values, values.prefix)
  const keys = await keysOf(store, positionals, isLiteral, values['json-input'] === true)
  const isDryRun = values['dry-run'] === true
  const count = { invalidated: 0, found: 0, 'not found': 0, failed: 0 }
  /** @type {Set<string>} */
  const fixes = new Set()
  let index = 0
  const worker = async () => {
    while (index < keys.length) {
      const cacheKey = keys[index++] ?? ''
      const result = await invalidated(store, cacheKey, isDryRun)
      count[result.result] += 1
      if (result.fix) fixes.add(result.fix)
      if (output.isJson) output.result(result, String)
      else if (result.message !== undefined) output.note(`failed: ${shown(inFlags(result.message))} (${result.code})`)
      output.progress(`${index} of ${plural(keys.length, 'key')}`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  const parts = Object.entries(count).filter(
    ([name, number]) => number > 0 || name === (isDryRun ? 'found' : 'invalidated'),
  )
  output.note(parts.map(([name, number]) => `${number} ${name}`).join(', '))
  for (const fix of fixes) output.note(`  → ${fix}`)
  return count.failed === 0 ? DONE : FAILURE
}

/** @param {import('../native.mjs').Store} store @param {string} cacheKey @param {boolean} isDryRun @returns {Promise<Result>} */
async function invalidated(store, cacheKey, isDryRun) {
  try {
    const { meta, lock } = await admin.inspect(store, cacheKey)
    // Without either row there is nothing to delete: a lease that is acquired later is for a new page.
    if (meta === null && lock === null) return { cacheKey, result: 'not found' }
    if (isDryRun) return { cacheKey, result: 'found' }
    await store.invalidate(cacheKey)
    return { cacheKey, result: 'invalidated' }
  } catch (error) {
    const { code, message } = /** @type {StoreError} */ (error)
    return { cacheKey, result: 'failed', code, message, fix: fixFor({ code, message }) }
  }
}
