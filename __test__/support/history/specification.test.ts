// The specification that histories are held to, on histories that are right and wrong in one thing.
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
  pageOf,
  release,
} from './sample-calls.js'
import { type Call, effectsOf, nothing } from './specification.js'

const lost: Fate = 'is lost on its way back'
const conflict: Fate = 'meets another transaction'

test.each<[string, boolean, Call[]]>([
  [
    'one lease, one page',
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
    'a take-over at the end',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 5_000), ['passes'], t0 + 5_000),
      commit('a', [4, 5], 'ErrLeaseNotOwned'),
    ],
  ],
  [
    'a take-over before the end',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 4_999), ['passes'], t0 + 4_999),
    ],
  ],
  [
    'a holder without a lease',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), acquire('b', [4, 5], heldBy('a'))],
  ],
  [
    'a publish after a take-over',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      acquire('b', [2, 3], acquired('b', blank, t0 + 5_000), ['passes'], t0 + 5_000),
      commit('a', [4, 5]),
    ],
  ],
  [
    'a publish after an invalidation',
    false,
    [acquire('a', [0, 1], acquired('a')), invalidate([2, 3]), commit('a', [4, 5])],
  ],
  [
    'a publish in the second in which the lease ends',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], undefined, ['passes'], t0 + 4_999)],
  ],
  [
    'a publish after that',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], undefined, ['passes'], t0 + 5_000)],
  ],
  [
    'a publish that is called a lost lease',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrLeaseNotOwned', [lost, 'passes']),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a lost lease that was not lost',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3], 'ErrLeaseNotOwned')],
  ],
  [
    'a publish whose answer was lost, and that is seen',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', [lost]),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a publish whose request was lost, and that is seen',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', ['is lost on its way there']),
      get([4, 5], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a publish that is seen only later',
    false,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrUnavailable', [lost]),
      get([4, 5], { ...blank, ...leaseOf('a') }),
      get([6, 7], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'a publish that timed out, and is seen only later',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      commit('a', [2, 3], 'ErrTimeout', [lost]),
      get([4, 5], { ...blank, ...leaseOf('a') }),
      get([6, 7], { ...pageOf('a'), ...none }),
    ],
  ],
  [
    'half a publish',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 9]), get([3, 4], { ...pageOf('a'), ...leaseOf('a') })],
  ],
  [
    'an acquire that takes effect twice in its time, around an invalidation',
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
    'an acquire that does so with one request',
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
    'a failed acquire that holds the lease',
    true,
    [acquire('a', [0, 1], 'ErrUnavailable', [lost]), acquire('b', [2, 3], heldBy('a'))],
  ],
  [
    'an acquire that met conflicts only',
    true,
    [acquire('a', [0, 1], { acquired: false, leaseToken: null, record: { ...blank, ...none } }, [conflict])],
  ],
  [
    'an acquire that met conflicts after it may have taken effect',
    false,
    [acquire('a', [0, 1], { acquired: false, leaseToken: null, record: { ...blank, ...none } }, [lost, conflict])],
  ],
  [
    'an acquire that shows the page of before a commit in its time',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), acquire('b', [2, 9], acquired('b'))],
  ],
  [
    'an acquire that shows the page of before a commit before its time',
    false,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), acquire('b', [4, 5], acquired('b'))],
  ],
  [
    'a release that does nothing',
    false,
    [acquire('a', [0, 1], acquired('a')), release('a', [2, 3]), get([4, 5], { ...blank, ...leaseOf('a') })],
  ],
  [
    'a release that is lost',
    true,
    [
      acquire('a', [0, 1], acquired('a')),
      release('a', [2, 3], ['is lost on its way there']),
      get([4, 5], { ...blank, ...leaseOf('a') }),
    ],
  ],
  ['a release that is not sent', false, [acquire('a', [0, 1], acquired('a')), release('a', [2, 3], [])]],
  [
    'a release that is not sent after a commit',
    true,
    [acquire('a', [0, 1], acquired('a')), commit('a', [2, 3]), release('a', [4, 5], [])],
  ],
])('%s: %s', (_, linearizable, calls) => {
  expect(linearize(calls.flatMap(effectsOf), nothing, JSON.stringify)).toMatchObject({ linearizable })
})
