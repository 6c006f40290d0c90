// Reads the command line: a command with its options and arguments, or a text to print.
// @ts-check
import { parseArgs } from 'node:util'

import { commandHelp, programHelp, version } from './help.mjs'
import { sharedOptions } from './options.mjs'
import { didYouMeanCommand, didYouMeanOption } from './suggest.mjs'
import { UsageError } from './usage-error.mjs'

/** @typedef {import('./command.d.mts').Command} Command */
/** @typedef {import('./command.d.mts').Values} Values */
/** @typedef {{ name: string, command: Command, values: Values, positionals: string[], isLiteral: boolean[] }} Call */

/**
 * @param {string[]} args
 * @param {Record<string, Command>} commands
 * @returns {string | Call}
 */
export function read(args, commands) {
  const [name = '--help', ...rest] = args
  if (['--version', '-v'].includes(name)) return version
  if (['--help', '-h'].includes(name)) return programHelp(commands)
  if (name === 'help') {
    const [topic] = rest
    return topic === undefined ? programHelp(commands) : commandHelp(topic, commandOf(topic, commands))
  }
  const command = commandOf(name, commands)
  const { values, positionals, tokens } = parsed(name, rest, { ...sharedOptions, ...command.options })
  if (values.help === true) return commandHelp(name, command)
  if (positionals.length < command.least || positionals.length > command.most) {
    throw new UsageError(`${name} takes ${command.takes || 'no arguments'}; see "${name} --help"`)
  }
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? rest.length
  const isLiteral = tokens.flatMap(({ kind, index }) => (kind === 'positional' ? [index > end] : []))
  return { name, command, values, positionals, isLiteral }
}

/** @param {string} name @param {Record<string, Command>} commands */
function commandOf(name, commands) {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) return command
  const known = Object.keys(commands)
  const hint = didYouMeanCommand(name, known) ?? `the commands are ${known.join(', ')}`
  throw new UsageError(`unknown command "${name}"; ${hint}`)
}

/** @param {string} name @param {string[]} args @param {import('./command.d.mts').Options} options */
function parsed(name, args, options) {
  const config = /** @type {const} */ ({ allowPositionals: true, tokens: true })
  // `parseArgs` names an unknown option, but does not say which one is near.
  const { tokens } = parseArgs({ args, options, strict: false, ...config })
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(options, token.name)) continue
    const hint = didYouMeanOption(token.name, Object.keys(options)) ?? `see "${name} --help"`
    throw new UsageError(`unknown option "${token.rawName}"; ${hint}`)
  }
  try {
    return parseArgs({ args, options, ...config })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
