// The store's limit for an item is DynamoDB's limit, 400 KB, to the byte. DynamoDB Local has it.
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { expectRefused, rejectionOf } from '../support/failure.js'
import { callWith, goodInput } from '../support/hostile/inputs.js'
import { dynamodb, type Item, makeTable, newKey, readRow, storeOf } from '../support/store.js'
import { expectNothingSent, type Stub, startStub, storeAt, succeed } from '../support/stub/stub.js'

let stub: Stub
let table: string

beforeAll(async () => {
  stub = await startStub()
  table = await makeTable()
})
beforeEach(() => stub.play(succeed))
afterAll(() => stub.close())

const token = goodInput.commitGeneration.leaseToken

type Writer = 'tryAcquireLease' | 'commitGeneration'

/** Makes the call with a new store: a store that has committed a token sends no more requests for it. */
const attempt = (method: Writer, input: object): Promise<unknown> =>
  callWith(storeAt(stub, { leaseToken: () => token }), method, input)

/** The row that the last call would have written. */
function rowSent(): Item {
  const bodies = stub.requests.map(({ body }) => body as { Item?: Item; TransactItems?: { Put?: { Item: Item } }[] })
  const row = bodies.map((body) => body.Item ?? body.TransactItems?.find(({ Put }) => Put)?.Put?.Item).find(Boolean)
  if (!row) throw new Error('no row was sent')
  return row
}

/** Resolves to the largest length that fits. `low` fits, and `high` does not. */
async function largest(low: number, high: number, fits: (length: number) => Promise<boolean>): Promise<number> {
  if (high - low === 1) return low
  const middle = Math.floor((low + high) / 2)
  return (await fits(middle)) ? largest(middle, high, fits) : largest(low, middle, fits)
}

const fitsOurLimit = (method: Writer, input: (length: number) => object) => (length: number) =>
  attempt(method, input(length)).then(
    () => true,
    (error: Error) => {
      expect(error).toBeInstanceOf(RangeError)
      return false
    },
  )

const fitsTheTable = (row: Item, attribute: string) => (length: number) =>
  dynamodb
    .send(new PutItemCommand({ TableName: table, Item: { ...row, [attribute]: { S: 'x'.repeat(length) } } }))
    .then(
      () => true,
      (error: Error) => {
        expect(error.message).toMatch(/item size/i)
        return false
      },
    )

// The fixed part of a row is some 300 bytes.
const least = 409_000
const most = 409_600

async function expectTheTablesLimit(method: Writer, field: string, attribute: string, given: object): Promise<void> {
  const input = (length: number): object => ({ ...goodInput[method], ...given, [field]: 'x'.repeat(length) })
  // Above 2,048 bytes, so that a cache key counts once: it is hashed in the partition key.
  await attempt(method, input(3_000))
  const theTables = await largest(least, most, fitsTheTable(rowSent(), attribute))
  expect((await largest(least, most, fitsOurLimit(method, input))) - theTables).toBe(0)
}

const clocks = {
  'a time of many digits': { nowMs: 1_712_345_678_901, generatedAt: 1_712_345_678_901 },
  'a round time': { nowMs: 1_700_000_000_000, generatedAt: 1_700_000_000_000 },
  'a fraction of a millisecond': { nowMs: 1_712_345_678_901.5, generatedAt: 1_712_345_678_901.125 },
  'the time 0': { nowMs: 0, generatedAt: 0 },
}

test.each(Object.entries(clocks))('a lease with %s is refused exactly when the table would refuse it', (_, clock) =>
  expectTheTablesLimit('tryAcquireLease', 'leaseOwner', 'lease_owner', clock),
)

test.each(Object.entries(clocks))('a page with %s is refused exactly when the table would refuse it', (_, clock) =>
  expectTheTablesLimit('commitGeneration', 'htmlPointer', 's3_key', clock),
)

test.each([
  ['tryAcquireLease', 'cacheKey', 'cache_key'],
  ['commitGeneration', 'cacheKey', 'cache_key'],
  ['commitGeneration', 'contentType', 'content_type'],
  ['commitGeneration', 'contentSecurityPolicy', 'content_security_policy'],
  ['commitGeneration', 'etag', 'etag'],
] as const)('%s: the size of %s counts as it does in the table', (method, field, attribute) =>
  expectTheTablesLimit(method, field, attribute, clocks['a time of many digits']),
)

test('the limit counts the UTF-8 bytes of all strings together', async () => {
  const input = (strings: object): object => ({ ...goodInput.commitGeneration, ...strings })
  const etag = (length: number): object => input({ htmlPointer: 'xx', etag: 'x'.repeat(length) })
  const limit = await largest(least, most, fitsOurLimit('commitGeneration', etag))
  const spread = { htmlPointer: 'é'.repeat(100_001), etag: 'x'.repeat(limit - 200_000) }
  await attempt('commitGeneration', input(spread))
  const error = await rejectionOf(() => attempt('commitGeneration', input({ ...spread, etag: `${spread.etag}x` })))
  expectRefused(error, RangeError, 'one byte more')
})

test('a lease and a page that just fit are written, and one byte more is refused before it is sent', async () => {
  const store = storeOf(table, { leaseToken: () => token })
  const cacheKey = newKey()
  const nowMs = 1_712_345_678_901
  const lease = (length: number) => ({ ...goodInput.tryAcquireLease, cacheKey, nowMs, leaseOwner: 'x'.repeat(length) })
  const longestOwner = await largest(least, most, fitsOurLimit('tryAcquireLease', lease))
  expect((await store.tryAcquireLease(lease(longestOwner))).acquired).toBe(true)

  const { leaseOwner } = lease(longestOwner)
  const page = (length: number) => ({
    ...goodInput.commitGeneration,
    cacheKey,
    leaseOwner,
    nowMs,
    htmlPointer: 'x'.repeat(length),
  })
  const longestPointer = await largest(least, most, fitsOurLimit('commitGeneration', page))
  await store.commitGeneration(page(longestPointer))
  expect((await readRow(table, `CACHE#${cacheKey}`, 'META'))?.s3_key?.S?.length).toBe(longestPointer)

  stub.play(succeed)
  const tooLong = { tryAcquireLease: lease(longestOwner + 1), commitGeneration: page(longestPointer + 1) }
  for (const method of ['tryAcquireLease', 'commitGeneration'] as const) {
    const error = await rejectionOf(() => attempt(method, tooLong[method]))
    expectRefused(error, RangeError, method)
    expect(error.message).toContain('409600')
  }
  await expectNothingSent(stub)
})

describe('a cache key of 500 KB', () => {
  const cacheKey = 'k'.repeat(500_000)

  test('can be looked up, invalidated and released', async () => {
    const store = storeOf(table)
    expect(await store.get(cacheKey)).toBeNull()
    await store.invalidate(cacheKey)
    await store.releaseLease({ ...goodInput.releaseLease, cacheKey })
  })

  test.each(['tryAcquireLease', 'commitGeneration'] as const)('is refused by %s before it is sent', async (method) => {
    const error = await rejectionOf(() => attempt(method, { ...goodInput[method], cacheKey }))
    expectRefused(error, RangeError, method)
    await expectNothingSent(stub)
  })
})
