// The output of the play: for each act a table of requests, the renders, and the expectations.
import { styleText } from 'node:util'

/** @typedef {import('./processes.mjs').Answer} Answer */
/** @typedef {import('./origin.mjs').Render} Render */

const columns = ['requests', 'process', 'state', 'generation', 'ms (min / median / max)']
const states = ['miss', 'wait-hit', 'hit', 'stale', 'error', 'cut off']
// hasColors reads NO_COLOR and FORCE_COLOR.
const colours = process.stdout.isTTY && process.stdout.hasColors()

/** @param {Parameters<typeof styleText>[0]} style @param {string} text */
const styled = (style, text) => (colours ? styleText(style, text) : text)

export function createReport() {
  const startedAt = performance.now()
  let acts = 0
  let requests = 0
  let renders = 0
  let held = 0
  /** @type {string[]} */
  const failures = []

  return {
    /** @param {string} title @param {string} plot */
    act(title, plot) {
      acts += 1
      console.log(`\n${styled('bold', `Act ${acts}: ${title}`)}\n${plot}\n`)
    },

    /**
     * Requests of one phase with the same outcome are one row.
     *
     * @param {Record<string, Answer[]>} phases In the order of time; the names are shown where there are several.
     * @param {Render[]} rendered
     */
    requests(phases, rendered) {
      const all = Object.values(phases).flat()
      requests += all.length
      renders += rendered.length
      const groups = Object.entries(phases).map(([phase, answers]) => ({ phase, rows: groupAlike(answers).map(row) }))
      const lines = alignColumns([columns, ...groups.flatMap(({ rows }) => rows)])
      console.log(styled('dim', lines.shift() ?? ''))
      for (const { phase, rows } of groups) {
        if (groups.length > 1) console.log(styled('dim', `  ${phase}:`))
        for (const line of lines.splice(0, rows.length)) console.log(line)
      }
      console.log(`  renders: ${rendered.map(describeRender).join('; ') || 'none'}\n`)
    },

    /** @param {string} expectation @param {boolean} holds @param {string} [found] The value that was found instead. */
    expect(expectation, holds, found) {
      if (holds) {
        held += 1
        console.log(`  ${styled('green', 'ok')}      ${expectation}`)
      } else {
        failures.push(`act ${acts}: ${expectation}`)
        console.log(`  ${styled('red', 'FAILED')}  ${expectation}${found ? ` (${found})` : ''}`)
      }
    },

    /** @returns {boolean} Whether every expectation held. */
    summary() {
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      const total = held + failures.length
      const verdict = failures.length === 0 ? styled('green', 'all held') : styled('red', `${failures.length} FAILED`)
      console.log(`\n${requests} requests, ${renders} renders, ${seconds} s. ${total} expectations: ${verdict}`)
      for (const failure of failures) console.log(`  ${failure}`)
      return failures.length === 0
    },
  }
}

/** @typedef {ReturnType<typeof createReport>} Report */

/**
 * Groups requests with the same outcome, winner first.
 *
 * @template {Omit<Answer, 'html'>} Row
 * @param {Row[]} answers
 */
export function groupAlike(answers) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map()
  for (const answer of answers) {
    const key = `${states.indexOf(answer.state)} ${answer.process} ${answer.generation}`
    groups.set(key, [...(groups.get(key) ?? []), answer])
  }
  return [...groups.keys()].sort().map((key) => groups.get(key) ?? [])
}

/** @param {Answer[]} group */
function row(group) {
  const { process, state, generation } = /** @type {Answer} */ (group[0])
  return [`${group.length}`, process, state, `${generation ?? '–'}`, spread(group.map(({ ms }) => ms))]
}

/** @param {number[]} values */
function spread(values) {
  const sorted = values.toSorted((left, right) => left - right)
  const [min, median, max] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)]
  return sorted.length === 1 ? `${min}` : `${min} / ${median} / ${max}`
}

/** The first column is a count and stands to the right. @param {string[][]} rows */
function alignColumns(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}

/** @param {Render} render */
const describeRender = ({ process, outcome, generation }) =>
  outcome === 'delivered' ? `generation ${generation} by ${process}` : `${outcome} at ${process}`
