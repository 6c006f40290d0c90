// Attempts at a lease that are answered by another's, or make their own.
import type { TryAcquireIsrLeaseInput, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'
import { lockRow, N, NOW, NOW_S, S } from '../support/rows.js'
import { inOrder, values, wish } from '../support/sharing.js'
import { makeTable, newKey, writeRow } from '../support/store.js'
import { behind, Gate } from '../support/stub/gate.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { withStub } from '../support/stub/stub.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

describe("a contender that another's answer says nothing certain about tries for itself", () => {
  /** The first attempt is in flight while the others begin: the second finds `holder`, and tells the others so. */
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
        const calls = inputs.map((input, index) => () => store.tryAcquireLease(wish(cacheKey, index, input)))
        results = values(await inOrder(gate, store, calls))
      },
    )
    expect(results.slice(0, 2).map(({ acquired }) => acquired)).toEqual([false, false])
    return results.slice(2)
  }

  test('whose clock says that the lease is over', async () => {
    const late = { nowMs: NOW + 5_000 }
    const [inTime, ...attempts] = await contend({}, [{}, late, late, late])
    expect(inTime).toMatchObject({ acquired: false, record: { leaseOwner: 'holder' } })
    // One of them takes it, and has it when the others come.
    const winners = attempts.filter(({ acquired }) => acquired)
    expect(winners).toHaveLength(1)
    const { leaseToken } = winners[0] ?? {}
    expect(attempts.map(({ record }) => record.leaseToken)).toEqual([leaseToken, leaseToken, leaseToken])
  })

  test('whose clock says so to the fraction of a millisecond, or not yet', async () => {
    const holder = { lease_expires_at_ms: N(NOW + 4_500.25) }
    const [before, after] = await contend(holder, [{ nowMs: NOW + 4_500 }, { nowMs: NOW + 4_500.25 }])
    expect([before?.acquired, after?.acquired]).toEqual([false, true])
  })

  test('who holds the lease itself', async () => {
    const own = { leaseOwner: 'holder' }
    const attempts = await contend({}, [own, {}, own])
    expect(attempts.map(({ acquired }) => acquired)).toEqual([true, false, true])
    expect(new Set(attempts.map(({ leaseToken }) => leaseToken)).size).toBe(3)
    expect(attempts[2]?.record.leaseToken).toBe(attempts[2]?.leaseToken)
  })

  test('whose clock says that the lease is too long to be one', async () => {
    const holder = { lease_expires_at: N(NOW_S + 7 * 86_400) }
    const [same, earlier] = await contend(holder, [{}, { nowMs: NOW - 1 }])
    expect([same?.acquired, earlier?.acquired]).toEqual([false, true])
  })
})
