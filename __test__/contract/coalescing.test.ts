// Request coalescing: concurrent calls for one key share requests, and no call gets an answer that is older than itself.
import type { FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { metaRow, NOW, S } from '../support/rows.js'
import { atOnce, count, crowd, leaseInput, sharing, showing, values } from '../support/sharing.js'
import { makeTable, newKey, storeOf, writeRow } from '../support/store.js'
import { allBegun, behind, Gate } from '../support/stub/gate.js'
import { partitionOf, storeBehind, through } from '../support/stub/proxy.js'
import { type Script, storeAt, succeed, withStub } from '../support/stub/stub.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

test('three calls in one tick share one request, for each of 500 keys', () =>
  withStub(showing('page'), async (stub) => {
    const store = storeAt(stub)
    for (const index of crowd(500)) await Promise.all(crowd(3).map(() => store.get(`key ${index}`)))
    expect(count(stub, 'Query')).toBe(500)
  }))

describe('500 concurrent calls for one key', () => {
  test('of get share one request, and each returns a record object of its own', () => {
    const gate = new Gate()
    return withStub(behind(gate, showing('page')), async (stub) => {
      const store = storeAt(stub)
      const records = values(
        await atOnce(
          gate,
          store,
          crowd(500).map(() => () => store.get('key')),
        ),
      )
      expect(count(stub, 'Query')).toBe(1)
      expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(1)
      expect(records[0]).toMatchObject({ cacheKey: 'key', htmlPointer: 'page' })
      // A change to one of the objects must not be visible to the other callers.
      expect(new Set(records).size).toBe(500)
    })
  })

  test('of get share one request to DynamoDB, and all return the page', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        through(() => 'passes'),
      ),
      async (stub) => {
        const cacheKey = newKey()
        await writeRow(table, metaRow(cacheKey))
        const store = storeBehind(table, stub)
        const records = values(
          await atOnce(
            gate,
            store,
            crowd(500).map(() => () => store.get(cacheKey)),
          ),
        )
        expect(count(stub, 'Query')).toBe(1)
        expect(records.map((record) => record?.htmlPointer)).toEqual(crowd(500).map(() => 'pages/1.html'))
      },
    )
  })

  test('of tryAcquireLease share one put to DynamoDB: one acquires the lease, and the others return its holder', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        through(() => 'passes'),
      ),
      async (stub) => {
        const cacheKey = newKey()
        const store = storeBehind(table, stub)
        const attempts = values(
          await atOnce(
            gate,
            store,
            crowd(500).map((index) => () => store.tryAcquireLease(leaseInput(cacheKey, index))),
          ),
        )
        expect(count(stub, 'PutItem')).toBe(1)
        const winners = attempts.filter(({ acquired }) => acquired)
        expect(winners).toHaveLength(1)
        const { leaseOwner, leaseToken } = winners[0]?.record ?? {}
        expect(await store.get(cacheKey)).toMatchObject({ leaseOwner, leaseToken })
        for (const [index, { acquired, record, leaseToken: own }] of attempts.entries()) {
          expect(own).toBe(acquired ? leaseToken : null)
          // Without a page, each record has the fallback of its own caller.
          const revalidateSeconds = 100 + index
          expect(record).toMatchObject({
            cacheKey,
            leaseOwner,
            leaseToken,
            leaseExpiresAt: NOW + 5_000,
            revalidateSeconds,
          })
        }
      },
    )
  })
})

describe.each(sharing)('$method', ({ operation, call }) => {
  test('waits for the answer of a request in flight, and then sends one request for all ten waiting calls', () => {
    const gate = new Gate()
    return withStub(
      behind(gate, succeed, (request) => request.operation === operation),
      async (stub) => {
        const store = storeAt(stub)
        const first = gate.arrival()
        const calls = [call(store, 'key', 0)]
        await first
        const second = gate.arrival()
        calls.push(...crowd(10).map((index) => call(store, 'key', index + 1)))
        await allBegun(store)
        expect(count(stub, operation)).toBe(1)
        gate.letOneGo()
        await second
        expect(count(stub, operation)).toBe(2)
        gate.open()
        await Promise.all(calls)
        expect(count(stub, operation)).toBe(2)
      },
    )
  })

  test('returns no answer older than the call, and sends at most one request a tick, for random events', async () => {
    /** Calls begin, a writer changes the page, or the oldest request is answered. */
    const event = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('call' as const), callers: fc.integer({ min: 1, max: 4 }) }),
      },
      { weight: 2, arbitrary: fc.constant({ kind: 'write' as const }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'answer' as const }) },
    )
    const property = fc.asyncProperty(fc.array(event, { maxLength: 12 }), (events) => {
      const gate = new Gate()
      let written = 0
      const script: Script = (request, index) => showing(String(written))(request, index)
      return withStub(
        behind(gate, script, (request) => request.operation !== 'PutItem'),
        async (stub) => {
          const store = storeAt(stub)
          const calls: Promise<void>[] = []
          let most = 0
          for (const happening of events) {
            if (happening.kind === 'write') written += 1
            if (happening.kind === 'answer') gate.letOneGo()
            if (happening.kind !== 'call') continue
            // Calls of one tick share a request.
            most += 1
            for (const index of crowd(happening.callers)) {
              const before = written
              const seen = call(store, 'key', index).then((record) => {
                expect(Number(record?.htmlPointer)).toBeGreaterThanOrEqual(before)
              })
              calls.push(seen)
            }
            await allBegun(store)
          }
          gate.open()
          await Promise.all(calls)
          expect(count(stub, operation)).toBeLessThanOrEqual(most)
        },
      )
    })
    await fc.assert(property, { numRuns: 60 })
  }, 120_000)

  test('returns the page that was in DynamoDB before the call, or a newer one', async () => {
    const cacheKey = newKey()
    const store = storeOf(table)
    const calls: Promise<number[]>[] = []
    for (const version of crowd(100)) {
      await writeRow(table, { ...metaRow(cacheKey), s3_key: S(String(version)) })
      for (const index of crowd(5)) {
        calls.push(call(store, cacheKey, index).then((record) => [version, Number(record?.htmlPointer)]))
      }
    }
    const seen = await Promise.all(calls)
    expect(seen.filter(([before = 0, version = -1]) => version < before)).toEqual([])
  })

  test('shares no request between keys, prefixes, stores or values of consistentRead', () => {
    const gate = new Gate()
    return withStub(
      behind(gate, succeed, (request) => request.operation === operation),
      async (stub) => {
        const options: FaceTheoryIsrMetaStoreOptions[] = [{}, {}, { pkPrefix: 'other#' }, { consistentRead: false }]
        const stores = options.map((one) => storeAt(stub, one))
        const all = stores.flatMap((store) => ['a', 'b'].map((key) => ({ store, key, arrival: gate.arrival() })))
        const calls = all.map(({ store, key }) => call(store, key, 0))
        // All eight requests are in flight, and none is answered.
        await Promise.all(all.map(({ arrival }) => arrival))
        expect(
          stub.requests
            .filter((one) => one.operation === operation)
            .map(partitionOf)
            .toSorted(),
        ).toEqual(['CACHE#a', 'CACHE#b', 'other#a', 'other#b', 'CACHE#a', 'CACHE#b', 'CACHE#a', 'CACHE#b'].toSorted())
        gate.open()
        await Promise.all(calls)
      },
    )
  })

  test('does not delay a call of the other method for the same key', () => {
    const gate = new Gate()
    return withStub(
      behind(gate, succeed, (request) => request.operation === operation),
      async (stub) => {
        const store = storeAt(stub)
        const arrival = gate.arrival()
        const held = call(store, 'key', 0)
        await arrival
        for (const other of sharing) if (other.call !== call) await other.call(store, 'key', 1)
        expect(gate.length).toBe(1)
        gate.open()
        await held
      },
    )
  })

  test('shares requests between two cache keys of one partition, and each record has its own cache key', () => {
    const gate = new Gate()
    return withStub(behind(gate, showing('page')), async (stub) => {
      const store = storeAt(stub, { pkFromCacheKey: () => 'one partition' })
      const keys = crowd(20).map((index) => `key ${index % 2}`)
      const calls = keys.map((key, index) => () => call(store, key, index))
      // A barrier of this store would be in the same partition and wait at the gate, so another store makes it.
      const settled = Promise.allSettled(calls.map((one) => one()))
      await allBegun(storeAt(stub))
      gate.open()
      expect(values(await settled).map((record) => record?.cacheKey)).toEqual(keys)
      expect(count(stub, operation)).toBeLessThan(4)
    })
  })
})
