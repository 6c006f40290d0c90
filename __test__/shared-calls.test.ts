// Calls for one key that are under way at the same time share what they ask, and never an answer older than themselves.
import type {
  FaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStoreOptions,
  IsrMetaRecord,
  IsrStoreFailure,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import { expectCode } from './support/failure.js'
import { allBegun, asked, behind, Gate } from './support/gate.js'
import { partitionOf, storeBehind, through } from './support/proxy.js'
import { lockRow, metaRow, N, NOW, NOW_S, S } from './support/rows.js'
import { makeTable, newKey, storeOf, writeRow } from './support/store.js'
import {
  type Answer,
  fault,
  hangUp,
  json,
  type Script,
  type Stub,
  silence,
  storeAt,
  succeed,
  withStub,
} from './support/stub.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const crowd = (size: number): number[] => Array.from({ length: size }, (_, index) => index)

const wish = (cacheKey: string, index: number, input: Partial<TryAcquireIsrLeaseInput> = {}) => ({
  cacheKey,
  leaseOwner: `owner ${index}`,
  nowMs: NOW,
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 100 + index,
  ...input,
})

/** A call that shares: how it is made, and the request that is shared. */
interface Sharing {
  method: 'get' | 'tryAcquireLease'
  operation: 'Query' | 'PutItem'
  call: (store: FaceTheoryIsrMetaStore, cacheKey: string, index: number) => Promise<IsrMetaRecord | null>
}
const sharing: Sharing[] = [
  { method: 'get', operation: 'Query', call: (store, cacheKey) => store.get(cacheKey) },
  {
    method: 'tryAcquireLease',
    operation: 'PutItem',
    call: async (store, cacheKey, index) => (await store.tryAcquireLease(wish(cacheKey, index))).record,
  },
]

const count = (stub: Stub, operation: string): number => asked(stub, operation).length

type Calls<T> = readonly (() => Promise<T>)[]

/** All at once: none is answered before all have begun. Which of them goes first is left open. */
async function atOnce<T>(
  gate: Gate,
  store: FaceTheoryIsrMetaStore,
  calls: Calls<T>,
): Promise<PromiseSettledResult<T>[]> {
  const settled = Promise.allSettled(calls.map((call) => call()))
  await allBegun(store)
  gate.open()
  return settled
}

/** The first of them is in flight while all others begin; the second goes next, and for them. */
async function inOrder<T>(
  gate: Gate,
  store: FaceTheoryIsrMetaStore,
  calls: Calls<T>,
): Promise<PromiseSettledResult<T>[]> {
  const begun: Promise<T>[] = []
  const arrival = gate.arrival()
  const begin = (some: Calls<T>): void => {
    for (const call of some) {
      const promise = call()
      // It may fail before anybody looks at it.
      promise.catch(() => {})
      begun.push(promise)
    }
  }
  begin(calls.slice(0, 1))
  await arrival
  begin(calls.slice(1, 2))
  await allBegun(store)
  begin(calls.slice(2))
  await allBegun(store)
  gate.open()
  return Promise.allSettled(begun)
}

function values<T>(settled: PromiseSettledResult<T>[]): T[] {
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

const failures = <T>(settled: PromiseSettledResult<T>[]): unknown[] =>
  settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))

/** A page, as a Query or a GetItem would show it. */
const showing = (page: string): Script => {
  const item = { ...metaRow(''), s3_key: S(page) }
  return ({ operation }) => json(operation === 'Query' ? { Items: [item], Count: 1 } : { Item: item })
}

describe('500 calls at once for one key', () => {
  test('get: one request, and everybody has the record', () => {
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
      // None is another's object: what one caller does to it, no other sees.
      expect(new Set(records).size).toBe(500)
    })
  })

  test('get, in DynamoDB: one request, and everybody has the record', () => {
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

  test('tryAcquireLease, in DynamoDB: one gets the lease, the others are shown it, with one request', () => {
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
            crowd(500).map((index) => () => store.tryAcquireLease(wish(cacheKey, index))),
          ),
        )
        expect(count(stub, 'PutItem')).toBe(1)
        const winners = attempts.filter(({ acquired }) => acquired)
        expect(winners).toHaveLength(1)
        const { leaseOwner, leaseToken } = winners[0]?.record ?? {}
        expect(await store.get(cacheKey)).toMatchObject({ leaseOwner, leaseToken })
        for (const [index, { acquired, record, leaseToken: own }] of attempts.entries()) {
          expect(own).toBe(acquired ? leaseToken : null)
          // What the page does not say, each says for itself.
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
  test('who comes while one is in flight waits for its answer, and then goes with all who wait', () => {
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

  test('whatever comes when, nobody has an answer older than the call, and no answer is asked for twice', async () => {
    /** Calls begin, a writer changes the page, the oldest request is answered. */
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
            // Those of one turn go together.
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

  test('in DynamoDB, nobody misses what was written before the call', async () => {
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

  test('other keys, prefixes, stores and kinds of reading are other calls', () => {
    const gate = new Gate()
    return withStub(
      behind(gate, succeed, (request) => request.operation === operation),
      async (stub) => {
        const options: FaceTheoryIsrMetaStoreOptions[] = [{}, {}, { pkPrefix: 'other#' }, { consistentRead: false }]
        const stores = options.map((one) => storeAt(stub, one))
        const all = stores.flatMap((store) => ['a', 'b'].map((key) => ({ store, key, arrival: gate.arrival() })))
        const calls = all.map(({ store, key }) => call(store, key, 0))
        // All are in flight, and none is answered.
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

  test('the other method for the same key does not wait', () => {
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

  test('two cache keys in one partition share, and each has its own in its record', () => {
    const gate = new Gate()
    return withStub(behind(gate, showing('page')), async (stub) => {
      const store = storeAt(stub, { pkFromCacheKey: () => 'one partition' })
      const keys = crowd(20).map((index) => `key ${index % 2}`)
      const calls = keys.map((key, index) => () => call(store, key, index))
      // Whoever waits for the others does so in the same partition here, and so not behind the gate.
      const settled = Promise.allSettled(calls.map((one) => one()))
      await allBegun(storeAt(stub))
      gate.open()
      expect(values(await settled).map((record) => record?.cacheKey)).toEqual(keys)
      expect(count(stub, operation)).toBeLessThan(4)
    })
  })
})

/** Fails some of the requests for the operation; `index` counts them from 0. */
const failing =
  (operation: string, how: Answer, fails: (index: number) => boolean = () => true): Script =>
  (request, index) =>
    request.operation === operation && fails(index) ? how : succeed(request, index)

describe.each(sharing)('$method that fails', ({ operation, call }) => {
  const denied = fault('AccessDeniedException')

  test('fails whoever made it, and nobody else', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        failing(operation, denied, (index) => index === 0),
      ),
      async (stub) => {
        const store = storeAt(stub)
        const settled = await inOrder(
          gate,
          store,
          crowd(20).map((index) => () => call(store, 'key', index)),
        )
        expect(settled.map(({ status }) => status)).toEqual(
          crowd(20).map((index) => (index === 0 ? 'rejected' : 'fulfilled')),
        )
        for (const error of failures(settled)) expectCode(error as IsrStoreFailure, 'ErrAccessDenied')
        expect(count(stub, operation)).toBe(2)
      },
    )
  })

  test('for many fails whoever made it, and the next of them makes it again', () => {
    const gate = new Gate()
    return withStub(
      behind(
        gate,
        failing(operation, denied, (index) => index === 1),
      ),
      async (stub) => {
        const store = storeAt(stub)
        const settled = await inOrder(
          gate,
          store,
          crowd(20).map((index) => () => call(store, 'key', index)),
        )
        expect(failures(settled)).toHaveLength(1)
        expect(count(stub, operation)).toBe(3)
      },
    )
  })

  test.each([
    ['for good', denied, 'ErrAccessDenied', 1],
    ['for now', hangUp, 'ErrUnavailable', 2],
  ] as const)('again and again, %s, fails all 200 after a few requests', (_, answer, code, attempts) => {
    const gate = new Gate()
    return withStub(behind(gate, failing(operation, answer)), async (stub) => {
      const store = storeAt(stub, { maxAttempts: attempts })
      const settled = await atOnce(
        gate,
        store,
        crowd(200).map((index) => () => call(store, 'key', index)),
      )
      expect(failures(settled)).toHaveLength(200)
      for (const error of failures(settled)) expectCode(error as IsrStoreFailure, code)
      expect(count(stub, operation)).toBeLessThanOrEqual(4 * attempts)
    })
  })

  test('because its time is up fails nobody who has time left', async () => {
    let hasShown = false
    // On a busy machine both may run out of time, which says nothing; with more time they will not.
    for (let operationTimeoutMs = 1_000; !hasShown && operationTimeoutMs < 60_000; operationTimeoutMs *= 3) {
      await withStub(
        failing(operation, silence, (index) => index === 0),
        async (stub) => {
          const store = storeAt(stub, { operationTimeoutMs, requestTimeoutMs: operationTimeoutMs })
          const first = call(store, 'key', 0)
          const late = new Promise((resolve) => setTimeout(resolve, operationTimeoutMs / 2)).then(() =>
            call(store, 'key', 1),
          )
          const [early, other] = await Promise.allSettled([first, late])
          expect(early).toMatchObject({ status: 'rejected', reason: { code: 'ErrTimeout' } })
          if (other.status === 'rejected') expect(other.reason).toMatchObject({ code: 'ErrTimeout' })
          else hasShown = true
        },
      )
    }
    expect(hasShown).toBe(true)
  }, 120_000)
})

test('nobody is told that the time is up before it is', async () => {
  const operationTimeoutMs = 800
  await withStub(
    () => silence,
    async (stub) => {
      const timesUp = sharing.map(async ({ call }) => {
        const store = storeAt(stub, { operationTimeoutMs })
        // The first is in flight until its time is up. Then the next two are, for a moment each, and the others wait.
        const calls = [0, 100, 200, 600, 700].map(async (delay, index) => {
          await new Promise((resolve) => setTimeout(resolve, delay))
          const began = performance.now()
          await expect(call(store, 'key', index)).rejects.toMatchObject({ code: 'ErrTimeout' })
          return performance.now() - began
        })
        return Promise.all(calls)
      })
      // An attempt at a lease ends a little earlier, to give back what it may have taken.
      const most = (await Promise.all(timesUp)).flat().filter((elapsedMs) => elapsedMs < 0.85 * operationTimeoutMs)
      expect(most).toEqual([])
    },
  )
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
