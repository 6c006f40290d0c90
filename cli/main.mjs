#!/usr/bin/env node
// @ts-check
// The operator's command: finds the command that is asked for, makes the store, and turns errors into exit codes.
import { parseArgs } from 'node:util'

import * as createTable from './commands/create-table.mjs'
import * as doctor from './commands/doctor.mjs'
import * as inspect from './commands/inspect.mjs'
import * as invalidate from './commands/invalidate.mjs'
import * as list from './commands/list.mjs'
import { FAILURE, USAGE } from './exit-codes.mjs'
import { commandHelp, programHelp, version } from './help.mjs'
import { createFaceTheoryIsrMetaStore } from './native.mjs'
import { classOptions, sharedOptions } from './options.mjs'
import { Output, shown } from './output.mjs'
import { remedyFor } from './remedies.mjs'

/** @typedef {import('./command.d.mts').Command} Command */

/** @type {Record<string, Command>} */
const commands = { doctor, 'create-table': createTable, inspect, list, invalidate }

/** The command line is wrong, or what it says of the store. */
class UsageError extends Error {}

/** @param {string[]} args */
async function main(args) {
  const [name = '--help', ...rest] = args
  if (['--help', '-h', 'help'].includes(name)) return console.log(programHelp(commands))
  if (['--version', '-v'].includes(name)) return console.log(version)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    throw new UsageError(`there is no command "${name}"; there are ${Object.keys(commands).join(', ')}`)
  }
  const { values, positionals } = orUsageError(() =>
    parseArgs({ args: rest, options: { ...sharedOptions, ...command.options }, allowPositionals: true }),
  )
  if (values.help === true) return console.log(commandHelp(name, command))
  if (positionals.length < command.least || positionals.length > command.most) {
    throw new UsageError(`${name} takes ${command.takes || 'no arguments'}; see "${name} --help"`)
  }
  const options = await classOptions(values).catch(refuseUsage)
  const store = orUsageError(() => createFaceTheoryIsrMetaStore(options))
  const output = new Output(values.json === true)
  process.exitCode = await command.run({ store, output, values, positionals })
}

/** @template T @param {() => T} step @returns {T} */
function orUsageError(step) {
  try {
    return step()
  } catch (error) {
    return refuseUsage(error)
  }
}

/** @param {unknown} cause @returns {never} */
function refuseUsage(cause) {
  throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
}

/** @param {any} error */
function explain(error) {
  const { code = error.cause?.code ?? null, retryable = false, message } = error
  const remedy = remedyFor(code)
  if (process.argv.includes('--json')) {
    console.error(JSON.stringify({ code, retryable, message, remedy }))
  } else {
    console.error(`tabletheory-isr: ${shown(message)}${code === null ? '' : ` (${code})`}`)
    if (remedy !== null) console.error(`  → ${remedy}`)
  }
  process.exitCode = error instanceof UsageError || code === 'ErrInvalidArgument' ? USAGE : FAILURE
}

// Whoever reads may have seen enough, as in `list | head`.
process.stdout.on('error', (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error
  process.exit()
})
await main(process.argv.slice(2)).catch(explain)
