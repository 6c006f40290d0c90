// The cache keys that a command line names, or that standard input lists. All are checked before any is used.
// @ts-check
import { admin } from './native.mjs'
import { UsageError } from './usage-error.mjs'

/** No cache key above that fits into a row, so longer input is not a list of keys. */
const LONGEST_LINE = 1_000_000

/**
 * @param {import('./native.mjs').Store} store
 * @param {string[]} positionals
 * @param {boolean[]} isLiteral Of each, whether it came after "--".
 * @param {boolean} isJson Whether the lines of standard input are JSON.
 */
export async function keysOf(store, positionals, isLiteral, isJson) {
  /** @type {string[]} */
  const keys = []
  for (const [index, name] of positionals.entries()) {
    if (name === '-' && !isLiteral[index]) {
      for await (const { line, number } of lines()) {
        const source = `standard input, line ${number}`
        keys.push(checked(store, isJson ? keyOfJson(line, source) : line, source))
      }
    } else {
      keys.push(checked(store, name, `argument ${index + 1}`))
    }
  }
  return keys
}

/** @param {import('./native.mjs').Store} store @param {string} cacheKey @param {string} source */
function checked(store, cacheKey, source) {
  try {
    admin.partition(store, cacheKey)
    return cacheKey
  } catch (cause) {
    throw new UsageError(`${source}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** @param {string} line @param {string} source */
function keyOfJson(line, source) {
  /** @type {unknown} */
  let value
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new UsageError(`${source}: not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  const cacheKey = typeof value === 'string' ? value : /** @type {{ cacheKey?: unknown } | null} */ (value)?.cacheKey
  if (typeof cacheKey === 'string') return cacheKey
  if (cacheKey === null) {
    throw new UsageError(`${source}: "cacheKey" is null: the row holds only a digest of its key; leave the line out`)
  }
  throw new UsageError(`${source}: neither a string nor an object with a string "cacheKey"`)
}

/** Lines of standard input that are not empty. It must be UTF-8: a key with replaced bytes would be another key. */
async function* lines() {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let number = 0
  const decode = (/** @type {Buffer | undefined} */ chunk) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (cause) {
      throw new UsageError(`standard input, after line ${number}: not UTF-8`, { cause })
    }
  }
  for await (const chunk of process.stdin) {
    const parts = (rest + decode(chunk)).split(/\r?\n/)
    rest = parts.pop() ?? ''
    for (const line of parts) {
      number += 1
      if (line !== '') yield { line, number }
    }
    if (rest.length > LONGEST_LINE) {
      throw new UsageError(`standard input, line ${number + 1}: longer than ${LONGEST_LINE} characters`)
    }
  }
  rest += decode(undefined)
  if (rest !== '') yield { line: rest, number: number + 1 }
}
