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
export const options = {
  'json-input': {
    type: 'boolean',
    text: 'each line of standard input is JSON: a string, or an object with "cacheKey"',
  },
}
export const help = `
Deletes page and lease of each key; a regeneration in flight cannot publish any more. The HTML stays in S3. A key that is
not there is no error. "-" reads keys from standard input, one a line, in UTF-8. Keys that start with "-" come after "--".

The cache key is the one that the app's isr.cacheKey makes, or FaceTheory's defaultIsrCacheKey; list shows them. A key may
have line breaks in it, so feed what list prints with --json to --json-input.
With --json it prints a line for each key: { "cacheKey", "invalidated", and where it failed "code", "message" }.

Needs the right to DeleteItem. Costs four write units a key, for rows of up to 1 KB.

  tabletheory-isr invalidate 'default::/news/{slug}?slug=hello'
  tabletheory-isr list --prefix 'default::/news' --json | tabletheory-isr invalidate - --json-input`

/** @type {Command['run']} */
export async function run({ store, output, values, positionals, isLiteral }) {
  let [invalidated, failed] = [0, 0]
  const ofLine = values['json-input'] === true ? keyOfJson : (/** @type {string} */ line) => line
  const keys = keysOf(positionals, isLiteral, ofLine)
  const worker = async () => {
    for await (const cacheKey of keys) {
      const failure = await store.invalidate(cacheKey).then(
        () => null,
        (/** @type {import('../native.mjs').StoreError} */ { code, message }) => ({ code, message }),
      )
      if (failure === null) invalidated += 1
      else failed += 1
      if (output.isJson) output.result({ cacheKey, invalidated: failure === null, ...failure }, String)
      else if (failure !== null) output.note(`not invalidated: ${shown(failure.message)} (${failure.code})`)
      output.progress(`${invalidated + failed} keys`)
    }
  }
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  } finally {
    output.note(`${invalidated} invalidated${failed === 0 ? '' : `, ${failed} not`}`)
  }
  return failed === 0 ? DONE : FAILURE
}

/**
 * The keys, each to whoever asks next.
 * @param {string[]} names
 * @param {boolean[]} isLiteral
 * @param {(line: string) => string} ofLine
 */
async function* keysOf(names, isLiteral, ofLine) {
  for (const [index, name] of names.entries()) {
    if (name === '-' && !isLiteral[index]) {
      for await (const line of lines()) yield ofLine(line)
    } else {
      yield name
    }
  }
}

/** @param {string} line */
function keyOfJson(line) {
  const value = JSON.parse(line)
  const cacheKey = typeof value === 'string' ? value : value?.cacheKey
  if (typeof cacheKey === 'string') return cacheKey
  throw new TypeError('standard input: a line is neither a string nor an object with a string "cacheKey"')
}

/** Above that, no cache key fits into a row, and what comes is no list of keys. */
const LONGEST_LINE = 1_000_000

/** Lines of standard input, but for empty ones. It must be UTF-8: a key with replaced bytes would be another key. */
async function* lines() {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decoded = (/** @type {Buffer | undefined} */ chunk) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (cause) {
      throw new TypeError('standard input is not UTF-8', { cause })
    }
  }
  let rest = ''
  for await (const chunk of process.stdin) {
    const parts = (rest + decoded(chunk)).split(/\r?\n/)
    rest = parts.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw new RangeError(`standard input has a line above ${LONGEST_LINE} characters`)
    yield* parts.filter((line) => line !== '')
  }
  rest += decoded(undefined)
  if (rest !== '') yield rest
}
