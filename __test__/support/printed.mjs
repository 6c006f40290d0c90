import { inspect } from 'node:util'

/**
 * Returns everything that a logger could print of a value.
 *
 * @param {unknown} value
 * @returns {string}
 */
export const printed = (value) =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })
