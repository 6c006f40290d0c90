// The cost of each operation: the requests that it sends, and their order.
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import manifest from '../../package.json' with { type: 'json' }
import { acquire, commit, get, invalidate, release } from '../support/calls.js'
import { goodInput } from '../support/hostile/inputs.js'
import { fault, json, type Script, type Stub, storeAt, succeed, withStub } from '../support/stub/stub.js'

const storeOf = (stub: Stub): FaceTheoryIsrMetaStore =>
  storeAt(stub, { leaseToken: () => goodInput.commitGeneration.leaseToken })

test.each([get, invalidate, commit, release])('$method sends one request: $operation', ({ operation, run }) =>
  withStub(succeed, async (stub) => {
    await run(storeOf(stub), 'key')
    expect(stub.operations()).toEqual([operation])
  }),
)

test.each([
  ['succeeds', json({ Items: [] })],
  [
    'finds the lease held',
    fault('ConditionalCheckFailedException', 'no', 400, { Item: { lease_token: { S: 'theirs' } } }),
  ],
])('an acquire that %s takes one round trip: both requests are in flight before either is answered', (_, answer) => {
  const waiting: (() => void)[] = []
  return withStub(
    async ({ operation }) => {
      await new Promise<void>((go) => {
        waiting.push(go)
        if (waiting.length === 2) for (const resolve of waiting) resolve()
      })
      return operation === 'PutItem' ? answer : json({ Items: [] })
    },
    async (stub) => {
      await acquire.run(storeOf(stub), 'key')
      expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem'])
    },
  )
})

test('a regeneration sends four requests, because the release after a commit sends none', () =>
  withStub(succeed, async (stub) => {
    const store = storeOf(stub)
    for (const { run } of [get, acquire, commit, release, release]) await run(store, 'key')
    expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem', 'Query', 'TransactWriteItems'])
  }))

test('a release sends a request when its token was committed for another key or store, or acquired again', () =>
  withStub(succeed, async (stub) => {
    const store = storeOf(stub)
    await commit.run(store, 'key')
    await release.run(store, 'other key')
    await release.run(storeOf(stub), 'key')
    expect(stub.count('DeleteItem')).toBe(2)
    await acquire.run(store, 'key')
    await release.run(store, 'key')
    expect(stub.count('DeleteItem')).toBe(3)
  }))

test('a committed token is refused without a request until it is acquired again', () =>
  withStub(succeed, async (stub) => {
    const store = storeOf(stub)
    await commit.run(store, 'key')
    await expect(commit.run(store, 'key')).rejects.toMatchObject({ code: 'ErrLeaseNotOwned' })
    expect(stub.count('TransactWriteItems')).toBe(1)
    await acquire.run(store, 'key')
    await commit.run(store, 'key')
    expect(stub.count('TransactWriteItems')).toBe(2)
  }))

test('a call sends nothing when the event loop is blocked until after its deadline', () =>
  withStub(succeed, async (stub) => {
    const store = storeAt(stub, { operationTimeoutMs: 1_000 })
    await get.run(store, 'key')
    const call = get.run(store, 'key')
    const end = performance.now() + 1_100
    while (performance.now() < end);
    const limit = 'operationTimeoutMs (1000 ms) exceeded before anything was sent'
    await expect(call).rejects.toMatchObject({ code: 'ErrTimeout', message: expect.stringContaining(limit) })
    expect(stub.count('Query')).toBe(1)
  }))

test('a request has the package version as its user-agent, and no header that DynamoDB does not need', () =>
  withStub(succeed, async (stub) => {
    await get.run(storeAt(stub), 'key')
    const headers = stub.requests.map(({ headers }) => headers)
    expect(headers.map((sent) => Object.keys(sent).sort())).toEqual([
      ['authorization', 'content-length', 'content-type', 'host', 'user-agent', 'x-amz-date', 'x-amz-target'],
    ])
    expect(headers[0]?.['user-agent']).toBe(`tabletheory-isr/${manifest.version}`)
  }))

test('get is strongly consistent unless consistentRead is false, which changes no other request', () =>
  withStub(succeed, async (stub) => {
    for (const [consistentRead, expected] of [
      [undefined, true],
      [true, true],
      [false, false],
    ] as const) {
      const store = storeAt(stub, { consistentRead })
      stub.play(succeed)
      await get.run(store, 'key')
      await acquire.run(store, 'key')
      const reads = stub.requests.filter(({ operation }) => operation !== 'PutItem')
      expect(reads.map(({ operation, body }) => [operation, body.ConsistentRead])).toEqual([
        ['Query', expected],
        ['GetItem', true],
      ])
    }
  }))

test.each([
  [undefined, true],
  [true, true],
  [false, false],
] as const)(
  'a get whose Query ends before META reads META with the same consistency: consistentRead %s',
  (consistentRead, expected) => {
    const key = (sk: string) => ({ pk: { S: 'CACHE#key' }, sk: { S: sk } })
    const lock = { ...key('LOCK'), lease_token: { S: 'token' }, lease_expires_at: { N: '2000000005' } }
    const meta = { s3_key: { S: 'pages/1.html' }, generated_at: { N: '2000000000' }, revalidate_seconds: { N: '60' } }
    const script: Script = ({ operation }) =>
      operation === 'Query'
        ? json({ Items: [lock], Count: 1, LastEvaluatedKey: key('LOCK#1') })
        : json({ Item: { ...key('META'), ...meta } })
    return withStub(script, async (stub) => {
      const record = await storeAt(stub, { consistentRead }).get('key')
      expect(record).toMatchObject({ htmlPointer: 'pages/1.html', leaseToken: 'token' })
      expect(stub.requests.map(({ operation, body }) => [operation, body.ConsistentRead])).toEqual([
        ['Query', expected],
        ['GetItem', expected],
      ])
      expect(stub.requests[1]?.body.Key).toEqual(key('META'))
    })
  },
)

test('a get whose Query returns META sends no other request, even if the partition has more rows', () => {
  const key = (sk: string) => ({ pk: { S: 'CACHE#key' }, sk: { S: sk } })
  const meta = { s3_key: { S: 'pages/1.html' }, generated_at: { N: '2000000000' }, revalidate_seconds: { N: '60' } }
  const script: Script = () => json({ Items: [{ ...key('META'), ...meta }], Count: 1, LastEvaluatedKey: key('META') })
  return withStub(script, async (stub) => {
    expect(await storeAt(stub).get('key')).toMatchObject({ htmlPointer: 'pages/1.html' })
    expect(stub.operations()).toEqual(['Query'])
  })
})
