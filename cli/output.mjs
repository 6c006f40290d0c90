// What is printed: text for people, with colours on a terminal, or JSON for machines.
// @ts-check
import * as util from 'node:util'

import { remedyFor } from './remedies.mjs'

/** @typedef {'green' | 'yellow' | 'red' | 'dim'} Colour */

export class Output {
  /** Whoever reads has seen enough, as in `list | head`. */
  isClosed = false
  /** What was to be read cannot be written. */
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
   * How far it is, for people who wait.
   * @param {string} text
   */
  progress(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  }

  /** What is said beside the results.
   * @param {string} text */
  note(text) {
    this.progress('')
    if (!this.isJson) console.error(text)
  }

  /** Why nothing came of it.
   * @param {any} error */
  error(error) {
    this.progress('')
    const { retryable = false, message = String(error) } = error ?? {}
    const code = [error?.code, error?.cause?.code].find((code) => typeof code === 'string') ?? null
    const remedy = remedyFor(code)
    if (this.isJson) {
      console.error(json({ code, retryable, message, remedy }))
      return
    }
    console.error(`tabletheory-isr: ${shown(message.replaceAll('\n', ' '))}${code === null ? '' : ` (${code})`}`)
    if (remedy !== null) console.error(`  → ${remedy}`)
  }

  /** Resolves when all that was printed has gone out, or cannot. */
  async flushed() {
    for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
  }
}

/** JSON in which no character is obeyed by a terminal. @param {object} value */
const json = (value) =>
  JSON.stringify(value).replace(/\p{C}/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

/** @param {Colour} colour @param {string} text */
export function coloured(colour, text) {
  // `hasColors` heeds NO_COLOR. The first versions of Node.js 20 have no `styleText`, or one that does not.
  const isWanted = process.stdout.isTTY === true && process.stdout.hasColors() && util.styleText !== undefined
  return isWanted ? util.styleText(colour, text) : text
}

/**
 * Text of others, such as a cache key that was made of an address: shown, and not obeyed by the terminal.
 * @param {string} text
 */
export const shown = (text) => text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1_000
  if (seconds < 1) return `${Math.round(Math.abs(milliseconds))} ms`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return seconds < 1e10 ? `${Math.round(seconds / 86_400)} days` : 'centuries'
}

/** A time, and how far it is from now.
 * @param {number} milliseconds Since the epoch.
 * @param {number} now */
export function moment(milliseconds, now) {
  const date = new Date(milliseconds)
  const time = Number.isNaN(date.getTime()) ? `${milliseconds} ms after 1970` : date.toISOString()
  return `${time} (${milliseconds <= now ? `${duration(now - milliseconds)} ago` : `in ${duration(milliseconds - now)}`})`
}
