// Two concurrent operations on one cache key, and every outcome that the model allows.
import type { IsrMetaRecord, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'

import { ModelStore, type Page, recordAtAcquire } from './model-store.js'
import {
  acquire,
  type Bench,
  commit,
  get,
  invalidate,
  perform,
  published,
  type Result,
  release,
  type Step,
  Tokens,
  t0,
} from './steps.js'

type Pair<T> = readonly [T, T]

/** The states in which a race starts: `a` holds a lease with the token `mine`. */
export const starts: { on: string; start: Step[] }[] = [
  { on: 'a leased key', start: [acquire('a', 'mine')] },
  { on: 'a leased key with a page', start: [...published, acquire('a', 'mine')] },
]

/** The operations that race. Each gets its place, first or second, so that it can race itself. */
const racers: Record<string, (place: 'first' | 'second') => Step> = {
  get: () => get(),
  invalidate: () => invalidate(),
  'an acquire while the lease is held': (place) => acquire(`late ${place}`, `late ${place}`, { nowMs: t0 + 4_999 }),
  'a take-over': (place) => acquire(`next ${place}`, `next ${place}`, { nowMs: t0 + 5_000 }),
  'an acquire by the owner': (place) => acquire('a', `again ${place}`, { leaseDurationMs: 1_000 }),
  commit: (place) => commit('a', 'mine', { htmlPointer: place, revalidateSeconds: 0 }),
  'a commit without the token': (place) => commit('a', `again ${place}`, { htmlPointer: place }),
  release: () => release('a', 'mine'),
}

/** Every pair of racers in both orders, and every racer with itself. */
export const pairs: { meeting: string; pair: Pair<Step> }[] = Object.entries(racers).flatMap(([first, firstStep]) =>
  Object.entries(racers).map(([second, secondStep]) => ({
    meeting: `${first} at the same time as ${second}`,
    pair: [firstStep('first'), secondStep('second')] as const,
  })),
)

/** Resolves to the results of both operations, and of a `get` after them. */
export async function race(bench: Bench, start: readonly Step[], pair: Pair<Step>): Promise<Result[]> {
  for (const step of start) await perform(bench, step)
  const results = await Promise.all(pair.map((step) => perform(bench, step)))
  return [...results, await perform(bench, get())]
}

/** The results that `race` may have: those of the two operations one after the other, in either order. */
export async function allowedResults(prefix: string, start: readonly Step[], pair: Pair<Step>): Promise<Result[][]> {
  return [...(await inTurn(prefix, start, pair, 0)), ...(await inTurn(prefix, start, pair, 1))]
}

async function inTurn(prefix: string, start: readonly Step[], pair: Pair<Step>, goesFirst: 0 | 1): Promise<Result[][]> {
  const tokens = new Tokens()
  const store = new ModelStore(tokens.draw)
  const bench = { store, tokens, prefix }
  for (const step of start) await perform(bench, step)

  const results: [Result, Result] = [{ returned: null }, { returned: null }]
  const pages = new Set([store.page(prefix + pair[0].cacheKey)])
  for (const place of goesFirst === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
    results[place] = await perform(bench, pair[place])
    pages.add(store.page(prefix + pair[0].cacheKey))
  }
  const after = await perform(bench, get())
  // An acquire may show any page that the key had during the call, not only the page at the moment of its write.
  const variants = (place: 0 | 1) => [...pages].map((page) => seeing(prefix, pair[place], results[place], page))
  return variants(0).flatMap((first) => variants(1).map((second) => [first, second, after]))
}

function seeing(prefix: string, step: Step, result: Result, page: Page | undefined): Result {
  if (step.op !== 'acquire' || !('returned' in result) || !isAttempt(result.returned)) return result
  const { leaseOwner: owner, leaseToken: token, leaseExpiresAt: expiresAt } = result.returned.record
  const input = { ...step, cacheKey: prefix + step.cacheKey }
  return { returned: { ...result.returned, record: recordAtAcquire(input, page, { owner, token, expiresAt }) } }
}

function isAttempt(
  value: IsrMetaRecord | TryAcquireIsrLeaseResult | null | undefined,
): value is TryAcquireIsrLeaseResult {
  return value != null && 'acquired' in value
}
