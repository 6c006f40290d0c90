import { inspect } from 'node:util'

/**
 * Everything of a value that a logger could print.
 *
 * @param {unknown} value
 * @returns {string}
 */
export const printed = (value) =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })
