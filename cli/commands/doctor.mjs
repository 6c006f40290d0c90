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
/** Where the rows of this key would be, the requests are sent. They write nothing. */
const PROBED_KEY = 'tabletheory-isr doctor'
const ROUND_TRIPS = 5
/** More than that is another region, or a slow way. */
const SLOW_MS = 50
/** Without these, nothing else can be asked. */
const UNREACHABLE = ['ErrConfig', 'ErrCredentials', 'ErrTimeout', 'ErrUnavailable', 'ErrThrottled']

export const summary = 'Checks the table, the rights, the clock and the way there'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {}
export const help = `
Says of each thing whether it is ok, a warning or a failure, and what to do about it:

  connection   region, endpoint and credentials
  table        that it is there, with the keys and the TTL that the rows need, and in one region
  rights       each request that the store sends: reads of one key, and writes under a condition that never holds
  clock        this machine's against the server's: processes that regenerate pages should agree
  round trip   the median of ${ROUND_TRIPS} reads

It changes nothing, and costs some units of capacity. It uses the store's own rights, and DescribeTable and DescribeTimeToLive where it has them. Run it
where the app runs, with its role. With --json it prints { "ok", "checks": [{ "check", "status", "message", "remedy" }] }.
Exits with 1 if anything is a failure.

  tabletheory-isr doctor --table-name isr --region eu-west-1`

/** @type {Command['run']} */
export async function run({ store, output }) {
  /** @type {Check[]} */
  const checks = []
  for await (const check of checked(store)) {
    checks.push(check)
    if (!output.isJson) console.log(line(check))
  }
  const ok = checks.every(({ status }) => status !== 'failure')
  if (output.isJson) output.result({ ok, checks }, String)
  return ok ? DONE : FAILURE
}

/** @param {Store} store @returns {AsyncGenerator<Check>} */
async function* checked(store) {
  let first = await attempt(operator.probe(store, PROBED_KEY, 'Query'))
  // A clock that is minutes off makes signatures invalid, until one answer has said what time it is.
  if (first.error?.code === 'ErrCredentials') first = await attempt(operator.probe(store, PROBED_KEY, 'Query'))
  if (first.error !== null && UNREACHABLE.includes(first.error.code)) {
    yield failure('connection', first.error)
    return
  }
  yield { check: 'connection', status: 'ok', message: first.value?.place ?? 'there is an answer' }
  if (first.error?.code === 'ErrTableNotFound') {
    yield failure('table', first.error)
    return
  }
  yield* tableChecks(store)
  yield* rightChecks(store)
  yield* wayChecks(store)
}

/** @param {Store} store @returns {AsyncGenerator<Check>} */
async function* tableChecks(store) {
  const { value: table, error } = await attempt(operator.describeTable(store))
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
function* descriptionChecks({ status, billing, hasOurKeys, keys, replicas }) {
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

/** @param {Store} store @returns {AsyncGenerator<Check>} */
async function* rightChecks(store) {
  for (const request of REQUESTS) {
    const { error } = await attempt(operator.probe(store, PROBED_KEY, request))
    yield error === null ? { check: request, status: 'ok', message: 'is let through' } : failure(request, error)
  }
}

/** @param {Store} store @returns {AsyncGenerator<Check>} */
async function* wayChecks(store) {
  /** @type {Probe[]} */
  const probes = []
  for (let index = 0; index < ROUND_TRIPS; index += 1) {
    const { value } = await attempt(operator.probe(store, PROBED_KEY, 'Query'))
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
