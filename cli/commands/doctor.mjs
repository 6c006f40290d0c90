// @ts-check
import { clockCheck } from '../clock.mjs'
import { DONE, FAILURE } from '../exit-codes.mjs'
import { operator } from '../native.mjs'
import { coloured, shown } from '../output.mjs'
import { remedyFor } from '../remedies.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../native.mjs').Store} Store */
/** @typedef {import('../native.mjs').Probe} Probe */
/** @typedef {{ check: string, status: 'ok' | 'warning' | 'failure', message: string, remedy?: string | null }} Check */

const REQUESTS = ['Query', 'GetItem', 'PutItem', 'DeleteItem', 'TransactWriteItems']
const ROUND_TRIPS = 5
/** More than that is another region, or a slow way. */
const SLOW_MS = 50
/** An answer, if not a good one. */
const ANSWERED = ['ErrAccessDenied', 'ErrConflict', 'ErrTableNotFound', 'ErrThrottled', 'ErrUnexpected']

export const summary = 'Checks the table, the rights, the clock and the way there'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {
  key: {
    type: 'string',
    value: 'cacheKey',
    default: 'tabletheory-isr doctor',
    text: 'ask where its rows would be; for a pkFromCacheKey that does not take any key',
  },
}
export const help = `
Says of each thing whether it is ok, a warning or a failure, and what to do about it:

  connection   region, endpoint and credentials
  table        that it is there, with the keys and the TTL that the rows need, no index in their way, and in one region
  rights       each request that the store sends: reads of one key, and writes under a condition that never holds
  clock        this machine's against the server's: processes that regenerate pages should agree
  round trip   the median of ${ROUND_TRIPS} reads

It changes nothing, and costs some units of capacity. It uses the store's own rights, and DescribeTable and DescribeTimeToLive where it has them. Run it
where the app runs, with its role. With --json it prints { "ok", "checks": [{ "check", "status", "message", "remedy" }] }.
Exits with 1 if anything is a failure.

  tabletheory-isr doctor --table-name isr --region eu-west-1`

/** @type {Command['run']} */
export async function run({ store, output, values }) {
  /** @type {Check[]} */
  const checks = []
  for await (const check of checked(store, String(values.key))) {
    checks.push(check)
    if (!output.isJson) output.result(check, () => line(check))
  }
  const ok = checks.every(({ status }) => status !== 'failure')
  if (output.isJson) output.result({ ok, checks }, String)
  return ok ? DONE : FAILURE
}

/** @param {Store} store @param {string} key @returns {AsyncGenerator<Check>} */
async function* checked(store, key) {
  let first = await attempt(operator.probe(store, key, 'Query'))
  // A clock that is minutes off makes signatures invalid, until one answer has said what time it is.
  if (first.error?.code === 'ErrCredentials') first = await attempt(operator.probe(store, key, 'Query'))
  if (first.error?.code === 'ErrInvalidArgument') throw first.error
  if (first.error !== null && !ANSWERED.includes(first.error.code)) {
    yield failure('connection', first.error)
    return
  }
  yield { check: 'connection', status: 'ok', message: first.value?.place ?? 'there is an answer' }
  const table = await attempt(operator.describeTable(store))
  // A table that is being made is not there for requests.
  if (first.error?.code === 'ErrTableNotFound' && !table.value) {
    yield failure('table', first.error)
    return
  }
  yield* tableChecks(store, table)
  yield* rightChecks(store, key)
  yield* wayChecks(store, key)
}

/**
 * @param {Store} store
 * @param {{ value: import('../native.mjs').Description | null, error: import('../native.mjs').StoreError | null }} described
 * @returns {AsyncGenerator<Check>}
 */
async function* tableChecks(store, { value: table, error }) {
  if (error !== null) {
    yield undescribed('table', error)
  } else if (table !== null) {
    yield* descriptionChecks(table)
  }
  const ttl = await attempt(operator.ttlAttribute(store))
  if (ttl.error !== null) yield undescribed('ttl', ttl.error)
  else yield ttlCheck(ttl.value)
}

/** @param {import('../native.mjs').Description} table @returns {Generator<Check>} */
function* descriptionChecks({ status, billing, hasOurKeys, keys, misfits, replicas }) {
  const isUsable = ['ACTIVE', 'UPDATING'].includes(status)
  yield isUsable
    ? { check: 'table', status: 'ok', message: `${status}, ${billing}` }
    : { check: 'table', status: 'failure', message: `it is ${status}`, remedy: 'wait until it is ACTIVE' }
  yield hasOurKeys
    ? { check: 'keys', status: 'ok', message: keys }
    : {
        check: 'keys',
        status: 'failure',
        message: `${keys}; needed are HASH pk (S), RANGE sk (S)`,
        remedy: 'keys cannot be changed: make another table with create-table',
      }
  if (misfits.length > 0) {
    yield {
      check: 'indexes',
      status: 'failure',
      message: `an index has attributes of our rows with another type: ${misfits.join(', ')}`,
      remedy: 'take the index away: DynamoDB refuses rows whose types differ',
    }
  }
  if (replicas.length > 0) {
    yield {
      check: 'regions',
      status: 'warning',
      message: `a global table, with replicas in ${replicas.join(', ')}`,
      remedy: 'let processes in one region regenerate pages: writers in two have no common order, and so no lease',
    }
  }
}

/** @param {string | null} attribute @returns {Check} */
function ttlCheck(attribute) {
  if (attribute === 'ttl') return { check: 'ttl', status: 'ok', message: 'on the attribute ttl' }
  const message = attribute === null ? 'off: the rows of ended leases stay' : `on "${attribute}", and not on ttl`
  return {
    check: 'ttl',
    status: 'warning',
    message,
    remedy: 'turn TTL on for the attribute ttl; nothing else depends on it',
  }
}

/** @param {Store} store @param {string} key @returns {AsyncGenerator<Check>} */
async function* rightChecks(store, key) {
  for (const request of REQUESTS) {
    const { error } = await attempt(operator.probe(store, key, request))
    yield error === null ? { check: request, status: 'ok', message: 'is let through' } : failure(request, error)
  }
}

/** @param {Store} store @param {string} key @returns {AsyncGenerator<Check>} */
async function* wayChecks(store, key) {
  /** @type {Probe[]} */
  const probes = []
  for (let index = 0; index < ROUND_TRIPS; index += 1) {
    const { value } = await attempt(operator.probe(store, key, 'Query'))
    if (value !== null) probes.push(value)
  }
  if (probes.length === 0) return
  yield clockCheck(probes)
  const durations = probes.map(({ durationMs }) => durationMs).sort((one, other) => one - other)
  const median = durations[Math.floor(durations.length / 2)] ?? 0
  const range = `${durations[0]?.toFixed(1)} to ${durations.at(-1)?.toFixed(1)}`
  const message = `${median.toFixed(1)} ms (${range} ms, ${durations.length} reads)`
  yield median <= SLOW_MS
    ? { check: 'round trip', status: 'ok', message }
    : { check: 'round trip', status: 'warning', message, remedy: 'run the app in the table’s region' }
}

/** @template T @param {Promise<T>} promise */
const attempt = (promise) =>
  promise.then(
    (value) => ({ value, error: null }),
    (/** @type {import('../native.mjs').StoreError} */ error) => ({ value: null, error }),
  )

/** @param {string} check @param {import('../native.mjs').StoreError} error @returns {Check} */
const failure = (check, { message, code }) => ({
  check,
  status: 'failure',
  message: `${message} (${code})`,
  remedy: remedyFor(code),
})

/** Only this command needs to be allowed to look. @param {string} check @param {import('../native.mjs').StoreError} error @returns {Check} */
const undescribed = (check, error) =>
  error.code === 'ErrAccessDenied'
    ? {
        check,
        status: 'warning',
        message: 'not checked: these credentials may not describe it',
        remedy: 'none is needed: the store does not describe it',
      }
    : failure(check, error)

/** @param {Check} check */
function line({ check, status, message, remedy }) {
  const colour = /** @type {const} */ ({ ok: 'green', warning: 'yellow', failure: 'red' })[status]
  const first = `${coloured(colour, status.padEnd(8))} ${check.padEnd(19)} ${shown(message)}`
  return remedy === undefined || remedy === null ? first : `${first}\n${' '.repeat(9)}→ ${remedy}`
}
