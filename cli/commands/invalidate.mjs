// @ts-check
import { DONE, FAILURE } from '../exit-codes.mjs'
import { shown } from '../output.mjs'

/** @typedef {import('../command.d.mts').Command} Command */

/** So many keys are under way at a time. */
const CONCURRENCY = 16

export const summary = 'Forgets pages, so that the next visitor has them rendered anew'
export const takes = '<cacheKey…|->'
export const least = 1
export const most = Number.POSITIVE_INFINITY
/** @type {Command['options']} */
export const options = {}
export const help = `
Deletes page and lease of each key; a regeneration in flight cannot publish any more. The HTML stays in S3. A key that is
not there is no error. "-" reads keys from standard input, one a line, in UTF-8. Keys that start with "-" come after "--".

The cache key is the one that the app's isr.cacheKey makes, or FaceTheory's defaultIsrCacheKey; list shows them.
With --json it prints a line for each key: { "cacheKey", "invalidated", and where it failed "code", "message" }.

Needs the right to DeleteItem. Costs four write units a key.

  tabletheory-isr invalidate 'default::/news/{slug}?slug=hello'
  tabletheory-isr list --prefix 'default::/news' --json | jq -r .cacheKey | tabletheory-isr invalidate -`

/** @type {Command['run']} */
export async function run({ store, output, positionals }) {
  let [invalidated, failed] = [0, 0]
  const keys = keysOf(positionals)
  const worker = async () => {
    for await (const cacheKey of keys) {
      try {
        await store.invalidate(cacheKey)
        invalidated += 1
        if (output.isJson) output.result({ cacheKey, invalidated: true }, String)
      } catch (error) {
        const { code, message } = /** @type {import('../native.mjs').StoreError} */ (error)
        failed += 1
        if (output.isJson) output.result({ cacheKey, invalidated: false, code, message }, String)
        else output.note(`not invalidated: ${shown(message)} (${code})`)
      }
      output.progress(`${invalidated + failed} keys`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  output.note(`${invalidated} invalidated${failed === 0 ? '' : `, ${failed} not`}`)
  return failed === 0 ? DONE : FAILURE
}

/** The keys, each to whoever asks next. @param {string[]} names */
async function* keysOf(names) {
  for (const name of names) {
    if (name === '-') yield* lines()
    else yield name
  }
}

/** Lines of standard input, but for empty ones. It must be UTF-8: a key with replaced bytes would be another key. */
async function* lines() {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of process.stdin) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/)
    rest = parts.pop() ?? ''
    yield* parts.filter((line) => line !== '')
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
