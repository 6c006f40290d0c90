// The help texts.
// @ts-check
import { createRequire } from 'node:module'

import { sharedOptions } from './options.mjs'

/** @typedef {import('./command.d.mts').Command} Command */

export const { version } = createRequire(import.meta.url)('../package.json')

const ENVIRONMENT = `The table's name comes from --table-name, or FACETHEORY_CACHE_TABLE_NAME, APPTHEORY_CACHE_TABLE_NAME,
CACHE_TABLE_NAME, CACHE_TABLE; the endpoint from --endpoint, or AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL,
DYNAMODB_ENDPOINT; credentials from where AWS's tools have them. At a loopback endpoint neither region nor
credentials are needed.`

const EXIT_CODES = `Exit codes: 0 done; 1 a call failed, or something is wrong; 2 wrong usage; 3 nothing found.`

/** @param {Record<string, Command>} commands */
export function programHelp(commands) {
  const lines = Object.entries(commands).map(([name, { takes, summary }]) => [`${name} ${takes}`, summary])
  return `Looks after the table of @theory-cloud/tabletheory-isr: FaceTheory's ISR pages and their leases in DynamoDB.

Usage: tabletheory-isr <command> [options]

${table(lines)}

${ENVIRONMENT}

Begin with:
  tabletheory-isr doctor --table-name isr --region eu-west-1
"tabletheory-isr <command> --help" says what a command needs, costs and prints.

${EXIT_CODES}`
}

/** @param {string} name @param {Command} command */
export function commandHelp(name, { takes, summary, options, help }) {
  return `${summary}.

Usage: tabletheory-isr ${`${name} ${takes}`.trim()} [options]

${help.trim()}

Options:
${table(Object.entries({ ...options, ...sharedOptions }).map(optionLine))}

${ENVIRONMENT}

${EXIT_CODES}`
}

/** @param {[string, import('./command.d.mts').Options[string]]} option */
const optionLine = ([name, { short, value, text }]) => [
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`,
  text,
]

/** @param {string[][]} lines */
function table(lines) {
  const width = Math.max(...lines.map(([left = '']) => left.length))
  return lines.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
