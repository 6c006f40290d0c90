// The help texts.
// @ts-check
import { createRequire } from 'node:module'

import { columns, wrapped } from './format.mjs'
import { sharedOptions } from './options.mjs'

/** @typedef {import('./command.d.mts').Command} Command */

export const { version } = createRequire(import.meta.url)('../package.json')

const ENVIRONMENT = `Environment variables: the table's name comes from --table-name, or the first of FACETHEORY_CACHE_TABLE_NAME, APPTHEORY_CACHE_TABLE_NAME, CACHE_TABLE_NAME and CACHE_TABLE. The region comes from --region, the table's ARN, AWS_REGION, AWS_DEFAULT_REGION or the profile. The endpoint comes from --endpoint, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, DYNAMODB_ENDPOINT or the profile. Credentials come from the standard AWS chain; AWS_PROFILE selects a profile. A loopback endpoint needs neither region nor credentials.`

const EXIT_CODES =
  'Exit codes: 0 done; 1 a call failed, doctor found a failure, or invalidate --prefix was stopped or not confirmed; 2 wrong usage or input, and no request was sent; 3 inspect found neither row of the key.'

/** @param {Record<string, Command>} commands */
export function programHelp(commands) {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary])
  return wrapped(`Inspects and maintains the table of @theory-cloud/tabletheory-isr: FaceTheory's ISR pages and their leases in DynamoDB.

Usage: tabletheory-isr <command> [options]

${columns(rows)}

${ENVIRONMENT}

Run it with npx in the folder of an app that has the package installed. In any other folder, use "npx @theory-cloud/tabletheory-isr".

Begin with:

  npx tabletheory-isr doctor --table-name isr --region eu-west-1

"npx tabletheory-isr help <command>" shows the IAM permissions, the cost and the output of a command.

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
