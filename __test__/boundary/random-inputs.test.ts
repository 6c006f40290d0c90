// Arbitrary values as arguments of every method: a call refuses them without a request, or sends them unchanged.
import { createHash } from 'node:crypto'

import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { anyText, anything, type Given, given as listed, longText } from '../support/hostile/anything.js'
import { outcomeOf } from '../support/hostile/documented.js'
import {
  bytes,
  fits,
  isStorableText,
  isText,
  mostly,
  objectOf,
  type Rule,
  rules,
  truthOf,
} from '../support/hostile/fuzzed.js'
import { fields, goodInput, hostile, type Method, methods } from '../support/hostile/inputs.js'
import { AttributedStub, partitionsIn, type Saying, tableSays, type Verdict } from '../support/stub/attributed.js'
import type { Received } from '../support/stub/stub.js'

const numRuns = 1_000
const timeout = 600_000

let stub: AttributedStub

beforeAll(async () => {
  stub = await AttributedStub.start()
})
afterAll(() => stub.close())

const says: fc.Arbitrary<Saying> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Saying>('yes') },
  { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(tableSays) as Saying[])) },
)

type Call = (store: FaceTheoryIsrMetaStore) => unknown

/** Makes one call with a new store, and resolves to its requests. */
async function attempt(
  answer: Saying,
  verdict: Verdict,
  call: Call,
  options: FaceTheoryIsrMetaStoreOptions = {},
): Promise<Received[]> {
  const table = stub.newTable(answer)
  const limits = { requestTimeoutMs: 20_000, operationTimeoutMs: 60_000, maxAttempts: 1 }
  const store = new FaceTheoryIsrMetaStore(table, { endpoint: stub.endpoint, ...limits, ...options })
  const outcome = await outcomeOf(() => call(store))
  const requests = stub.judge(table, verdict, outcome)
  if (answer === 'yes' && requests.length > 0) expect(outcome).toHaveProperty('returned')
  return requests
}

const sha256 = (value: string): string => createHash('sha256').update(value, 'utf8').digest('hex')

function partitionOf(cacheKey: string): string {
  return bytes(`CACHE#${cacheKey}`) <= 2_048 ? `CACHE#${cacheKey}` : `CACHE#sha256:${sha256(cacheKey)}`
}

function expectPartition(requests: Received[], partition: string): void {
  const about = partitionsIn(requests)
  expect(about).toEqual(about.map(() => partition))
}

type Seen = Record<string, unknown>
const S = (value: unknown) => ({ S: value })
const unlessNull = (name: string, value: unknown): object => (value == null ? {} : { [name]: S(value) })

/** The request that contains the strings, unchanged. */
const expectedRequest: Record<Method, (seen: Seen) => [operation: string, body: object]> = {
  tryAcquireLease: ({ cacheKey, leaseOwner }) => [
    'PutItem',
    { Item: { cache_key: S(cacheKey), lease_owner: S(leaseOwner) } },
  ],
  commitGeneration: ({ cacheKey, leaseOwner, leaseToken, contentType, ...page }) => {
    const Item = {
      cache_key: S(cacheKey),
      s3_key: S(page.htmlPointer),
      content_type: S(String(contentType).trim() || 'text/html; charset=utf-8'),
      ...unlessNull('content_security_policy', page.contentSecurityPolicy),
      ...unlessNull('etag', page.etag),
    }
    const Delete = { ExpressionAttributeValues: { ':token': S(leaseToken), ':owner': S(leaseOwner) } }
    return ['TransactWriteItems', { TransactItems: [{ Delete }, { Put: { Item } }] }]
  },
  releaseLease: ({ leaseOwner, leaseToken }) => [
    'DeleteItem',
    { ExpressionAttributeValues: { ':token': S(leaseToken), ':owner': S(leaseOwner) } },
  ],
}

function expectSent(method: Method, seen: Seen, requests: Received[]): void {
  const [operation, body] = expectedRequest[method](seen)
  expect(requests.find((request) => request.operation === operation)?.body).toMatchObject(body)
  expectPartition(requests, partitionOf(String(seen.cacheKey)))
}

function verdictOn(method: Method, input: unknown): Verdict {
  const seen = truthOf(input)?.seen
  if (seen === undefined) return 'refused'
  const judged = Object.entries<Rule>(rules[method]).map(([name, rule]) => rule(seen[name]))
  if (judged.includes(false)) return 'refused'
  if (judged.includes('perhaps')) return 'either'
  if (method === 'releaseLease') return 'accepted'
  const { leaseOwner, leaseToken, ...page } = seen
  // In a commit, owner and token are values of the condition, and not in an item.
  const strings = Object.values(method === 'commitGeneration' ? page : seen)
  const fitting = fits([partitionOf(String(seen.cacheKey)), ...strings])
  return fitting === 'yes' ? 'accepted' : fitting === 'no' ? 'refused' : 'either'
}

function expectReadOnce(value: unknown): void {
  const reads = [...(truthOf(value)?.reads ?? [])]
  expect(reads.filter(([, times]) => times > 1)).toEqual([])
}

const policy = objectOf({
  inlineScripts: mostly([false, undefined], [], [true, null, 0]),
  inlineStyles: mostly([false, undefined], [], [true, '', 'false']),
})

function valuesFor(method: Method): Record<string, fc.Arbitrary<Given>> {
  const good: Seen = goodInput[method]
  const all = Object.entries<{ odd: readonly unknown[]; impossible: readonly unknown[] }>(fields[method])
  return Object.fromEntries(
    all.map(([name, { odd, impossible }]): [string, fc.Arbitrary<Given>] => {
      const usual = mostly([good[name]], odd, impossible)
      if (name === 'strictCspPolicy') return [name, fc.oneof(usual, policy)]
      if (typeof good[name] !== 'string') return [name, usual]
      const texts = [
        { weight: 30, arbitrary: usual },
        { weight: 4, arbitrary: anyText },
        { weight: 1, arbitrary: longText },
      ]
      return [name, fc.oneof(...texts)]
    }),
  )
}

const inputOf = (method: Method): fc.Arbitrary<Given> =>
  fc.oneof({ weight: 10, arbitrary: objectOf(valuesFor(method)) }, { weight: 1, arbitrary: anything })

const further = fc.array(anything, { maxLength: 2 })

const calling =
  (name: keyof FaceTheoryIsrMetaStore, ...given: Given[]): Call =>
  (store) =>
    hostile<(...all: unknown[]) => unknown>(store[name].bind(store))(...given.map(({ value }) => value))

describe('a call with any arguments is refused and sends nothing, or sends the strings unchanged', () => {
  test.each(['get', 'invalidate'] as const)('%s', { timeout }, async (name) => {
    const cacheKey = fc.oneof(
      { weight: 4, arbitrary: anyText },
      { weight: 3, arbitrary: anything },
      { weight: 1, arbitrary: objectOf({ cacheKey: anyText }) },
    )
    const property = fc.asyncProperty(cacheKey, further, says, async (given, more, answer) => {
      const verdict = isText(given.value) ? 'accepted' : 'refused'
      const requests = await attempt(answer, verdict, calling(name, given, ...more))
      if (verdict === 'accepted') expectPartition(requests, partitionOf(String(given.value)))
    })
    await fc.assert(property, { numRuns })
    await stub.conclude()
  })

  test.each(methods)('%s', { timeout }, async (name) => {
    const property = fc.asyncProperty(inputOf(name), further, says, async (given, more, answer) => {
      const requests = await attempt(answer, verdictOn(name, given.value), calling(name, given, ...more))
      const seen = truthOf(given.value)?.seen
      if (requests.length > 0 && seen !== undefined) expectSent(name, seen, requests)
      for (const read of [given.value, seen?.strictCspPolicy]) expectReadOnce(read)
    })
    await fc.assert(property, { numRuns })
    await stub.conclude()
  })
})

const operations = ['get', 'invalidate', ...methods] as const
const goodArgument = (name: (typeof operations)[number]): unknown =>
  name === 'get' || name === 'invalidate' ? 'key' : goodInput[name]

test('a method rejects as documented on any receiver, and works on a store', { timeout }, async () => {
  const receivers = fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary: anything })
  const property = fc.asyncProperty(fc.constantFrom(...operations), receivers, async (name, other) => {
    const method = hostile<Call>(FaceTheoryIsrMetaStore.prototype[name])
    await attempt('yes', other === undefined ? 'accepted' : 'refused', (store) =>
      method.call(other === undefined ? store : other.value, hostile(goodArgument(name))),
    )
  })
  await fc.assert(property, { numRuns })
  await stub.conclude()
})

describe('a call with any outcome of a callback is refused and sends nothing, or sends the result unchanged', () => {
  type Behaviour = 'returns' | 'throws'
  const behaviour = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Behaviour>('returns') },
    { weight: 1, arbitrary: fc.constant<Behaviour>('throws') },
  )
  const result = fc.oneof(
    { weight: 3, arbitrary: anyText },
    { weight: 1, arbitrary: longText },
    { weight: 3, arbitrary: anything },
  )
  const callback = (does: Behaviour, { value }: Given, calls: unknown[][]) =>
    hostile<() => string>((...all: unknown[]) => {
      calls.push(all)
      if (does === 'throws') throw value
      return value
    })

  test.each(operations)('%s: pkFromCacheKey', { timeout }, async (name) => {
    const property = fc.asyncProperty(behaviour, result, async (does, given) => {
      const calls: unknown[][] = []
      const isGood = does === 'returns' && isText(given.value) && bytes(String(given.value)) <= 2_048
      const argument = listed('a valid argument', goodArgument(name))
      const options = { pkFromCacheKey: callback(does, given, calls) }
      const requests = await attempt('yes', isGood ? 'accepted' : 'refused', calling(name, argument), options)
      expectPartition(requests, String(isGood ? given.value : ''))
      expect(calls).toEqual([['key']])
    })
    await fc.assert(property, { numRuns })
    await stub.conclude()
  })

  test('tryAcquireLease: leaseToken', { timeout }, async () => {
    const property = fc.asyncProperty(behaviour, result, async (does, given) => {
      const calls: unknown[][] = []
      const isGood = does === 'returns' && isStorableText(given.value)
      const verdict = isGood
        ? ({ yes: 'accepted', no: 'refused', perhaps: 'either' } as const)[fits([given.value])]
        : 'refused'
      const argument = listed('a valid argument', goodInput.tryAcquireLease)
      const options = { leaseToken: callback(does, given, calls) }
      const requests = await attempt('yes', verdict, calling('tryAcquireLease', argument), options)
      for (const { operation, body } of requests) {
        if (operation === 'PutItem') expect(body).toMatchObject({ Item: { lease_token: S(given.value) } })
      }
      expect(calls).toEqual([[]])
    })
    await fc.assert(property, { numRuns })
    await stub.conclude()
  })
})
