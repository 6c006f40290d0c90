// The options that all commands share: those of the class that an operator needs, under the class's names.
// @ts-check
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { admin } from './native.mjs'

/** The options that an operator needs, with the placeholders of their values. */
const placeholders = new Map([
  ['region', 'name'],
  ['endpoint', 'url'],
  ['pkPrefix', 'text'],
  ['maxAttempts', 'n'],
  ['connectTimeoutMs', 'ms'],
  ['requestTimeoutMs', 'ms'],
  ['operationTimeoutMs', 'ms'],
])

/** @param {string} name */
const flagOf = (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const chosen = admin.classOptions().filter(({ name }) => placeholders.has(name))

/** The options that are numbers. */
const numbers = new Set(chosen.filter(({ kind }) => kind === 'number').map(({ name }) => flagOf(name)))

/** The meaning of an option, its range and its default. @param {import('./admin.d.ts').ClassOption} option */
const textOf = ({ meaning, least, most, default: value }) => {
  const range = least === null ? '' : ` From ${least} to ${most}.`
  return `${meaning}${range} Default: ${value}.`.replaceAll('`', '')
}

/** @type {import('./command.d.mts').Options} */
const storeOptions = {
  'table-name': {
    type: 'string',
    short: 't',
    value: 'name',
    text: 'Name or ARN. Default: see the environment variables below.',
  },
  ...Object.fromEntries(
    chosen.map((option) => [
      flagOf(option.name),
      /** @type {const} */ ({ type: 'string', value: placeholders.get(option.name), text: textOf(option) }),
    ]),
  ),
}

/** @type {import('./command.d.mts').Options} */
export const sharedOptions = {
  ...storeOptions,
  config: { type: 'string', value: 'file', text: 'a module whose default export has options of the class' },
  json: { type: 'boolean', text: 'prints JSON' },
  help: { type: 'boolean', short: 'h', text: 'prints this help' },
}

/** `--soft`, of the commands that have it. @param {string} text @returns {import('./command.d.mts').Options} */
export const softOption = (text) => ({ soft: { type: 'boolean', text } })

/**
 * The class's options, from a module and from the command line, which overrides it.
 * @param {import('./command.d.mts').Values} values
 * @returns {Promise<import('../index.js').FaceTheoryIsrMetaStoreConfig>}
 */
export async function classOptions(values) {
  const configured = typeof values.config === 'string' ? await defaultOf(values.config) : {}
  const given = Object.keys(storeOptions).filter((name) => values[name] !== undefined)
  return {
    ...configured,
    ...Object.fromEntries(given.map((name) => [camelCase(name), classValue(name, values[name])])),
    ...(values.soft === true ? { softInvalidation: true } : {}),
  }
}

/**
 * A message of the class, with flags in the place of its options' names. Quoted text is left alone.
 * @param {string} message
 * @param {(flag: string) => boolean} isFlag Whether the option was given, or can be given, on the command line.
 */
export function inFlags(message, isFlag = () => true) {
  const names = Object.keys(storeOptions).filter(isFlag)
  const flags = new Map(names.map((name) => [camelCase(name), `--${name}`]))
  const flag = (/** @type {string} */ found, /** @type {string} */ name) => flags.get(name) ?? found
  return message
    .replace(/^no table name: pass one,/, 'no table name: pass --table-name,')
    .replaceAll(/\boptions?(?:\.|\s+)"?(\w+)"?/g, flag)
    .split(/("(?:[^"\\]|\\.)*")/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/(?<![-\w])([a-z]+[A-Z]\w*)\b/g, flag)))
    .join('')
    .replace(/^(region|endpoint)\b(?= must)/, flag)
}

/** @param {string} file */
async function defaultOf(file) {
  const { default: options } = await import(pathToFileURL(resolve(file)).href)
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`--config "${file}": its default export is not an object of options`)
  return options
}

/** @param {string} name @param {unknown} value */
const classValue = (name, value) => (numbers.has(name) ? Number(value) : value)

/** @param {string} name */
const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
