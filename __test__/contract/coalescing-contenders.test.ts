// Calls of tryAcquireLease beside a shared attempt: a call that may acquire the lease sends an attempt of its own.
import type { TryAcquireIsrLeaseInput, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'
import { lockRow, N, NOW, NOW_S, S } from '../support/rows.js'
import { inOrder, leaseInput, values } from '../support/sharing.js'
import { makeTable, newKey, writeRow } from '../support/store.js'
import { behind, Gate } from '../support/stub/gate.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { withStub } from '../support/stub/stub.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

describe('a caller beside a shared attempt acquires the lease', () => {
  /** Results of `others`. They begin while a first attempt is in flight, and share a second one, which finds `holder`. */
  async function contend(
    holder: object,
    others: Partial<TryAcquireIsrLeaseInput>[],
  ): Promise<TryAcquireIsrLeaseResult[]> {
    const gate = new Gate()
    const cacheKey = newKey()
    await writeRow(table, lockRow(cacheKey, { lease_owner: S('holder'), ...holder }))
    let results: TryAcquireIsrLeaseResult[] = []
    await withStub(
      behind(
        gate,
        through(() => 'passes'),
      ),
      async (stub) => {
        const store = storeBehind(table, stub)
        const inputs = [{}, {}, ...others]
        const calls = inputs.map((input, index) => () => store.tryAcquireLease(leaseInput(cacheKey, index, input)))
        results = values(await inOrder(gate, store, calls))
      },
    )
    expect(results.slice(0, 2).map(({ acquired }) => acquired)).toEqual([false, false])
    return results.slice(2)
  }

  test('when the lease has expired by its own clock', async () => {
    const late = { nowMs: NOW + 5_000 }
    const [inTime, ...attempts] = await contend({}, [{}, late, late, late])
    expect(inTime).toMatchObject({ acquired: false, record: { leaseOwner: 'holder' } })
    // One of the late callers acquires the lease, and the other two find it held.
    const winners = attempts.filter(({ acquired }) => acquired)
    expect(winners).toHaveLength(1)
    const { leaseToken } = winners[0] ?? {}
    expect(attempts.map(({ record }) => record.leaseToken)).toEqual([leaseToken, leaseToken, leaseToken])
  })

  test('when the lease has expired to the fraction of a millisecond, and not before', async () => {
    const holder = { lease_expires_at_ms: N(NOW + 4_500.25) }
    const [before, after] = await contend(holder, [{ nowMs: NOW + 4_500 }, { nowMs: NOW + 4_500.25 }])
    expect([before?.acquired, after?.acquired]).toEqual([false, true])
  })

  test('when it is the owner of the lease', async () => {
    const own = { leaseOwner: 'holder' }
    const attempts = await contend({}, [own, {}, own])
    expect(attempts.map(({ acquired }) => acquired)).toEqual([true, false, true])
    expect(new Set(attempts.map(({ leaseToken }) => leaseToken)).size).toBe(3)
    expect(attempts[2]?.record.leaseToken).toBe(attempts[2]?.leaseToken)
  })

  test('when the lease ends more than seven days after its own clock', async () => {
    const holder = { lease_expires_at: N(NOW_S + 7 * 86_400) }
    const [same, earlier] = await contend(holder, [{}, { nowMs: NOW - 1 }])
    expect([same?.acquired, earlier?.acquired]).toEqual([false, true])
  })
})
