// Partition keys and lease tokens: pkPrefix, pkFromCacheKey and leaseToken.
import { createHash } from 'node:crypto'

import type { FaceTheoryIsrMetaStore, FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { acquire, commit, get, invalidate, type MethodCall, release } from '../support/calls.js'
import { expectInvalid, rejectionOf } from '../support/failure.js'
import { hostile, loneSurrogates, samples } from '../support/hostile/inputs.js'
import { expectNothingSent, type Stub, startStub, storeAt, succeed } from '../support/stub/stub.js'

let stub: Stub

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => stub.play(succeed))
afterAll(() => stub.close())

const storeWith = (options: FaceTheoryIsrMetaStoreOptions): FaceTheoryIsrMetaStore => storeAt(stub, options)

const all: MethodCall[] = [get, invalidate, acquire, commit, release]

/** The partition keys in the requests so far. */
function partitions(): string[] {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'pk' || name === ':pk') found.add((inner as { S: string }).S)
      visit(inner)
    }
  }
  for (const { body } of stub.requests) visit(body)
  return [...found]
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

describe.each(all)('$method', ({ run }) => {
  const partitionOf = async (cacheKey: string, options: FaceTheoryIsrMetaStoreOptions = {}): Promise<string[]> => {
    stub.play(succeed)
    await run(storeWith(options), cacheKey)
    return partitions()
  }

  test('uses prefix + cache key as the partition key', async () => {
    expect(await partitionOf('key')).toEqual(['CACHE#key'])
    expect(await partitionOf('key', { pkPrefix: 'deploy-7/é#' })).toEqual(['deploy-7/é#key'])
    expect(await partitionOf('key', { pkPrefix: '' })).toEqual(['key'])
  })

  test('uses prefix + hash as the partition key when prefix + cache key have more than 2,048 bytes', async () => {
    for (const pkPrefix of ['CACHE#', '', 'é'.repeat(512)]) {
      const room = 2_048 - Buffer.byteLength(pkPrefix)
      for (const fits of ['x'.repeat(room), 'é'.repeat(room / 2), '\u{1f600}'.repeat(Math.floor(room / 4))]) {
        expect(await partitionOf(fits, { pkPrefix })).toEqual([`${pkPrefix}${fits}`])
      }
      for (const long of ['x'.repeat(room + 1), `${'é'.repeat(room / 2)}x`, '\u{1f600}'.repeat(1_000)]) {
        expect(await partitionOf(long, { pkPrefix })).toEqual([`${pkPrefix}sha256:${sha256(long)}`])
      }
    }
  })

  test('uses the result of pkFromCacheKey as the partition key, without prefix and hash', async () => {
    const pkFromCacheKey = (cacheKey: string): string => `tenant#${cacheKey.length}`
    for (const cacheKey of ['key', 'x'.repeat(5_000)]) {
      expect(await partitionOf(cacheKey, { pkFromCacheKey, pkPrefix: 'unused' })).toEqual([`tenant#${cacheKey.length}`])
    }
    for (const partition of ['x', 'x'.repeat(2_048), 'é'.repeat(1_024), '\u{1f600}']) {
      expect(await partitionOf('key', { pkFromCacheKey: () => partition })).toEqual([partition])
    }
  })

  test('calls pkFromCacheKey once, synchronously, with the cache key as its only argument', async () => {
    const calls: unknown[][] = []
    const pkFromCacheKey = function (this: unknown, ...given: unknown[]): string {
      calls.push([this, ...given])
      return 'partition'
    }
    const promise = run(storeWith({ pkFromCacheKey }), 'key')
    expect(calls).toEqual([[undefined, 'key']])
    await promise
    expect(calls).toHaveLength(1)
  })

  test('does not call pkFromCacheKey when the cache key is refused', async () => {
    const calls: unknown[] = []
    const store = storeWith({ pkFromCacheKey: (cacheKey) => String(calls.push(cacheKey)) })
    for (const cacheKey of ['', '\ud800', hostile<string>(1)]) await rejectionOf(() => run(store, cacheKey))
    expect(calls).toEqual([])
  })

  test('rejects when pkFromCacheKey returns an unusable value, and sends nothing', async () => {
    const others = Object.entries(samples).filter(([type]) => type !== 'string')
    const broken = ['', 'x'.repeat(2_049), 'é'.repeat(1_025), ...loneSurrogates].map((value): [string, unknown] => [
      'string',
      value,
    ])
    for (const [type, value] of [...others, ...broken]) {
      const error = await rejectionOf(() => run(storeWith({ pkFromCacheKey: () => hostile<string>(value) }), 'key'))
      expectInvalid(error, type)
      expect(error.message).toContain('pkFromCacheKey')
    }
    await expectNothingSent(stub)
  })

  test('rejects with the thrown value as the cause when pkFromCacheKey throws, and sends nothing', async () => {
    for (const value of [new Error('of the app'), 'text', undefined, null, Symbol('text'), Object.create(null)]) {
      const error = await rejectionOf(() =>
        run(
          storeWith({
            pkFromCacheKey: () => {
              throw value
            },
          }),
          'key',
        ),
      )
      expectInvalid(error, typeof value)
      expect(error.message).toContain('pkFromCacheKey')
      expect(Object.hasOwn(error, 'cause')).toBe(true)
      expect(Object.is(error.cause, value)).toBe(true)
    }
    const error = await rejectionOf(() => run(storeWith({ pkFromCacheKey: hostile(class {}) }), 'key'))
    expectInvalid(error, 'a class')
    expect(error.cause).toBeInstanceOf(TypeError)
    await expectNothingSent(stub)
  })
})

test('pkFromCacheKey may call the store itself', async () => {
  const inner: Promise<unknown>[] = []
  const store: FaceTheoryIsrMetaStore = storeWith({
    pkFromCacheKey: (cacheKey) => {
      if (cacheKey === 'outer') inner.push(store.get('inner'))
      return cacheKey
    },
  })
  expect([await store.get('outer'), ...(await Promise.all(inner))]).toEqual([null, null])
  expect(partitions().toSorted()).toEqual(['inner', 'outer'])
})

describe('leaseToken', () => {
  test('gives the token of each acquire, and is called once for it, synchronously, and in no other call', async () => {
    const calls: unknown[][] = []
    const leaseToken = function (this: unknown, ...given: unknown[]): string {
      calls.push([this, ...given])
      return `token-${calls.length}`
    }
    const store = storeWith({ leaseToken })
    for (const number of [1, 2]) {
      const promise = acquire.run(store, 'key')
      expect(calls).toHaveLength(number)
      expect(await promise).toMatchObject({
        acquired: true,
        leaseToken: `token-${number}`,
        record: { leaseToken: `token-${number}` },
      })
    }
    expect(calls).toEqual([[undefined], [undefined]])
    expect(
      stub.requests.map(({ body }) => (body.Item as { lease_token?: object })?.lease_token).filter(Boolean),
    ).toEqual([{ S: 'token-1' }, { S: 'token-2' }])
    for (const { run } of [get, invalidate, commit, release]) await run(store, 'key')
    expect(calls).toHaveLength(2)
  })

  test('defaults to a new random UUID for each acquire', async () => {
    const store = storeWith({})
    for (const _ of 'xyz') await acquire.run(store, 'key')
    const tokens = stub.requests.flatMap(
      ({ body }) => (body.Item as { lease_token?: { S: string } })?.lease_token?.S ?? [],
    )
    expect(new Set(tokens).size).toBe(3)
    for (const token of tokens)
      expect(token).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  })

  test('is not called when the input is refused', async () => {
    const calls: unknown[] = []
    const store = storeWith({ leaseToken: () => String(calls.push('called')) })
    await rejectionOf(() => acquire.run(store, ''))
    expect(calls).toEqual([])
  })

  test('makes the acquire reject when it returns an unusable value or throws, and nothing is sent', async () => {
    const others = Object.entries(samples).filter(([type]) => type !== 'string')
    const broken = ['', ...loneSurrogates].map((value): [string, unknown] => ['string', value])
    for (const [type, value] of [...others, ...broken]) {
      const error = await rejectionOf(() => acquire.run(storeWith({ leaseToken: () => hostile<string>(value) }), 'key'))
      expectInvalid(error, type)
      expect(error.message).toContain('leaseToken')
    }
    for (const value of [new Error('of the app'), undefined, Symbol('text'), Object.create(null)]) {
      const error = await rejectionOf(() =>
        acquire.run(
          storeWith({
            leaseToken: () => {
              throw value
            },
          }),
          'key',
        ),
      )
      expectInvalid(error, typeof value)
      expect(error.message).toContain('leaseToken')
      expect(Object.hasOwn(error, 'cause') && Object.is(error.cause, value)).toBe(true)
    }
    await expectNothingSent(stub)
  })
})
