// A server that goes down and comes back, and the idle connections of a store to it.
import type { IsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { release, reporting } from '../support/calls.js'
import { Contender } from '../support/contenders.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import { acquire, commit } from '../support/rows.js'
import { makeTable, newKey } from '../support/store.js'
import { storeBehind, through } from '../support/stub/proxy.js'
import { type Stub, startStub } from '../support/stub/stub.js'

const pooled = 20
const pass = through(() => 'passes')

let table: string
let stub: Stub

beforeAll(async () => {
  table = await makeTable()
})
beforeEach(async () => {
  const started = await startStub()
  stub = started
  stub.play(pass)
  onTestFinished(() => started.close())
})

/** Calls all five methods, and expects the right answer from each. */
async function regenerate(store: IsrMetaStore): Promise<void> {
  const cacheKey = newKey()
  const { leaseToken } = await acquire(store, cacheKey)
  await commit(store, cacheKey, leaseToken ?? 'none')
  expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'pages/1.html', leaseToken: null })
  const again = await acquire(store, cacheKey)
  await store.releaseLease({ cacheKey, leaseOwner: 'owner', leaseToken: again.leaseToken ?? 'none' })
  await store.invalidate(cacheKey)
  expect(await store.get(cacheKey)).toBeNull()
}

const atOnce = (count: number, call: () => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(Array.from({ length: count }, call))

/** Opens `pooled` connections: no request is answered before the last one has arrived. */
async function openConnections(store: Pick<IsrMetaStore, 'get'>): Promise<void> {
  let open = (): void => {}
  const allAreThere = new Promise<void>((resolve) => {
    open = resolve
  })
  stub.play(async (request, index) => {
    if (index === pooled - 1) open()
    await allAreThere
    return pass(request, index)
  })
  await atOnce(pooled, () => store.get(newKey()))
  expect(stub.accepted()).toBe(pooled)
  stub.play(pass)
}

describe('a server that is down', () => {
  test('makes all calls but a release reject with ErrUnavailable, and the next calls succeed when it is back', async () => {
    const store = storeBehind(table, stub)
    for (let round = 0; round < 3; round++) {
      await regenerate(store)
      await stub.close()
      for (const { run } of reporting) {
        const error = await rejectionOf(() => run(store, newKey()))
        expectCode(error, 'ErrUnavailable')
        expect(error.message).toContain(`endpoint ${stub.endpoint}`)
      }
      await release.run(store, newKey())
      await stub.reopen()
      // The circuit may be open. An invalidate is always sent, and its answer closes the circuit.
      await store.invalidate(newKey())
    }
    await regenerate(store)
  })

  test('makes no call fail when it is back before the last attempt', async () => {
    const store = storeBehind(table, stub, { maxAttempts: 10 })
    await regenerate(store)
    await stub.close()
    const calls = atOnce(pooled, () => regenerate(store))
    await stub.reopen()
    await calls
  })
})

describe.each(['end', 'reset'] as const)('connections that are cut (%s) while they are idle', (how) => {
  test('do not make the next call fail', async () => {
    const store = storeBehind(table, stub)
    await openConnections(store)
    stub.cutConnections(how)
    await regenerate(store)
  })

  test(`do not make ${pooled} concurrent calls fail`, async () => {
    const store = storeBehind(table, stub)
    await openConnections(store)
    stub.cutConnections(how)
    await atOnce(pooled, () => regenerate(store))
  })

  test('do not make calls fail when the server was down meanwhile', async () => {
    const store = storeBehind(table, stub)
    await openConnections(store)
    stub.cutConnections(how)
    await stub.close()
    await stub.reopen()
    await atOnce(pooled, () => regenerate(store))
  })

  // Windows has no signal that stops a process.
  test.skipIf(process.platform === 'win32').each([
    ['the next call', 1],
    [`the next ${pooled} calls`, pooled],
  ])('of a stopped process do not make %s fail when it resumes', async (_, calls) => {
    const process = await Contender.start(table, { endpoint: stub.endpoint })
    await openConnections(process.store)
    process.stop()
    stub.cutConnections(how)
    const woken = atOnce(calls, () => regenerate(process.store))
    process.resume()
    await woken
    expect(await process.end()).toBe(0)
  })
})

describe('connections that stopped answering while they were idle', () => {
  test('cost one attempt, after which the store drops them', async () => {
    const store = storeBehind(table, stub, { requestTimeoutMs: 400 })
    await openConnections(store)
    stub.muteConnections()
    await store.get(newKey())
    await regenerate(store)
    expect(stub.swallowed()).toBe(1)
  })

  test(`do not make ${pooled} concurrent calls fail`, async () => {
    const store = storeBehind(table, stub, { requestTimeoutMs: 1_000 })
    await openConnections(store)
    stub.muteConnections()
    await atOnce(pooled, () => store.get(newKey()))
    await atOnce(pooled, () => regenerate(store))
  })
})
