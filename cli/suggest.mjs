// "Did you mean": the nearest name, and words from other tools.
// @ts-check

/** Options of other tools. @type {Record<string, string>} */
const options = {
  table: '--table-name',
  url: '--endpoint',
  'endpoint-url': '--endpoint',
  force: '--yes',
  output: '--json',
  format: '--json',
  starts: '--prefix',
  'starts-with': '--prefix',
  n: '--limit',
  'max-items': '--limit',
  profile: 'the environment variable AWS_PROFILE',
  'access-key-id': 'the environment variable AWS_ACCESS_KEY_ID',
}

/** Commands of other tools. @type {Record<string, string>} */
const commands = {
  check: 'doctor',
  create: 'create-table',
  init: 'create-table',
  get: 'inspect',
  show: 'inspect',
  ls: 'list',
  scan: 'list',
  clear: 'invalidate',
  delete: 'invalidate',
  purge: 'invalidate',
  rm: 'invalidate',
}

/** @param {string} name Without hyphens. @param {string[]} known */
export function didYouMeanOption(name, known) {
  const alias = Object.hasOwn(options, name) ? options[name] : undefined
  // An option of another command is not an answer.
  if (alias !== undefined && (!alias.startsWith('--') || known.includes(alias.slice(2))))
    return `did you mean ${alias.startsWith('--') ? `"${alias}"` : alias}?`
  return question(nearest(name, known), '--')
}

/** @param {string} name @param {string[]} known */
export const didYouMeanCommand = (name, known) =>
  question(Object.hasOwn(commands, name) ? commands[name] : nearest(name, known))

/** @param {string | undefined} name */
const question = (name, prefix = '') => (name === undefined ? null : `did you mean "${prefix}${name}"?`)

/** @param {string} word @param {string[]} known */
function nearest(word, known) {
  const plain = (/** @type {string} */ name) => name.toLowerCase().replaceAll(/[-_]/g, '')
  const wanted = plain(word)
  if (wanted === '') return undefined
  const [best] = known
    .map((name) => ({ name, distance: plain(name).startsWith(wanted) ? 0.5 : editDistance(wanted, plain(name)) }))
    .sort((one, other) => one.distance - other.distance)
  return best !== undefined && best.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? best.name : undefined
}

/** Insertions, deletions, replacements and swaps of neighbours. @param {string} one @param {string} other */
function editDistance(one, other) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)]
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= one.length; row += 1) {
    rows[row] = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const cost = one[row - 1] === other[column - 1] ? 0 : 1
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      const choices = [at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + cost]
      if (isSwap) choices.push(at(row - 2, column - 2) + 1)
      rows[row]?.push(Math.min(...choices))
    }
  }
  return at(one.length, other.length)
}
