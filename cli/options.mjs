// The options that all commands share: those of the class that matter to an operator, under the class's names.
// @ts-check
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** @type {import('./command.d.mts').Options} */
const storeOptions = {
  'table-name': {
    type: 'string',
    short: 't',
    value: 'name',
    text: 'name or ARN; else the first of the variables below',
  },
  region: { type: 'string', value: 'name', text: 'else AWS_REGION, AWS_DEFAULT_REGION, the profile' },
  endpoint: { type: 'string', value: 'url', text: 'DynamoDB Local, or a VPC endpoint' },
  'pk-prefix': { type: 'string', value: 'text', text: 'what the app puts before cache keys (default: CACHE#)' },
  'max-attempts': { type: 'string', value: 'n', text: 'for each request, 1 to 10 (default: 3)' },
  'connect-timeout-ms': { type: 'string', value: 'ms', text: 'default: 1000' },
  'request-timeout-ms': { type: 'string', value: 'ms', text: 'default: 1000' },
  'operation-timeout-ms': { type: 'string', value: 'ms', text: 'default: 3000' },
}

/** @type {import('./command.d.mts').Options} */
export const sharedOptions = {
  ...storeOptions,
  config: { type: 'string', value: 'file', text: 'a module that exports options of the class as its default' },
  json: { type: 'boolean', text: 'for machines' },
  help: { type: 'boolean', short: 'h', text: 'this text' },
}

/**
 * The class's options, from a module and from the command line, which wins.
 * @param {import('./command.d.mts').Values} values
 * @returns {Promise<import('../index.js').FaceTheoryIsrMetaStoreConfig>}
 */
export async function classOptions(values) {
  const configured = typeof values.config === 'string' ? await defaultOf(values.config) : {}
  const given = Object.keys(storeOptions).filter((name) => values[name] !== undefined)
  return {
    ...configured,
    ...Object.fromEntries(given.map((name) => [camelCase(name), classValue(name, values[name])])),
  }
}

/** @param {string} file */
async function defaultOf(file) {
  const { default: options } = await import(pathToFileURL(resolve(file)).href)
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${file} has no options as its default export`)
  return options
}

/** @param {string} name @param {unknown} value */
const classValue = (name, value) => (name === 'max-attempts' || name.endsWith('-ms') ? Number(value) : value)

/** @param {string} name */
const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
