// The class and its methods, called in wrong and unusual ways.
import { createFaceTheoryIsrMetaStore, FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { expectRefused, rejectionOf } from '../support/failure.js'
import { goodInput, hostile } from '../support/hostile/inputs.js'
import { inProcess } from '../support/isolated.js'
import { expectNothingSent, type Stub, startStub, storeAt } from '../support/stub/stub.js'

let stub: Stub
let store: FaceTheoryIsrMetaStore

// A stub for each test: a request of an earlier test may still be in flight.
beforeEach(async () => {
  stub = await startStub()
  store = storeAt(stub)
})
afterEach(() => stub.close())

const calls = {
  get: 'key',
  invalidate: 'key',
  tryAcquireLease: goodInput.tryAcquireLease,
  commitGeneration: goodInput.commitGeneration,
  releaseLease: goodInput.releaseLease,
  ensureTable: undefined,
} as const satisfies Partial<Record<keyof FaceTheoryIsrMetaStore, unknown>>

describe.each(Object.entries(calls))('%s', (name, argument) => {
  const method = hostile<(this: unknown, argument: unknown) => Promise<unknown>>(
    FaceTheoryIsrMetaStore.prototype[name as keyof typeof calls],
  )

  test('rejects on a receiver that is not a store, and nothing is sent', async () => {
    const receivers: Record<string, unknown> = {
      undefined: undefined,
      null: null,
      number: 1,
      string: 'text',
      symbol: Symbol('text'),
      object: {},
      function: () => {},
      'the class': FaceTheoryIsrMetaStore,
      'the prototype': FaceTheoryIsrMetaStore.prototype,
      'an object with the prototype': Object.create(FaceTheoryIsrMetaStore.prototype),
      'an object made for the class by another constructor': Reflect.construct(Object, [], FaceTheoryIsrMetaStore),
      'an object that inherits from a store': Object.create(store),
      'a proxy of a store': new Proxy(store, {}),
      'a proxy that throws': new Proxy(
        {},
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('of the proxy')
            },
          },
        ),
      ),
    }
    for (const [what, receiver] of Object.entries(receivers)) {
      const error = await rejectionOf(() => method.call(receiver, argument))
      expectRefused(error, TypeError, what)
      expect(error.message, what).toContain('FaceTheoryIsrMetaStore')
    }
    const detached = await rejectionOf(() => method(argument))
    expectRefused(detached, TypeError, 'detached')
    await expectNothingSent(stub)
  })

  test('can be bound and replaced like any method', async () => {
    const descriptor = Object.getOwnPropertyDescriptor(FaceTheoryIsrMetaStore.prototype, name)
    expect(descriptor).toMatchObject({ writable: true, configurable: true, enumerable: false })
    expect(method.name).toBe(name)
    stub.play(() => (response) => response.writeHead(400).end('{"__type":"ValidationException"}'))
    await method
      .bind(storeAt(stub))(argument)
      .catch(() => {})
    expect(stub.requests).not.toEqual([])
  })
})

test('an odd construction makes a store or another object, or throws, and never crashes', async () => {
  const outcomes = await inProcess({}, stub.endpoint, async ({ FaceTheoryIsrMetaStore }, endpoint) => {
    const get = FaceTheoryIsrMetaStore.prototype.get
    const args = ['isr', { endpoint }]
    const thrower = new Proxy(class {}, {
      get: () => {
        throw new Error('of the proxy')
      },
    })
    const outcome = async (newTarget: unknown): Promise<string> => {
      try {
        const made = Reflect.construct(FaceTheoryIsrMetaStore, args, newTarget as typeof FaceTheoryIsrMetaStore)
        return String(await get.call(made, 'key'))
      } catch (error) {
        return (error as Error).name
      }
    }
    class Unrelated {}
    const targets = [
      FaceTheoryIsrMetaStore,
      class extends FaceTheoryIsrMetaStore {},
      Unrelated,
      Array,
      Promise,
      thrower,
    ]
    const refused = [() => {}, 1, undefined, null, {}, async () => {}, Symbol.iterator]
    return { made: await Promise.all(targets.map(outcome)), refused: await Promise.all(refused.map(outcome)) }
  })
  expect(outcomes.made).toEqual(['null', 'null', 'TypeError', 'TypeError', 'TypeError', 'Error'])
  expect(outcomes.refused).toEqual(Array(7).fill('TypeError'))
})

test('a subclass works with its own methods, fields and arguments', async () => {
  class Counting extends FaceTheoryIsrMetaStore {
    calls = 0
    readonly #prefix: string
    constructor(table: string, prefix: string) {
      super(table, { endpoint: stub.endpoint })
      this.#prefix = prefix
    }
    override async get(cacheKey: string) {
      this.calls += 1
      return super.get(this.#prefix + cacheKey)
    }
  }
  const counting = new Counting('isr', 'tenant/')
  expect(await counting.get('key')).toBeNull()
  await counting.invalidate('key')
  expect(counting).toBeInstanceOf(FaceTheoryIsrMetaStore)
  expect(counting.calls).toBe(1)
  expect(JSON.stringify(stub.requests[0]?.body)).toContain('CACHE#tenant/key')
  expect(stub.operations()).toEqual(['Query', 'TransactWriteItems'])
})

test('the factory makes an instance of the class', async () => {
  const made = createFaceTheoryIsrMetaStore({ tableName: 'isr', endpoint: stub.endpoint })
  expect(made).toBeInstanceOf(FaceTheoryIsrMetaStore)
  expect(Object.getPrototypeOf(made)).toBe(FaceTheoryIsrMetaStore.prototype)
  expect(await made.get('key')).toBeNull()
})
