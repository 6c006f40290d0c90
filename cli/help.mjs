// The help texts.
// @ts-check
import { createRequire } from 'node:module'

import { columns, wrapped } from './format.mjs'
import { sharedOptions } from './options.mjs'

/** @typedef {import('./command.d.mts').Command} Command */

export const { version } = createRequire(import.meta.url)('../package.json')

const ENVIRONMENT = `Environment: the table's name comes from --table-name, or the first of FACETHEORY_CACHE_TABLE_NAME, APPTHEORY_CACHE_TABLE_NAME, CACHE_TABLE_NAME and CACHE_TABLE. The endpoint comes from --endpoint, or AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL or DYNAMODB_ENDPOINT. Credentials come from the standard AWS chain. A loopback endpoint needs neither region nor credentials.`

const EXIT_CODES =
  'Exit codes: 0 done; 1 a call failed, or a check did; 2 wrong usage, and no request was sent; 3 not found.'

/** @param {Record<string, Command>} commands */
export function programHelp(commands) {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary])
  return wrapped(`Inspects and maintains the table of @theory-cloud/tabletheory-isr: FaceTheory's ISR pages and their leases in DynamoDB.

Usage: tabletheory-isr <command> [options]

${columns(rows)}

${ENVIRONMENT}

Begin with:

  tabletheory-isr doctor --table-name isr --region eu-west-1

"tabletheory-isr help <command>" shows the IAM permissions, the cost and the output of a command.

${EXIT_CODES}`)
}

/** @param {string} name @param {Command} command */
export function commandHelp(name, { takes, summary, options, help }) {
  return wrapped(`${summary}.

Usage: tabletheory-isr ${`${name} ${takes}`.trim()} [options]

${help.trim()}

Options:

${columns(Object.entries({ ...options, ...sharedOptions }).map(optionRow))}

${ENVIRONMENT}

${EXIT_CODES}`)
}

/** @param {[string, import('./command.d.mts').Options[string]]} option */
const optionRow = ([name, { short, value, text }]) => [
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`,
  text,
]
