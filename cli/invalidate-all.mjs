// `invalidate --prefix`: asks, scans, and shows progress.
// @ts-check
import { createInterface } from 'node:readline/promises'

import { DONE, FAILURE } from './exit-codes.mjs'
import { bar, duration, plural, shown } from './format.mjs'
import { admin, invalidatePrefix } from './native.mjs'
import { UsageError } from './usage-error.mjs'

/** @typedef {import('../admin/index.d.ts').InvalidatePrefixProgress} Progress */

/**
 * @param {import('./native.mjs').Store} store
 * @param {import('./output.mjs').Output} output
 * @param {import('./command.d.mts').Values} values
 * @param {string} prefix
 */
export async function invalidateAll(store, output, values, prefix) {
  const { tableName } = admin.settings(store)
  const isDryRun = values['dry-run'] === true
  const isInteractive = process.stdin.isTTY === true && process.stderr.isTTY === true && !output.isJson
  if (!isDryRun && values.yes !== true && !isInteractive) {
    throw new UsageError('invalidate --prefix asks before it begins, which needs a terminal; pass --yes or --dry-run')
  }
  const position = typeof values.position === 'string' ? values.position : null
  const rate = values['units-per-second']
  const options = { position, ...(rate === undefined ? {} : { unitsPerSecond: Number(rate) }) }
  const stop = new AbortController()
  process.on('SIGINT', () => stop.abort())

  /** @param {boolean} dryRun @param {number | null} total */
  const sweep = async (dryRun, total) => {
    const begun = Date.now()
    /** @type {Progress | null} */
    let last = null
    const onProgress = (/** @type {Progress} */ progress) => {
      last = progress
      output.progress(line(progress, total, begun))
    }
    try {
      return await invalidatePrefix(store, prefix, { ...options, dryRun, signal: stop.signal, onProgress })
    } catch (error) {
      if (last !== null && !dryRun) stoppedAt(output, last)
      throw error
    }
  }

  /** @type {number | null} */
  let total = null
  if (!isDryRun && values.yes !== true) {
    const counted = await sweep(true, null)
    output.progress('')
    // Nothing is invalidated yet, so the position of the count is not where to continue.
    if (!counted.done) return stoppedAt(output, { ...counted, position })
    total = counted.pages
    if (total > 0 && !(await confirmed(`Invalidate ${plural(total, 'page')} in the table "${tableName}"? [y/N] `))) {
      output.note('nothing was changed')
      return FAILURE
    }
  }
  const result = await sweep(isDryRun, total)
  if (output.isJson) output.result(result, String)
  if (!result.done) return stoppedAt(output, result)
  const skipped =
    result.skipped === 0 ? '' : `, ${result.skipped} skipped: pages of other stores, or rows without a cache key`
  const done = isDryRun ? `${plural(result.pages, 'page')} found` : `${result.invalidated} invalidated`
  output.note(`${done}${skipped}; ${plural(result.rows, 'row')} read, ${plural(Math.ceil(result.units), 'unit')}`)
  return DONE
}

/** @param {Progress} progress @param {number | null} total @param {number} begun */
function line({ pages, invalidated, rows }, total, begun) {
  if (total === null || total === 0) return `${plural(pages, 'page')} in ${plural(rows, 'row')}`
  const left =
    invalidated === 0 ? '' : `, ${duration(((Date.now() - begun) / invalidated) * (total - invalidated))} left`
  return `${bar(invalidated, total)} ${invalidated} of ${plural(total, 'page')}${left}`
}

/** @param {string} question */
async function confirmed(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim())
  } finally {
    terminal.close()
  }
}

/** @param {import('./output.mjs').Output} output @param {Progress} progress */
function stoppedAt(output, { invalidated, position }) {
  const from = position === null ? 'run the command again' : `continue with --position ${shown(position)}`
  output.note(`stopped: ${invalidated} invalidated; ${from}`)
  return FAILURE
}
