// Answers that are lost after the request took effect: the call succeeds, and costs one more request.
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'

import { expectCode, rejectionOf } from '../support/failure.js'
import { acquire, commit, NOW, pkOf, publish } from '../support/rows.js'
import { makeTable, newKey, readRow, sortKeys, storeOf } from '../support/store.js'
import { type Fate, losingFirstAnswers, losses, partitionOf, storeBehind, through } from '../support/stub/proxy.js'
import { type Script, type Stub, succeed, withStub } from '../support/stub/stub.js'

let table: string
let direct: FaceTheoryIsrMetaStore

beforeAll(async () => {
  table = await makeTable()
  direct = storeOf(table)
})

const keys = (count: number): string[] => Array.from({ length: count }, newKey)

const leaseOf = async (store: FaceTheoryIsrMetaStore, cacheKey: string) => {
  const { leaseToken } = await acquire(store, cacheKey)
  return { cacheKey, leaseOwner: 'owner', leaseToken: leaseToken ?? 'none' }
}

/** Expects two requests of `operation` for each key, and at most one of any other operation. */
function expectOneMore(stub: Stub, operation: string, cacheKeys: string[]): void {
  const sent = (wanted: boolean) =>
    stub.requests
      .filter((request) => (request.operation === operation) === wanted)
      .map(partitionOf)
      .toSorted()
  const once = cacheKeys.map(pkOf).toSorted()
  expect(sent(true)).toEqual(once.flatMap((partition) => [partition, partition]))
  if (sent(false).length > 0) expect(sent(false)).toEqual(once)
}

describe('after one lost answer for each key', () => {
  test('200 acquires succeed with the token in the row', () =>
    withStub(losingFirstAnswers('PutItem'), async (stub) => {
      const store = storeBehind(table, stub)
      const cacheKeys = keys(200)
      const attempts = await Promise.all(cacheKeys.map((cacheKey) => acquire(store, cacheKey)))
      expectOneMore(stub, 'PutItem', cacheKeys)
      const rows = await Promise.all(cacheKeys.map((cacheKey) => readRow(table, pkOf(cacheKey), 'LOCK')))
      for (const [index, { acquired, leaseToken, record }] of attempts.entries()) {
        expect({ acquired, leaseToken }).toEqual({ acquired: true, leaseToken: rows[index]?.lease_token?.S })
        expect(record).toMatchObject({ leaseOwner: 'owner', leaseToken, leaseExpiresAt: NOW + 5_000 })
      }
    }))

  test('200 commits have published their pages and ended their leases, and their releases send nothing', () =>
    withStub(losingFirstAnswers('TransactWriteItems'), async (stub) => {
      const store = storeBehind(table, stub)
      const leases = await Promise.all(keys(200).map((cacheKey) => leaseOf(direct, cacheKey)))
      const cacheKeys = leases.map(({ cacheKey }) => cacheKey)
      await Promise.all(
        leases.map(async (lease) => {
          const { cacheKey, leaseToken } = lease
          await commit(store, cacheKey, leaseToken, { htmlPointer: leaseToken })
          await store.releaseLease(lease)
          expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['META'])
          expect(await direct.get(cacheKey)).toMatchObject({ htmlPointer: leaseToken, leaseToken: null })
        }),
      )
      expectOneMore(stub, 'TransactWriteItems', cacheKeys)
    }))

  test('50 releases have deleted their leases', () =>
    withStub(losingFirstAnswers('DeleteItem'), async (stub) => {
      const store = storeBehind(table, stub)
      const cacheKeys = keys(50)
      await Promise.all(
        cacheKeys.map(async (cacheKey) => {
          await store.releaseLease(await leaseOf(direct, cacheKey))
          expect(await direct.get(cacheKey)).toBeNull()
        }),
      )
      expectOneMore(stub, 'DeleteItem', cacheKeys)
    }))

  test('50 invalidations have deleted page and lease', () =>
    withStub(losingFirstAnswers('TransactWriteItems'), async (stub) => {
      const store = storeBehind(table, stub)
      const cacheKeys = keys(50)
      await Promise.all(
        cacheKeys.map(async (cacheKey) => {
          await publish(direct, cacheKey)
          await acquire(direct, cacheKey)
          await store.invalidate(cacheKey)
          expect(await direct.get(cacheKey)).toBeNull()
        }),
      )
      expectOneMore(stub, 'TransactWriteItems', cacheKeys)
    }))

  test('50 gets return their records', () =>
    withStub(losingFirstAnswers('Query'), async (stub) => {
      const store = storeBehind(table, stub)
      const cacheKeys = keys(50)
      await Promise.all(
        cacheKeys.map(async (cacheKey) => {
          const lease = await leaseOf(direct, cacheKey)
          expect(await store.get(cacheKey)).toMatchObject(lease)
        }),
      )
      expectOneMore(stub, 'Query', cacheKeys)
    }))
})

describe.each(losses)('when every attempt %s', (fate) => {
  const losing = (operation: string, onlyAt?: number): Script =>
    through(
      (request, index): Fate =>
        request.operation === operation && (onlyAt === undefined || index === onlyAt) ? fate : 'passes',
    )

  test('an acquire rejects with ErrUnavailable, and releases the lease that it may have acquired', () =>
    withStub(losing('PutItem'), async (stub) => {
      const cacheKey = newKey()
      expectCode(await rejectionOf(() => acquire(storeBehind(table, stub), cacheKey)), 'ErrUnavailable')
      // Three attempts, of which one on an idle connection may be sent once more.
      expect([3, 4]).toContain(stub.count('PutItem'))
      expect(stub.count('DeleteItem')).toBe(1)
      expect(await sortKeys(table, pkOf(cacheKey))).toEqual([])
    }))

  test('a commit rejects with ErrUnavailable, not ErrLeaseNotOwned, and a second commit of its token is refused', () =>
    withStub(losing('TransactWriteItems'), async (stub) => {
      const store = storeBehind(table, stub)
      const { cacheKey, leaseToken } = await leaseOf(store, newKey())
      expectCode(await rejectionOf(() => commit(store, cacheKey, leaseToken)), 'ErrUnavailable')
      expect([3, 4]).toContain(stub.count('TransactWriteItems'))
      expect(await sortKeys(table, pkOf(cacheKey))).toEqual(['META'])
      expectCode(await rejectionOf(() => commit(direct, cacheKey, leaseToken)), 'ErrLeaseNotOwned')
    }))

  test('a release resolves, and the lease is deleted', () =>
    withStub(losing('DeleteItem'), async (stub) => {
      const store = storeBehind(table, stub)
      const lease = await leaseOf(store, newKey())
      expect(await store.releaseLease(lease)).toBeUndefined()
      expect(await direct.get(lease.cacheKey)).toBeNull()
    }))

  test('an acquire returns acquired: false when its lease was taken over before its next attempt', () =>
    withStub(succeed, async (stub) => {
      const cacheKey = newKey()
      const lose = losing('PutItem', 0)
      stub.play(async (request, index) => {
        const answer = await lose(request, index)
        if (request.operation === 'PutItem' && index === 0) {
          await acquire(direct, cacheKey, { leaseOwner: 'other', nowMs: NOW + 5_000 })
        }
        return answer
      })
      const { acquired, leaseToken, record } = await acquire(storeBehind(table, stub), cacheKey)
      expect({ acquired, leaseToken, leaseOwner: record.leaseOwner }).toEqual({
        acquired: false,
        leaseToken: null,
        leaseOwner: 'other',
      })
    }))
})
