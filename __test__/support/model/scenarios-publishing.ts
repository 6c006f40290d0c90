// Named lists of operations on a leased cache key: commits, releases and invalidations.
import type { CommitIsrGenerationInput } from '@theory-cloud/tabletheory-isr'

import { acquire, commit, get, invalidate, published, release, type Scenario, t0, takeOver } from './steps.js'

const late = (ms: number): Partial<CommitIsrGenerationInput> => ({ generatedAt: t0 + ms })

export const publishing: Scenario[] = [
  {
    name: 'a commit replaces the whole page, and absent fields become null',
    steps: [
      ...published,
      acquire('a', 't2'),
      commit('a', 't2', {
        htmlPointer: 'second',
        contentSecurityPolicy: undefined,
        strictCspPolicy: null,
        etag: undefined,
        nowMs: null,
      }),
    ],
    ends: ['acquired', 'done', 'acquired', 'done', 'second'],
  },
  {
    name: 'a commit keeps empty strings and an empty policy, and not null',
    steps: [acquire('a', 't1'), commit('a', 't1', { contentSecurityPolicy: '', strictCspPolicy: {}, etag: '' })],
    ends: ['acquired', 'done', 'page'],
  },
  ...[Number.NaN, Number.NEGATIVE_INFINITY, -0.5, 0.1 + 0.2, 1e10].map((revalidateSeconds) => ({
    name: `a commit normalises revalidateSeconds of ${revalidateSeconds}`,
    steps: [acquire('a', 't1'), commit('a', 't1', { revalidateSeconds })],
    ends: ['acquired', 'done', 'page'],
  })),
  ...[Number.NaN, Number.POSITIVE_INFINITY, 99.9, 100, 404.9, 599.9, 600, -200].map((status) => ({
    name: `a commit normalises a status of ${status}`,
    steps: [acquire('a', 't1'), commit('a', 't1', { status })],
    ends: ['acquired', 'done', 'page'],
  })),
  ...['', ' \t\n', ' text/plain ', '\u{feff}\u{a0}text/plain\u{2028}', '\u{85}text/plain\u{200b}'].map(
    (contentType) => ({
      name: `a commit trims the content type ${JSON.stringify(contentType)} as JavaScript does`,
      steps: [acquire('a', 't1'), commit('a', 't1', { contentType })],
      ends: ['acquired', 'done', 'page'],
    }),
  ),
  {
    name: 'a commit without a lease is refused and publishes nothing',
    steps: [commit('a', 't1'), ...published, commit('a', 't0', { htmlPointer: 'second' })],
    ends: ['lost', 'acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'the error of a refused commit contains the cache key',
    steps: [commit('a', 't1', { cacheKey: '/é "quoted"\n\u{1f388}?a={{b}}&c=%2F' })],
    ends: ['lost', 'nothing'],
  },
  {
    name: 'a commit with another token or another owner is refused, and the lease stays in the row',
    steps: [acquire('a', 't1'), commit('a', 'T1'), commit('A', 't1'), commit('b', 't1'), commit('a', 't1')],
    ends: ['acquired', 'lost', 'lost', 'lost', 'done', 'page'],
  },
  {
    name: 'a second commit with the same token is refused',
    steps: [...published, commit('a', 't1', { htmlPointer: 'second' })],
    ends: ['acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'a token that is drawn again after its commit identifies a new lease',
    steps: [
      ...published,
      release('a', 't1'),
      acquire('a', 't1'),
      commit('a', 't1', { htmlPointer: 'second' }),
      acquire('b', 't1'),
      release('b', 't1'),
      commit('b', 't1', { htmlPointer: 'third' }),
    ],
    ends: ['acquired', 'done', 'done', 'acquired', 'done', 'acquired', 'done', 'lost', 'second'],
  },
  {
    name: 'a commit in the second in which its lease ended still publishes',
    steps: [acquire('a', 't1', { leaseDurationMs: 5_001 }), commit('a', 't1', late(5_999.75))],
    ends: ['acquired', 'done', 'page'],
  },
  {
    name: 'a commit in the second after its lease ended is refused, and the lease stays in the row',
    steps: [acquire('a', 't1', { leaseDurationMs: 5_001 }), commit('a', 't1', late(6_000))],
    ends: ['acquired', 'lost', 'no page, leased by a'],
  },
  {
    name: 'a commit is refused in the second that begins with the end of its lease',
    steps: [acquire('a', 't1'), commit('a', 't1', late(5_000)), commit('a', 't1', late(4_999.75))],
    ends: ['acquired', 'lost', 'done', 'page'],
  },
  {
    name: 'a commit compares its lease with nowMs, when given, and not with generatedAt',
    steps: [
      acquire('a', 't1'),
      commit('a', 't1', { nowMs: t0 + 5_000 }),
      commit('a', 't1', { ...late(9_000), nowMs: t0 }),
    ],
    ends: ['acquired', 'lost', 'done', 'page'],
  },
  {
    name: 'only the new holder can commit after a take-over',
    steps: [
      acquire('a', 't1'),
      takeOver,
      commit('a', 't1'),
      commit('a', 't2'),
      commit('b', 't2', { htmlPointer: 'second', ...late(5_100) }),
    ],
    ends: ['acquired', 'acquired', 'lost', 'lost', 'done', 'second'],
  },
  {
    name: 'get returns null after the release of a lease without a page',
    steps: [acquire('a', 't1'), release('a', 't1')],
    ends: ['acquired', 'done', 'nothing'],
  },
  {
    name: 'a release keeps the page, and its token can no longer commit',
    steps: [...published, acquire('a', 't2'), release('a', 't2'), commit('a', 't2', { htmlPointer: 'second' })],
    ends: ['acquired', 'done', 'acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'a release deletes an expired lease too',
    steps: [acquire('a', 't1', { nowMs: 0, leaseDurationMs: 1 }), release('a', 't1')],
    ends: ['acquired', 'done', 'nothing'],
  },
  {
    name: 'a release with another token or another owner keeps the lease',
    steps: [release('a', 't1'), acquire('a', 't1'), release('b', 't1'), release('a', 't2')],
    ends: ['done', 'acquired', 'done', 'done', 'no page, leased by a'],
  },
  {
    name: 'a release does nothing after the commit, and after the next acquire',
    steps: [...published, release('a', 't1'), acquire('a', 't2'), release('a', 't1')],
    ends: ['acquired', 'done', 'done', 'acquired', 'done', 'page, leased by a'],
  },
  {
    name: 'a release after a take-over keeps the new lease',
    steps: [acquire('a', 't1'), takeOver, release('a', 't1')],
    ends: ['acquired', 'acquired', 'done', 'no page, leased by b'],
  },
  { name: 'an invalidation of an unknown key does nothing', steps: [invalidate()], ends: ['done', 'nothing'] },
  {
    name: 'an invalidation deletes the page, and its key can be leased like a new one',
    steps: [...published, invalidate(), get(), acquire('b', 't2')],
    ends: ['acquired', 'done', 'done', 'nothing', 'acquired', 'no page, leased by b'],
  },
  {
    name: 'an invalidation deletes page and lease, and the regeneration in flight cannot publish',
    steps: [...published, acquire('a', 't2'), invalidate(), get(), commit('a', 't2'), release('a', 't2')],
    ends: ['acquired', 'done', 'acquired', 'done', 'nothing', 'lost', 'done', 'nothing'],
  },
  {
    name: 'a regeneration in flight at an invalidation cannot publish under the next lease',
    steps: [acquire('a', 't1'), invalidate(), acquire('a', 't2'), commit('a', 't1'), commit('a', 't2')],
    ends: ['acquired', 'done', 'acquired', 'lost', 'done', 'page'],
  },
]
