// Named lists of operations on a cache key, and the expected result of each.
import { publishing } from './scenarios-publishing.js'
import { acquire, commit, dayMs, get, published, release, type Scenario, t0, takeOver } from './steps.js'

const leasing: Scenario[] = [
  { name: 'get returns null for an unknown key', steps: [get()], ends: ['nothing', 'nothing'] },
  {
    name: 'get shows the fallback of a lease without a page',
    steps: [acquire('a', 't1', { fallbackRevalidateSeconds: 7.5 }), get()],
    ends: ['acquired', 'no page, leased by a', 'no page, leased by a'],
  },
  {
    name: 'get shows every committed field, and only under its own key',
    steps: [...published, get('another'), get('KEY')],
    ends: ['acquired', 'done', 'nothing', 'nothing', 'page', 'nothing', 'nothing'],
  },
  {
    name: 'get shows an expired lease as it is stored',
    steps: [acquire('a', 't1', { nowMs: 0, leaseDurationMs: 1 })],
    ends: ['acquired', 'no page, leased by a'],
  },
  {
    name: 'an acquire of a free key shows its page and the new lease',
    steps: [...published, acquire('b', 't2', { nowMs: t0 + 200 })],
    ends: ['acquired', 'done', 'acquired', 'page, leased by b'],
  },
  {
    name: 'an acquire of a held key shows the holder, with and without a page',
    steps: [
      acquire('a', 't1'),
      acquire('b', 't2', { fallbackRevalidateSeconds: 9 }),
      commit('a', 't1'),
      acquire('a', 't3'),
      acquire('b', 't4', { fallbackRevalidateSeconds: 9 }),
    ],
    ends: ['acquired', 'held', 'done', 'acquired', 'held', 'page, leased by a'],
  },
  {
    name: 'a lease is held in its last millisecond',
    steps: [acquire('a', 't1'), acquire('b', 't2', { nowMs: t0 + 4_999 })],
    ends: ['acquired', 'held', 'no page, leased by a'],
  },
  {
    name: 'a lease is free in the millisecond in which it ends',
    steps: [acquire('a', 't1'), takeOver],
    ends: ['acquired', 'acquired', 'no page, leased by b'],
  },
  {
    name: 'an acquire compares fractions of a millisecond',
    steps: [
      acquire('a', 't1', { leaseDurationMs: 0.5 }),
      acquire('b', 't2', { nowMs: t0 + 0.25 }),
      acquire('b', 't3', { nowMs: t0 + 0.5, leaseDurationMs: 1_000.25 }),
    ],
    ends: ['acquired', 'held', 'acquired', 'no page, leased by b'],
  },
  {
    name: 'the owner can acquire its lease again, and the former token publishes nothing',
    steps: [
      acquire('a', 't1'),
      acquire('a', 't2', { nowMs: t0 + 1, fallbackRevalidateSeconds: 8 }),
      commit('a', 't1'),
      release('a', 't1'),
      commit('a', 't2'),
    ],
    ends: ['acquired', 'acquired', 'lost', 'done', 'done', 'page'],
  },
  {
    name: 'a lease that ends a week from now is held',
    steps: [acquire('a', 't1', { nowMs: 7 * dayMs, leaseDurationMs: 1 }), acquire('b', 't2', { nowMs: 1 })],
    ends: ['acquired', 'held', 'no page, leased by a'],
  },
  {
    name: 'a lease that ends more than a week from now is free',
    steps: [acquire('a', 't1', { nowMs: 7 * dayMs, leaseDurationMs: 1 }), acquire('b', 't2', { nowMs: 0 })],
    ends: ['acquired', 'acquired', 'no page, leased by b'],
  },
  {
    name: 'an acquire shows the fallback for a page with a lifetime of 0, and the page stays as it is',
    steps: [
      acquire('a', 't1'),
      commit('a', 't1', { revalidateSeconds: 0 }),
      get(),
      acquire('a', 't2'),
      acquire('b', 't3', { fallbackRevalidateSeconds: 9 }),
      release('a', 't2'),
    ],
    ends: ['acquired', 'done', 'page', 'acquired', 'held', 'done', 'page'],
  },
  ...[Number.NaN, Number.POSITIVE_INFINITY, -3, 0, 1e-7, 1e10].map((fallbackRevalidateSeconds) => ({
    name: `an acquire normalises a fallback of ${fallbackRevalidateSeconds} s as a commit does`,
    steps: [acquire('a', 't1', { fallbackRevalidateSeconds }), acquire('b', 't2', { fallbackRevalidateSeconds })],
    ends: ['acquired', 'held', 'no page, leased by a'],
  })),
  {
    name: 'a lease can be acquired, held and committed at clock 0',
    steps: [acquire('a', 't1', { nowMs: 0 }), acquire('b', 't2', { nowMs: 0 }), commit('a', 't1', { generatedAt: 0 })],
    ends: ['acquired', 'held', 'done', 'page'],
  },
  {
    name: 'get returns fractions of a millisecond as they were given',
    steps: [
      acquire('a', 't1', { nowMs: t0 + 0.1, leaseDurationMs: 1_000 / 3 }),
      get(),
      commit('a', 't1', { generatedAt: t0 + 0.3, revalidateSeconds: 1 / 3 }),
    ],
    ends: ['acquired', 'no page, leased by a', 'done', 'page'],
  },
  {
    name: 'get returns exact numbers down to the smallest that DynamoDB has',
    steps: [
      acquire('a', 't1', { nowMs: 0, leaseDurationMs: 1e-130 }),
      acquire('b', 't2', { nowMs: 0 }),
      get(),
      commit('a', 't1', { generatedAt: 1e-130, nowMs: 0, revalidateSeconds: 1e-130 }),
    ],
    ends: ['acquired', 'held', 'no page, leased by a', 'done', 'page'],
  },
  {
    name: 'the smallest nowMs works like any other',
    steps: [
      acquire('a', 't1', { nowMs: 1e-128 }),
      acquire('b', 't2', { nowMs: 1e-128 }),
      commit('a', 't1', { generatedAt: 1e-128 }),
    ],
    ends: ['acquired', 'held', 'done', 'page'],
  },
  {
    name: 'the last milliseconds of the clock work like any others',
    steps: [
      acquire('a', 't1', { nowMs: 999_999_999_999_999, leaseDurationMs: dayMs }),
      acquire('b', 't2', { nowMs: 999_999_999_999_999 }),
      get(),
      commit('a', 't1', { generatedAt: 999_999_999_999_999.9 }),
    ],
    ends: ['acquired', 'held', 'no page, leased by a', 'done', 'page'],
  },
]

export const scenarios: Scenario[] = [...leasing, ...publishing]
