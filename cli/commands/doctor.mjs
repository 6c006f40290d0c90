// @ts-check
import { clockCheck } from '../clock.mjs'
import { DONE, FAILURE } from '../exit-codes.mjs'
import { fixFor } from '../fixes.mjs'
import { coloured, columns, plural, shown } from '../format.mjs'
import { admin } from '../native.mjs'
import { softOption } from '../options.mjs'

/** @typedef {import('../command.d.mts').Command} Command */
/** @typedef {import('../native.mjs').Store} Store */
/** @typedef {import('../native.mjs').Probe} Probe */
/** @typedef {{ check: string, status: 'ok' | 'warning' | 'failure', message: string, fix?: string | null }} Check */

/** The requests of the five operations. */
const REQUESTS = ['Query', 'GetItem', 'PutItem', 'DeleteItem', 'TransactWriteItems']
const ROUND_TRIPS = 5
/** Above that, the table is in another region, or the network is slow. */
const SLOW_MS = 50
/** Enough pages to see whether they carry a `ttl`; at most 1 MB. */
const SURVEYED_ROWS = 200
/** Errors that a server answers with. */
const ANSWERED = ['ErrAccessDenied', 'ErrConflict', 'ErrTableNotFound', 'ErrThrottled', 'ErrUnexpected']

export const summary = 'Checks the table, IAM permissions, clock skew and latency'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {
  key: {
    type: 'string',
    value: 'cacheKey',
    default: 'tabletheory-isr doctor',
    text: 'the key to probe, for a pkFromCacheKey that refuses some keys',
  },
  ...softOption('also checks UpdateItem, which soft invalidation needs'),
}
export const help = `
Reports ok, warning or failure for each check, and a fix for each fault:

${columns([
  ['connection', 'region, endpoint and credentials work'],
  ['table', 'the table exists and is usable'],
  ['keys', 'the table has the partition key pk and the sort key sk'],
  ['indexes', 'shown only if an index gives an attribute of the rows another type'],
  ['regions', 'shown only for a global table: one region may write'],
  ['ttl', 'TTL is on for the attribute ttl'],
  ['page ttl', `the pages among ${SURVEYED_ROWS} rows have a ttl`],
  ['each request', `its IAM permission; the check has its name: ${REQUESTS.join(', ')}, and UpdateItem with --soft`],
  ['clock', "the difference between this machine's clock and the server's"],
  ['latency', `the median of ${ROUND_TRIPS} reads`],
])}

It changes nothing: the condition of each of its writes is always false. It costs fewer than ten read units and ten write units, and a Scan of ${SURVEYED_ROWS} rows. It needs the four IAM permissions of the store. The checks of the table, its TTL and its pages also need DescribeTable, DescribeTimeToLive and Scan; without them, each is a warning.

Run it where the app runs, with the app's role. On another machine it tests the network and the clock of that machine.

With --json it prints { "ok", "checks": [{ "check", "status", "message", "fix" }] }. It exits with 1 if the status of a check is failure, and with 0 if there are only warnings.

  npx tabletheory-isr doctor --table-name isr --region eu-west-1`

/** @type {Command['run']} */
export async function run({ store, output, values }) {
  const requests = admin.settings(store).softInvalidation ? [...REQUESTS, 'UpdateItem'] : REQUESTS
  /** @type {Check[]} */
  const checks = []
  for await (const check of checked(store, String(values.key), requests)) {
    checks.push(check)
    if (!output.isJson) output.result(check, () => line(check))
  }
  const ok = checks.every(({ status }) => status !== 'failure')
  if (output.isJson) output.result({ ok, checks }, String)
  return ok ? DONE : FAILURE
}

/** @param {Store} store @param {string} key @param {string[]} requests @returns {AsyncGenerator<Check>} */
async function* checked(store, key, requests) {
  // A clock that is minutes off does not fail here: the store repeats the request with the server's time.
  const first = await attempt(admin.probe(store, key, 'Query'))
  if (first.error?.code === 'ErrInvalidArgument') throw first.error
  if (first.error !== null && !ANSWERED.includes(first.error.code)) {
    yield failure('connection', first.error)
    return
  }
  yield { check: 'connection', status: 'ok', message: first.value?.location ?? 'the server answers' }
  const table = await attempt(admin.describeTable(store))
  // Requests do not find a table that is being created.
  if (first.error?.code === 'ErrTableNotFound' && !table.value) {
    yield failure('table', first.error)
    return
  }
  yield* tableChecks(store, table)
  yield* permissionChecks(store, key, requests)
  yield* latencyChecks(store, key)
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
  const ttl = await attempt(admin.ttlAttribute(store))
  if (ttl.error !== null) yield undescribed('ttl', ttl.error)
  else yield ttlCheck(ttl.value)
  const survey = await attempt(admin.survey(store, SURVEYED_ROWS))
  if (survey.error !== null) yield undescribed('page ttl', survey.error)
  else if (survey.value !== null) yield pageTtlCheck(survey.value)
}

/** The fixes for a table that is not usable. @type {Record<string, string>} */
const fixesOfStatus = {
  DELETING: 'wait until it is deleted, and make it again from its template, or with create-table',
  INACCESSIBLE_ENCRYPTION_CREDENTIALS: 'enable the table’s KMS key, and permit DynamoDB to use it',
  ARCHIVING: 'make another table: DynamoDB archives a table whose KMS key was inaccessible for a week',
  ARCHIVED: 'make another table: DynamoDB archives a table whose KMS key was inaccessible for a week',
}

/** @param {import('../native.mjs').Description} table @returns {Generator<Check>} */
function* descriptionChecks({ status, billing, keysMatch, keys, conflictingAttributes, replicas }) {
  const isUsable = ['ACTIVE', 'UPDATING'].includes(status)
  yield isUsable
    ? { check: 'table', status: 'ok', message: `${status}, ${billing}` }
    : {
        check: 'table',
        status: 'failure',
        message: `its status is "${status}"`,
        fix: fixesOfStatus[status] ?? 'wait until its status is "ACTIVE"',
      }
  const shownKeys = keys.replace(/^HASH /, 'partition key ').replace(/, RANGE /, ', sort key ')
  yield keysMatch
    ? { check: 'keys', status: 'ok', message: shownKeys }
    : {
        check: 'keys',
        status: 'failure',
        message: `${shownKeys}; the store needs partition key pk (S), sort key sk (S)`,
        fix: 'keys cannot be changed: make another table with create-table',
      }
  if (conflictingAttributes.length > 0) {
    yield {
      check: 'indexes',
      status: 'failure',
      message: `an index declares attributes of the rows with another type: ${conflictingAttributes.join(', ')}`,
      fix: 'use a table without this index, because DynamoDB refuses rows whose types differ; remove the index only if no other app reads it',
    }
  }
  if (replicas.length > 0) {
    yield {
      check: 'regions',
      status: 'warning',
      message: `a global table, with replicas in ${replicas.join(', ')}`,
      fix: 'regenerate and invalidate pages in one region only: writers in two regions have no common order, so a lease does not hold',
    }
  }
}

/** @param {string | null} attribute @returns {Check} */
function ttlCheck(attribute) {
  if (attribute === 'ttl') return { check: 'ttl', status: 'ok', message: 'on the attribute ttl' }
  const [message, fix] =
    attribute === null
      ? ['off: the rows of expired leases stay', 'turn TTL on for the attribute ttl']
      : [
          `on "${attribute}" instead of ttl`,
          `turn TTL off for "${attribute}", wait until it is off, and turn it on for ttl; if another app needs TTL on "${attribute}", use a table of your own`,
        ]
  return { check: 'ttl', status: 'warning', message, fix: `${fix}; only the removal of old rows depends on it` }
}

/** @param {import('../admin.d.ts').TableSurvey} survey @returns {Check} */
function pageTtlCheck({ pages, pagesWithoutTtl }) {
  const check = 'page ttl'
  if (pages === 0) return { check, status: 'ok', message: 'no pages to check' }
  if (pagesWithoutTtl === 0) return { check, status: 'ok', message: `on each of ${plural(pages, 'page')}` }
  return {
    check,
    status: 'warning',
    message: `${pagesWithoutTtl} of ${plural(pages, 'page')} without a ttl: DynamoDB never deletes them`,
    fix: 'set metaTtlSeconds in the app, for example to 1209600 (14 days); a rule that deletes old HTML in S3 must be at least 7 days longer (21 days); pages get a ttl when they are rendered again',
  }
}

/** @param {Store} store @param {string} key @param {string[]} requests @returns {AsyncGenerator<Check>} */
async function* permissionChecks(store, key, requests) {
  for (const request of requests) {
    const { error } = await attempt(admin.probe(store, key, request))
    yield error === null ? { check: request, status: 'ok', message: 'allowed' } : failure(request, error)
  }
}

/** @param {Store} store @param {string} key @returns {AsyncGenerator<Check>} */
async function* latencyChecks(store, key) {
  /** @type {Probe[]} */
  const probes = []
  for (let index = 0; index < ROUND_TRIPS; index += 1) {
    const { value } = await attempt(admin.probe(store, key, 'Query'))
    if (value !== null) probes.push(value)
  }
  if (probes.length === 0) return
  yield clockCheck(probes)
  const durations = probes.map(({ durationMs }) => durationMs).sort((one, other) => one - other)
  const median = durations[Math.floor(durations.length / 2)] ?? 0
  const range = `${durations[0]?.toFixed(1)} to ${durations.at(-1)?.toFixed(1)}`
  const message = `${median.toFixed(1)} ms, the median of ${durations.length} reads (${range} ms)`
  yield median <= SLOW_MS
    ? { check: 'latency', status: 'ok', message }
    : {
        check: 'latency',
        status: 'warning',
        message,
        fix: 'run doctor where the app runs; if reads are slow there too, run the app in the table’s region',
      }
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
  fix: fixFor({ code, message }),
})

/** The store needs none of these permissions. @param {string} check @param {import('../native.mjs').StoreError} error @returns {Check} */
const undescribed = (check, error) =>
  error.code === 'ErrAccessDenied'
    ? {
        check,
        status: 'warning',
        message: 'not checked: these credentials lack the IAM permission',
        fix: 'the app does not need it; for this check, run doctor with credentials that may describe and scan the table',
      }
    : failure(check, error)

/** @param {Check} check */
function line({ check, status, message, fix }) {
  const colour = /** @type {const} */ ({ ok: 'green', warning: 'yellow', failure: 'red' })[status]
  const first = `${coloured(colour, status.padEnd(8))} ${check.padEnd(19)} ${shown(message)}`
  return fix === undefined || fix === null ? first : `${first}\n${' '.repeat(9)}→ ${fix}`
}
