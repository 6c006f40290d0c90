// Tests of the specification, with histories that are right, or wrong in one point.
import { expect, test } from 'vitest'
import { t0 } from '../model/steps.js'
import type { Fate } from '../stub/proxy.js'
import { linearize } from './linearizability.js'
import {
  acquire,
  acquired,
  blank,
  commit,
  get,
  heldBy,
  invalidate,
  leaseOf,
  none,
  notAcquired,
  pageOf,
  release,
} from './sample-calls.js'
import { type Call, effectsOf, nothing } from './specification.js'

const lost: Fate = 'is lost on its way back'
const conflict: Fate = 'meets another transaction'
const throttled: Fate = 'is throttled'

test.each<[string, boolean, Call[]]>([
  [
    'one lease and one page',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], heldBy('a')),
      commit('a', [4, 5]),
      get([6, 7], { ...pageOf('a'), ...none }),
      invalidate([8, 9]),
      get([10, 11], null),
    ],
  ],
  ['two leases at a time', false, [acquire('a', [0, 5], acquired('a')), acquire('b', [0, 5], acquired('b'))]],
  [
    'a take-over at the end of the lease',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 5_000), ['passes'], t0 + 5_000),
      commit('a', [4, 5], 'ErrLeaseNotOwned'),
    ],
  ],
  [
    'a take-over before the end of the lease',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 4_999), ['passes'], t0 + 4_999),
    ],
  ],
  [
    'a refusal that shows a holder after its release',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), acquire('b', [4, 5], heldBy('a'))],
  ],
  [
    'a commit after a take-over',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 5_000), ['passes'], t0 + 5_000),
      commit('a', [4, 5]),
    ],
  ],
  [
    'a commit after an invalidation',
    false,
    [acquire('a', [0, 1], acquired('a')), invalidate([2, 3]), commit('a', [4, 5])],
  ],
  [
    'a commit in the last second of the lease',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], undefined, ['passes'], t0 + 4_999)],
  ],
  [
    'a commit in the second after the lease',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], undefined, ['passes'], t0 + 5_000)],
  ],
  [
    'a commit that took effect, but was answered with ErrLeaseNotOwned',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrLeaseNotOwned', [lost, 'passes']),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a commit that was answered with ErrLeaseNotOwned, although its lease is held',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], 'ErrLeaseNotOwned')],
  ],
  [
    'a commit whose answer was lost, and whose page is seen',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', [lost]),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a commit whose request was lost, and whose page is seen',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', ['is lost on its way there']),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a failed commit whose page is first missing and later seen',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', [lost]),
      get([4, 5], { ...blank, ...leaseOf('a') }),
      get([6, 7], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a commit that timed out, and whose page is first missing and later seen',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrTimeout', [lost]),
      get([4, 5], { ...blank, ...leaseOf('a') }),
      get([6, 7], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a commit whose page is seen together with its lease',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 9]), get([3, 4], { ...pageOf('a'), ...leaseOf('a') })],
  ],
  [
    'an acquire of two requests that takes effect before and after an invalidation',
    true,
    [
      acquire('a', [0, 9], acquired('a'), [lost, 'passes']),
      get([1, 2], { ...blank, ...leaseOf('a') }),
      invalidate([3, 4]),
      get([5, 6], null),
      get([10, 11], { ...blank, ...leaseOf('a') }),
    ],
  ],
  [
    'an acquire of one request that takes effect before and after an invalidation',
    false,
    [
      acquire('a', [0, 9], acquired('a'), ['is lost on its way there', 'passes']),
      get([1, 2], { ...blank, ...leaseOf('a') }),
      invalidate([3, 4]),
      get([5, 6], null),
      get([10, 11], { ...blank, ...leaseOf('a') }),
    ],
  ],
  [
    'a failed acquire whose lease is held',
    true,
    [acquire('a', [0, 1], 'ErrUnavailable', [lost]), acquire('b', [2, 3], heldBy('a'))],
  ],
  [
    'an acquire that took effect, was throttled, and then found another holder',
    true,
    [
      acquire('a', [0, 9], heldBy('b'), [lost, throttled]),
      get([1, 2], { ...blank, ...leaseOf('a') }),
      invalidate([3, 4]),
      acquire('b', [5, 6], acquired('b')),
    ],
  ],
  [
    'an acquire that was only throttled, and whose lease is seen',
    false,
    [
      acquire('a', [0, 9], heldBy('b'), [throttled]),
      get([1, 2], { ...blank, ...leaseOf('a') }),
      invalidate([3, 4]),
      acquire('b', [5, 6], acquired('b')),
    ],
  ],
  [
    'an acquire that took effect, was throttled, and then found a page and no lease',
    true,
    [
      acquire('a', [0, 9], notAcquired(pageOf('b')), [lost, throttled]),
      get([1, 2], { ...blank, ...leaseOf('a') }),
      invalidate([3, 4]),
      acquire('b', [5, 6], acquired('b')),
      commit('b', [7, 8]),
    ],
  ],
  [
    'an acquire that took effect, was throttled, and shows a page that was not published',
    false,
    [acquire('a', [0, 9], notAcquired(pageOf('b')), [lost, throttled])],
  ],
  [
    'an acquire that was throttled, found a page, and whose lease is in the row afterwards',
    false,
    [
      acquire('b', [0, 1], acquired('b')),
      commit('b', [2, 3]),
      acquire('a', [4, 5], notAcquired(pageOf('b')), [lost, throttled]),
      get([6, 7], { ...pageOf('b'), ...leaseOf('a') }),
    ],
  ],
  [
    'an acquire that sends no put, 100 ms after the holder released the lease',
    true,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), acquire('b', [103, 104], heldBy('a'), [])],
  ],
  [
    'an acquire that sends no put, 101 ms after the holder released the lease',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), acquire('b', [104, 105], heldBy('a'), [])],
  ],
  ['an acquire that met conflicts only', true, [acquire('a', [0, 1], notAcquired(blank), [conflict])]],
  [
    'an acquire that met conflicts after it may have taken effect',
    false,
    [acquire('a', [0, 1], notAcquired(blank), [lost, conflict])],
  ],
  [
    'an acquire that does not show the page of a concurrent commit',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), acquire('b', [2, 9], acquired('b'))],
  ],
  [
    'an acquire that does not show the page of an earlier commit',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), acquire('b', [4, 5], acquired('b'))],
  ],
  [
    'a release that was answered, but left its lease',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), get([4, 5], { ...blank, ...leaseOf('a') })],
  ],
  [
    'a release whose request is lost',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      release('a', [2, 3], ['is lost on its way there']),
      get([4, 5], { ...blank, ...leaseOf('a') }),
    ],
  ],
  [
    'a release that is not sent while its lease is held',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3], [])],
  ],
  [
    'a release that is not sent after a commit',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), release('a', [4, 5], [])],
  ],
])('a history with %s: linearizable is %s', (_, linearizable, calls) => {
  expect(linearize(calls.flatMap(effectsOf), nothing, JSON.stringify)).toMatchObject({ linearizable })
})
