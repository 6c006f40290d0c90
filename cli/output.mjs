// Prints results and errors: text for people, with colours on a terminal, or JSON for machines.
// @ts-check
import { fixFor } from './fixes.mjs'
import { shown } from './format.mjs'
import { inFlags } from './options.mjs'
import { UsageError } from './usage-error.mjs'

export class Output {
  /** The reader has closed the pipe, as in `list | head`. */
  isClosed = false
  /** The output could not be written. */
  isBroken = false

  /** @param {boolean} isJson */
  constructor(isJson) {
    this.isJson = isJson
    process.stdout.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code !== 'EPIPE' && !this.isBroken) {
        this.isBroken = true
        this.error(error)
      }
      this.isClosed = true
    })
    process.stderr.on('error', () => {})
  }

  /**
   * One result: an object for machines, or lines for people.
   * @param {object} result
   * @param {() => string} text
   */
  result(result, text) {
    if (!this.isClosed) console.log(this.isJson ? json(result) : text())
  }

  /**
   * Progress, on a terminal.
   * @param {string} text
   */
  progress(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  }

  /** Remarks beside the results, for people.
   * @param {string} text */
  note(text) {
    this.progress('')
    if (!this.isJson) console.error(text)
  }

  /** The reason why the command failed, and the fix.
   * @param {any} error */
  error(error) {
    this.progress('')
    const { retryable = false } = error ?? {}
    const text = String(error?.message ?? error)
    const message = error instanceof UsageError ? text : inFlags(text)
    const code = [error?.code, error?.cause?.code].find((code) => typeof code === 'string') ?? null
    const fix = fixFor({ code, message })
    if (this.isJson) {
      console.error(json({ code, retryable, message, fix }))
      return
    }
    console.error(`tabletheory-isr: ${shown(message.replaceAll('\n', ' '))}${code === null ? '' : ` (${code})`}`)
    if (fix !== null) console.error(`  → ${fix}`)
  }

  /** Resolves when all output has been written, or cannot be. */
  async flushed() {
    for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
  }
}

/** JSON without characters that a terminal would obey. @param {object} value */
const json = (value) =>
  JSON.stringify(value).replace(/\p{C}/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
