// Inputs other than plain objects: getters, proxies, prototypes, and values that are not objects.
import { runInNewContext } from 'node:vm'

import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { expectRefused, rejectionOf } from '../support/failure.js'
import { callWith, goodInput, hostile, type Method, methodFields, methods, samples } from '../support/hostile/inputs.js'
import { expectNothingSent, type Stub, startStub, storeAt, succeed } from '../support/stub/stub.js'

let stub: Stub
let store: FaceTheoryIsrMetaStore

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => {
  stub.play(succeed)
  store = newStore()
})
afterAll(() => stub.close())

const newStore = (): FaceTheoryIsrMetaStore => storeAt(stub, { leaseToken: () => 'token' })

const unprintable = {
  toString() {
    throw new Error('toString was called')
  },
  get message(): string {
    throw new Error('message was read')
  },
}

const thrown: [string, unknown][] = [
  ['an Error', new Error('of the app')],
  ['a TypeError with a code', Object.assign(new TypeError('of the app'), { code: 'ErrLeaseNotOwned' })],
  ['a string', 'text'],
  ['undefined', undefined],
  ['null', null],
  ['NaN', NaN],
  ['a symbol', Symbol('text')],
  ['a function', () => 'text'],
  ['an object that cannot be printed', unprintable],
  ['a frozen object', Object.freeze({})],
  ['an object without a prototype', Object.create(null)],
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('of the proxy')
        },
      },
    ),
  ],
]

const throwing = (value: unknown) => () => {
  throw value
}

function expectThrown(error: Error, value: unknown, about: string): void {
  expectRefused(hostile(error), TypeError, about)
  expect(Object.hasOwn(error, 'cause'), about).toBe(true)
  expect(Object.is(error.cause, value), about).toBe(true)
}

describe.each(methodFields)('%s: %s', (method, name) => {
  test('a getter that throws is refused with its error as the cause, and nothing is sent', async () => {
    for (const [what, value] of thrown) {
      const input = Object.defineProperty({ ...goodInput[method] }, name, { get: throwing(value), enumerable: true })
      const error = await rejectionOf(() => callWith(store, method, input))
      expectThrown(error, value, what)
      expect(error.message, what).toContain(name)
    }
    await expectNothingSent(stub)
  })

  test('a proxy that throws for the field is refused with its error as the cause, and nothing is sent', async () => {
    for (const [what, value] of thrown) {
      for (const trap of ['get', 'getOwnPropertyDescriptor'] as const) {
        const input = new Proxy(goodInput[method] as object, {
          [trap]: (target: object, key: PropertyKey) => {
            if (key === name) throw value
            return Reflect[trap](target, key)
          },
        })
        const error = await rejectionOf(() => callWith(store, method, input))
        expectThrown(error, value, `${trap}: ${what}`)
        expect(error.message, what).toContain(name)
      }
    }
    await expectNothingSent(stub)
  })
})

describe.each(methods)('%s', (method) => {
  const names = Object.keys(goodInput[method])

  test.each(['getters', 'a proxy'])('each property is read once from %s', async (how) => {
    const reads: string[] = []
    const read = (name: string): unknown => {
      reads.push(name)
      return goodInput[method][hostile<keyof (typeof goodInput)[Method]>(name)]
    }
    const getters = Object.fromEntries(names.map((name) => [name, { get: () => read(name), enumerable: true }]))
    const counted =
      how === 'getters'
        ? Object.defineProperties({}, getters)
        : new Proxy(goodInput[method] as object, { get: (_, name) => read(String(name)) })
    await callWith(store, method, counted)
    expect(reads.toSorted()).toEqual(names.toSorted())
  })

  test('an own property counts, enumerable or not, with any prototype', async () => {
    const hidden = Object.fromEntries(Object.entries(goodInput[method]).map(([name, value]) => [name, { value }]))
    const inputs = [null, Array.prototype, { etag: 1 }].map((prototype) => Object.create(prototype, hidden) as unknown)
    for (const input of [goodInput[method], ...inputs]) await callWith(newStore(), method, input)
    const bodies = stub.requests.map(({ body: { ClientRequestToken, ...body } }) => body)
    const ofPlainInput = bodies.slice(0, bodies.length / 4)
    expect(ofPlainInput).not.toEqual([])
    for (const body of bodies) expect(ofPlainInput).toContainEqual(body)
  })

  test('an inherited property counts as absent', async () => {
    const refusals = await Promise.all(
      ['cacheKey', 'leaseOwner'].map((name) => {
        const { [name]: inherited, ...own } = goodInput[method] as Record<string, unknown>
        return rejectionOf(() => callWith(store, method, Object.assign(Object.create({ [name]: inherited }), own)))
      }),
    )
    for (const [index, error] of refusals.entries()) {
      expectRefused(error, TypeError, method)
      expect(error.message).toBe(`${['cacheKey', 'leaseOwner'][index]} must be a string, not undefined`)
    }
    await expectNothingSent(stub)
  })

  test('an input that is not an object is refused with a TypeError that says so, and nothing is sent', async () => {
    const { object, date, promise, ...others } = samples
    const isObject = (type: string): boolean => /^(boxed|object)/.test(type)
    for (const [type, value] of Object.entries(others).filter(([type]) => !isObject(type))) {
      const error = await rejectionOf(() => callWith(store, method, value))
      expectRefused(error, TypeError, type)
      expect(error.message, type).toMatch(/^input must be an object, not /)
    }
    for (const [index, value] of [object, date, promise, new Map(), new String('text')].entries()) {
      const error = await rejectionOf(() => callWith(store, method, value))
      expectRefused(error, TypeError, String(index))
      expect(error.message).toMatch(/^\w+ must be a \w+, not undefined$/)
    }
    await expectNothingSent(stub)
  })

  test('a revoked proxy is refused, and nothing is sent', async () => {
    for (const target of [{}, [], () => {}]) {
      const { proxy, revoke } = Proxy.revocable(target, {})
      revoke()
      const error = await rejectionOf(() => callWith(store, method, proxy))
      expectRefused(error, TypeError, typeof target)
    }
    await expectNothingSent(stub)
  })

  test('further properties are ignored, and not read', async () => {
    const input = Object.defineProperty({ ...goodInput[method] }, 'other', { get: throwing('read'), enumerable: true })
    await callWith(store, method, input)
    expect(stub.requests).not.toEqual([])
  })
})

describe.each(['get', 'invalidate'] as const)('%s', (method) => {
  test('a cache key that is a proxy is refused, revoked or not, and nothing is sent', async () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const alive = new Proxy({}, new Proxy({}, { get: throwing('a trap was asked for') }))
    for (const [what, value] of Object.entries({ revoked: revoked.proxy, alive })) {
      const error = await rejectionOf(() => store[method](hostile<string>(value)))
      expectRefused(error, TypeError, what)
      expect(error.message).toContain('cacheKey')
    }
    await expectNothingSent(stub)
  })
})

test('a strictCspPolicy whose members throw or are not false is refused, and nothing is sent', async () => {
  const commit = (strictCspPolicy: unknown): Promise<unknown> =>
    callWith(store, 'commitGeneration', { ...goodInput.commitGeneration, strictCspPolicy })
  for (const name of ['inlineScripts', 'inlineStyles']) {
    const error = await rejectionOf(() =>
      commit({
        get [name]() {
          throw unprintable
        },
      }),
    )
    expectThrown(error, unprintable, name)
    expect(error.message).toContain(name)
    for (const value of [null, 0, '', 'false', NaN, 0n, new Boolean(false), () => false, [], {}]) {
      const error = await rejectionOf(() => commit({ [name]: value }))
      expectRefused(error, TypeError, String(value))
      expect(error.message).toContain(name)
    }
  }
  for (const value of [true, 'false', 0, [], () => {}]) {
    const error = await rejectionOf(() => commit(value))
    expectRefused(error, TypeError, String(value))
    expect(error.message).toContain('strictCspPolicy')
  }
  await expectNothingSent(stub)
})

test('a strictCspPolicy that is not a plain object is refused, and nothing is sent', async () => {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const policies = {
    'a promise of a policy': Promise.resolve({ inlineScripts: false }),
    'a date': new Date(0),
    'a map': new Map([['inlineScripts', false]]),
    'an error': new Error('of the app'),
    'an instance of a class': new (class {
      inlineScripts = false
    })(),
    'an object that inherits its members': Object.create({ inlineScripts: false }),
    'a promise of another realm': runInNewContext('Promise.resolve({ inlineScripts: false })'),
    'an instance of a class of another realm': runInNewContext('new (class { inlineScripts = false })()'),
    'a revoked proxy': revoked.proxy,
    'a proxy that throws': new Proxy({}, { ownKeys: throwing(unprintable) }),
  }
  for (const [what, strictCspPolicy] of Object.entries(policies)) {
    const input = { ...goodInput.commitGeneration, strictCspPolicy }
    const error = await rejectionOf(() => callWith(store, 'commitGeneration', input))
    expectRefused(error, TypeError, what)
    expect(error.message, what).toContain('strictCspPolicy')
  }
  await expectNothingSent(stub)
})
