// Random histories: four processes with three clients each use three keys, over a network that loses every fifth
// request. One table must explain all answers.
import type { IsrMetaStore, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { type History, secretAccessKey, Workload } from '../support/history/histories.js'
import { linearize } from '../support/history/linearizability.js'
import { type Call, type Entry, effectsOf, nothing, told } from '../support/history/specification.js'
import { printed } from '../support/printed.mjs'
import { makeTable } from '../support/store.js'

const seeds = Array.from({ length: 200 }, (_, index) => index + 1)
const atOnce = 10

let workload: Workload

beforeAll(async () => {
  workload = await Workload.start(await makeTable())
})
afterAll(() => workload.end())

const print = (entry: Entry): string => JSON.stringify(entry)

/** The secrets of the call that its error reveals. */
function toldSecrets({ step, outcome, exchanges }: Call): string[] {
  if (!('threw' in outcome)) return []
  const tokens = exchanges.map(({ token }) => token).filter((token) => token !== '')
  const own = step.operation === 'commitGeneration' ? [step.input.leaseToken] : []
  const text = printed(outcome.threw)
  return [secretAccessKey, ...tokens, ...own].filter((secret) => text.includes(secret))
}

/** The whole history where it does not fit: another run will not show it again. */
function explain(calls: Call[]): string {
  const verdict = linearize(calls.flatMap(effectsOf), nothing, print)
  if (verdict.linearizable) return 'linearizable'
  return [
    'no order explains this:',
    ...calls.toSorted((a, b) => a.from - b.from).map(told),
    'but this part of it, in this order:',
    ...verdict.order,
    `which leads to ${verdict.state}, and leaves`,
    ...verdict.left,
  ].join('\n')
}

test(`${seeds.length} histories are linearizable`, { timeout: 600_000 }, async () => {
  const left = seeds.toReversed()
  const histories: History[] = []
  const play = async (): Promise<void> => {
    for (let seed = left.pop(); seed !== undefined; seed = left.pop()) histories.push(await workload.play(seed))
  }
  await Promise.all(Array.from({ length: atOnce }, play))
  expect(workload.unexpectedRequests).toEqual([])

  for (const { seed, calls } of histories) {
    for (const [cacheKey, of] of calls) expect(explain(of), `seed ${seed}, key ${cacheKey}`).toBe('linearizable')
  }

  const all = histories.flatMap(({ calls }) => [...calls.values()].flat())
  expect(all.flatMap(toldSecrets)).toEqual([])
  const met = new Set(all.flatMap(kindsOf))
  expect(kinds.filter((kind) => !met.has(kind))).toEqual([])
})

/** A run that lacks one of these has not tried enough. */
const kinds = [
  'get: a record',
  'get: nothing',
  'get: ErrUnavailable',
  'tryAcquireLease: acquired',
  'tryAcquireLease: held',
  'tryAcquireLease: held, unasked',
  'tryAcquireLease: contended',
  'tryAcquireLease: ErrConflict, released',
  'tryAcquireLease: throttled first',
  'tryAcquireLease: ErrUnavailable',
  'tryAcquireLease: ErrUnavailable, released',
  'commitGeneration: done',
  'commitGeneration: ErrLeaseNotOwned',
  'commitGeneration: ErrLeaseNotOwned, unasked',
  'commitGeneration: throttled first',
  'commitGeneration: ErrUnavailable',
  'releaseLease: done',
  'releaseLease: done, unasked',
  'invalidate: done',
  'invalidate: ErrUnavailable',
]

function kindsOf({ step: { operation }, outcome, exchanges }: Call): string[] {
  const asked = exchanges.length > 0 || operation === 'get' ? '' : ', unasked'
  const isReleased = operation === 'tryAcquireLease' && exchanges.some(({ request }) => request === 'DeleteItem')
  const answer = 'threw' in outcome ? outcome.threw.code : wordFor(operation, outcome.returned)
  const kind = `${operation}: ${answer}${isReleased ? ', released' : asked}`
  const isThrottled = 'returned' in outcome && exchanges[0]?.fate === 'is throttled'
  return isThrottled ? [kind, `${operation}: throttled first`] : [kind]
}

function wordFor(operation: keyof IsrMetaStore, returned: unknown): string {
  if (operation === 'get') return returned === null ? 'nothing' : 'a record'
  if (operation !== 'tryAcquireLease') return 'done'
  const { acquired, record } = returned as TryAcquireIsrLeaseResult
  if (acquired) return 'acquired'
  return record.leaseToken === null ? 'contended' : 'held'
}
