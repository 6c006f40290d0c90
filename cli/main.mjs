#!/usr/bin/env node
// The operator's command: finds the command that is asked for, makes the store, and turns errors into exit codes.
// @ts-check
import { parseArgs } from 'node:util'

import * as createTable from './commands/create-table.mjs'
import * as doctor from './commands/doctor.mjs'
import * as inspect from './commands/inspect.mjs'
import * as invalidate from './commands/invalidate.mjs'
import * as list from './commands/list.mjs'
import { DONE, FAILURE, USAGE } from './exit-codes.mjs'
import { commandHelp, programHelp, version } from './help.mjs'
import { createFaceTheoryIsrMetaStore } from './native.mjs'
import { classOptions, sharedOptions } from './options.mjs'
import { Output } from './output.mjs'

/** @typedef {import('./command.d.mts').Command} Command */

/** @type {Record<string, Command>} */
const commands = { doctor, 'create-table': createTable, inspect, list, invalidate }

/** The command line is wrong, or what it says of the store. */
class UsageError extends Error {}

/**
 * Resolves to the exit code.
 * @param {string[]} args
 * @param {Output} output
 */
async function main(args, output) {
  const [name = '--help', ...rest] = args
  if (['--help', '-h', 'help'].includes(name)) return print(programHelp(commands))
  if (['--version', '-v'].includes(name)) return print(version)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    throw new UsageError(`"${name}" is no command; the first word is one of ${Object.keys(commands).join(', ')}`)
  }
  const { values, positionals, tokens } = orUsageError(() =>
    parseArgs({
      args: rest,
      options: { ...sharedOptions, ...command.options },
      allowPositionals: true,
      tokens: true,
    }),
  )
  output.isJson = values.json === true
  if (values.help === true) return print(commandHelp(name, command))
  if (positionals.length < command.least || positionals.length > command.most) {
    throw new UsageError(`${name} takes ${command.takes || 'no arguments'}; see "${name} --help"`)
  }
  const options = await classOptions(values).catch(refuseUsage)
  const store = orUsageError(() => createFaceTheoryIsrMetaStore(options))
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? rest.length
  // After "--", "-" is an argument like others.
  const isLiteral = tokens.flatMap(({ kind, index }) => (kind === 'positional' ? [index > end] : []))
  return command.run({ store, options, output, values, positionals, isLiteral })
}

/** @param {string} text */
function print(text) {
  console.log(text)
  return DONE
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

const args = process.argv.slice(2)
const end = args.indexOf('--')
// Until the command line is understood.
const output = new Output(args.slice(0, end < 0 ? args.length : end).includes('--json'))
const code = await main(args, output).catch((error) => {
  output.error(error)
  return error instanceof UsageError || error.code === 'ErrInvalidArgument' ? USAGE : FAILURE
})
await output.flushed()
// Not by itself: a module of options may have timers or connections of its own.
process.exit(output.isBroken ? FAILURE : code)
