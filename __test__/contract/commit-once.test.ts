// A token publishes once, also when two commits with it are in flight at once and settle in either order.
import { beforeAll, describe, expect, test } from 'vitest'

import { expectCode, rejectionOf } from '../support/failure.js'
import { acquire, commit, lockRow, N, NOW_S, pkOf, S } from '../support/rows.js'
import { makeTable, newKey, readRow, writeRow } from '../support/store.js'
import { Gate } from '../support/stub/gate.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { withStub } from '../support/stub/stub.js'

let table: string
beforeAll(async () => {
  table = await makeTable()
})

describe.each([
  ['first', 1],
  ['last', 0],
])('after two commits with one token, of which the refused one settled %s', (_, heldCommit) => {
  test('the token cannot publish again, even if a late duplicate of its acquire restores the LOCK row', () =>
    withStub(
      through(() => 'passes'),
      async (stub) => {
        const gate = new Gate()
        const store = storeBehind(table, stub)
        const cacheKey = newKey()
        const { leaseToken } = await acquire(store, cacheKey)
        const pass = through(() => 'passes')
        let applied: () => void = () => {}
        const firstIsApplied = new Promise<void>((resolve) => {
          applied = resolve
        })
        // The first commit publishes. The gate holds its answer or the answer of the second one.
        stub.play(async (request, index) => {
          if (request.operation !== 'TransactWriteItems') return pass(request, index)
          const number = request.text.includes('pages/1.html') ? 0 : 1
          if (number === 1) await firstIsApplied
          const answer = await pass(request, index)
          if (number === 0) applied()
          if (number === 1 - heldCommit) await gate.pass()
          return answer
        })
        const ends = [1, 2].map((page) => {
          const call = commit(store, cacheKey, leaseToken ?? '', { htmlPointer: `pages/${page}.html` })
          return call.then(
            () => 'published',
            ({ code }) => code as string,
          )
        })
        expect(await (heldCommit === 1 ? ends[1] : ends[0])).toBe(heldCommit === 1 ? 'ErrLeaseNotOwned' : 'published')
        gate.open()
        expect((await Promise.all(ends)).toSorted()).toEqual(['ErrLeaseNotOwned', 'published'])

        const expiry = { lease_expires_at: N(NOW_S + 60), lease_owner: S('owner') }
        await writeRow(table, lockRow(cacheKey, { lease_token: S(leaseToken ?? ''), ...expiry }))
        const page = await readRow(table, pkOf(cacheKey), 'META')
        const error = await rejectionOf(() =>
          commit(store, cacheKey, leaseToken ?? '', { htmlPointer: 'pages/3.html' }),
        )
        expectCode(error, 'ErrLeaseNotOwned')
        expect(await readRow(table, pkOf(cacheKey), 'META')).toEqual(page)
      },
    ))
})
