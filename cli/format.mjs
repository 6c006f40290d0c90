// Text for people: plurals, durations, times, colours, and lines that fit a terminal.
// @ts-check
import * as util from 'node:util'

/** @typedef {'green' | 'yellow' | 'red' | 'dim'} Colour */

/** The narrowest terminal in use. */
const WIDTH = 80

/** @param {Colour} colour @param {string} text */
export function coloured(colour, text) {
  // `hasColors` heeds NO_COLOR. The first versions of Node.js 20 have no `styleText`, or one that ignores NO_COLOR.
  const isWanted = process.stdout.isTTY === true && process.stdout.hasColors() && util.styleText !== undefined
  return isWanted ? util.styleText(colour, text) : text
}

/**
 * Text from the table, such as a cache key made from an address: a terminal shows its control characters and does not
 * obey them.
 * @param {string} text
 */
export const shown = (text) => text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/** "1 page", "2 pages". @param {number} count @param {string} noun */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1_000
  if (seconds < 1) return `${Math.round(Math.abs(milliseconds))} ms`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return seconds < 1e10 ? `${Math.round(seconds / 86_400)} days` : 'centuries'
}

/** A time, and its distance from now.
 * @param {number} milliseconds Since the epoch.
 * @param {number} now */
export function moment(milliseconds, now) {
  const date = new Date(milliseconds)
  const time = Number.isNaN(date.getTime()) ? `${milliseconds} ms after 1970` : date.toISOString()
  return `${time} (${milliseconds <= now ? `${duration(now - milliseconds)} ago` : `in ${duration(milliseconds - now)}`})`
}

/** How much is done, as a bar. @param {number} done @param {number} total */
export function bar(done, total) {
  const filled = total === 0 ? 0 : Math.min(20, Math.round((done / total) * 20))
  return `[${'#'.repeat(filled)}${'.'.repeat(20 - filled)}]`
}

/**
 * Paragraphs, broken into lines. Lines that begin with a space are examples or columns, and stay as they are.
 * @param {string} text
 */
export const wrapped = (text) =>
  text
    .split('\n\n')
    .map((paragraph) => (/^\s/.test(paragraph) ? paragraph : lines(paragraph.replaceAll('\n', ' '), WIDTH).join('\n')))
    .join('\n\n')

/** Rows of a term and its text, in two columns. @param {string[][]} rows @param {number} [widest] Of the first column. */
export function columns(rows, widest = 31) {
  const width = Math.min(widest, Math.max(...rows.map(([term = '']) => term.length)))
  return rows
    .flatMap(([term = '', text = '']) => {
      const right = lines(text, WIDTH - width - 4)
      // A term that is too long has a line of its own.
      const [first, rest] = term.length > width ? ['', right] : [right[0], right.slice(1)]
      return [`  ${term.padEnd(width)}  ${first}`.trimEnd(), ...rest.map((line) => `${' '.repeat(width + 4)}${line}`)]
    })
    .join('\n')
}

/** @param {string} text @param {number} width */
function lines(text, width) {
  /** @type {string[]} */
  const all = ['']
  for (const word of text.split(' ')) {
    const line = all.at(-1) ?? ''
    if (line === '') all[all.length - 1] = word
    else if (line.length + 1 + word.length <= width) all[all.length - 1] = `${line} ${word}`
    else all.push(word)
  }
  return all
}
