#!/usr/bin/env node
// The operator's command: makes the store, runs the command, and turns errors into exit codes.
// @ts-check
import { read } from './command-line.mjs'
import * as createTable from './commands/create-table.mjs'
import * as doctor from './commands/doctor.mjs'
import * as inspect from './commands/inspect.mjs'
import * as invalidate from './commands/invalidate.mjs'
import * as list from './commands/list.mjs'
import { DONE, FAILURE, USAGE } from './exit-codes.mjs'
import { createFaceTheoryIsrMetaStore } from './native.mjs'
import { classOptions, inFlags } from './options.mjs'
import { Output } from './output.mjs'
import { UsageError } from './usage-error.mjs'

/** @type {Record<string, import('./command.d.mts').Command>} */
const commands = { doctor, 'create-table': createTable, inspect, list, invalidate }

/**
 * Resolves to the exit code.
 * @param {string[]} args
 * @param {Output} output
 */
async function main(args, output) {
  const call = read(args, commands)
  if (typeof call === 'string') {
    console.log(call)
    return DONE
  }
  const { command, values, positionals, isLiteral } = call
  output.isJson = values.json === true
  const store = await storeFor(values)
  return command.run({ store, output, values, positionals, isLiteral })
}

/** @param {import('./command.d.mts').Values} values */
async function storeFor(values) {
  try {
    return createFaceTheoryIsrMetaStore(await classOptions(values))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const isFlag = (/** @type {string} */ name) => values.config === undefined || values[name] !== undefined
    throw new UsageError(inFlags(message, isFlag), { cause })
  }
}

const args = process.argv.slice(2)
const end = args.indexOf('--')
// Until the command line is read.
const output = new Output(args.slice(0, end < 0 ? args.length : end).includes('--json'))
const code = await main(args, output).catch((error) => {
  output.error(error)
  return error instanceof UsageError || error.code === 'ErrInvalidArgument' ? USAGE : FAILURE
})
await output.flushed()
// A module of options may have timers or connections that keep the process alive.
process.exit(output.isBroken ? FAILURE : code)
