// What may happen to a cache key once it is leased: commit, release, invalidate.
import type { CommitIsrGenerationInput } from '@theory-cloud/tabletheory-isr'

import { acquire, commit, get, invalidate, published, release, type Scenario, t0, takeOver } from './steps.js'

const late = (ms: number): Partial<CommitIsrGenerationInput> => ({ generatedAt: t0 + ms })

export const publishing: Scenario[] = [
  {
    name: 'commit: replaces the whole page, and what is absent becomes null',
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
    name: 'commit: empty is not absent',
    steps: [acquire('a', 't1'), commit('a', 't1', { contentSecurityPolicy: '', strictCspPolicy: {}, etag: '' })],
    ends: ['acquired', 'done', 'page'],
  },
  ...[Number.NaN, Number.NEGATIVE_INFINITY, -0.5, 0.1 + 0.2, 1e10].map((revalidateSeconds) => ({
    name: `commit: a revalidation of ${revalidateSeconds} s is normalised`,
    steps: [acquire('a', 't1'), commit('a', 't1', { revalidateSeconds })],
    ends: ['acquired', 'done', 'page'],
  })),
  ...[Number.NaN, Number.POSITIVE_INFINITY, 99.9, 100, 404.9, 599.9, 600, -200].map((status) => ({
    name: `commit: a status of ${status} is normalised`,
    steps: [acquire('a', 't1'), commit('a', 't1', { status })],
    ends: ['acquired', 'done', 'page'],
  })),
  ...['', ' \t\n', ' text/plain ', '\u{feff}\u{a0}text/plain\u{2028}', '\u{85}text/plain\u{200b}'].map(
    (contentType) => ({
      name: `commit: a content type of ${JSON.stringify(contentType)} is trimmed as JavaScript trims`,
      steps: [acquire('a', 't1'), commit('a', 't1', { contentType })],
      ends: ['acquired', 'done', 'page'],
    }),
  ),
  {
    name: 'commit: without a lease it is refused and publishes nothing',
    steps: [commit('a', 't1'), ...published, commit('a', 't0', { htmlPointer: 'second' })],
    ends: ['lost', 'acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'commit: the error has the cache key as it was given',
    steps: [commit('a', 't1', { cacheKey: '/é "quoted"\n\u{1f388}?a={{b}}&c=%2F' })],
    ends: ['lost', 'nothing'],
  },
  {
    name: 'commit: another token or another owner is refused, and the lease stands',
    steps: [acquire('a', 't1'), commit('a', 'T1'), commit('A', 't1'), commit('b', 't1'), commit('a', 't1')],
    ends: ['acquired', 'lost', 'lost', 'lost', 'done', 'page'],
  },
  {
    name: 'commit: a token publishes once',
    steps: [...published, commit('a', 't1', { htmlPointer: 'second' })],
    ends: ['acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'commit: a token that is drawn again after its commit is a new lease',
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
    name: 'commit: a lease that ended within this second still publishes',
    steps: [acquire('a', 't1', { leaseDurationMs: 5_001 }), commit('a', 't1', late(5_999.75))],
    ends: ['acquired', 'done', 'page'],
  },
  {
    name: 'commit: a lease that ended by whole seconds is refused, and stands',
    steps: [acquire('a', 't1', { leaseDurationMs: 5_001 }), commit('a', 't1', late(6_000))],
    ends: ['acquired', 'lost', 'no page, leased by a'],
  },
  {
    name: 'commit: a lease that ends on a whole second is refused in that second',
    steps: [acquire('a', 't1'), commit('a', 't1', late(5_000)), commit('a', 't1', late(4_999.75))],
    ends: ['acquired', 'lost', 'done', 'page'],
  },
  {
    name: 'commit: nowMs counts in place of generatedAt',
    steps: [
      acquire('a', 't1'),
      commit('a', 't1', { nowMs: t0 + 5_000 }),
      commit('a', 't1', { ...late(9_000), nowMs: t0 }),
    ],
    ends: ['acquired', 'lost', 'done', 'page'],
  },
  {
    name: 'commit: after a take-over only the new holder publishes',
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
    name: 'release: a lease without a page leaves nothing behind',
    steps: [acquire('a', 't1'), release('a', 't1')],
    ends: ['acquired', 'done', 'nothing'],
  },
  {
    name: 'release: the page stays, and the token is dead',
    steps: [...published, acquire('a', 't2'), release('a', 't2'), commit('a', 't2', { htmlPointer: 'second' })],
    ends: ['acquired', 'done', 'acquired', 'done', 'lost', 'page'],
  },
  {
    name: 'release: an expired lease goes too',
    steps: [acquire('a', 't1', { nowMs: 0, leaseDurationMs: 1 }), release('a', 't1')],
    ends: ['acquired', 'done', 'nothing'],
  },
  {
    name: 'release: a foreign lease stands',
    steps: [release('a', 't1'), acquire('a', 't1'), release('b', 't1'), release('a', 't2')],
    ends: ['done', 'acquired', 'done', 'done', 'no page, leased by a'],
  },
  {
    name: 'release: after the commit, and after the next acquire, it does nothing',
    steps: [...published, release('a', 't1'), acquire('a', 't2'), release('a', 't1')],
    ends: ['acquired', 'done', 'done', 'acquired', 'done', 'page, leased by a'],
  },
  {
    name: 'release: after a take-over the new lease stands',
    steps: [acquire('a', 't1'), takeOver, release('a', 't1')],
    ends: ['acquired', 'acquired', 'done', 'no page, leased by b'],
  },
  { name: 'invalidate: a key nobody touched', steps: [invalidate()], ends: ['done', 'nothing'] },
  {
    name: 'invalidate: the page goes, and the key is as new',
    steps: [...published, invalidate(), get(), acquire('b', 't2')],
    ends: ['acquired', 'done', 'done', 'nothing', 'acquired', 'no page, leased by b'],
  },
  {
    name: 'invalidate: page and lease go together, and the regeneration in flight cannot publish',
    steps: [...published, acquire('a', 't2'), invalidate(), get(), commit('a', 't2'), release('a', 't2')],
    ends: ['acquired', 'done', 'acquired', 'done', 'nothing', 'lost', 'done', 'nothing'],
  },
  {
    name: 'invalidate: a regeneration in flight cannot publish under the next lease',
    steps: [acquire('a', 't1'), invalidate(), acquire('a', 't2'), commit('a', 't1'), commit('a', 't2')],
    ends: ['acquired', 'done', 'acquired', 'lost', 'done', 'page'],
  },
]
