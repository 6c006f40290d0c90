// Transactions that are in each other's way: tried again, counted apart, and never taken for a lost lease.
import { describe, expect, test } from 'vitest'

import { acquire, commit, invalidate } from '../support/calls.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import { goodInput } from '../support/hostile/inputs.js'
import {
  type Answer,
  answersOf,
  cancelled,
  fault,
  hangUp,
  json,
  silence,
  storeAt,
  withStub,
} from '../support/stub/stub.js'

const conflict = cancelled('TransactionConflict', 'None')
const times = (count: number, answer: Answer): Answer[] => Array<Answer>(count).fill(answer)

describe.concurrent.each([commit, invalidate])('$method', ({ operation, run }) => {
  test.each([
    ['TransactionConflict for the first item', conflict],
    ['TransactionConflict for the second item', cancelled('None', 'TransactionConflict')],
    ['TransactionInProgressException', fault('TransactionInProgressException')],
  ])('%s is tried eight times, whatever maxAttempts is, and then ErrConflict', (_, answer) =>
    withStub(answersOf(operation, answer), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub, { maxAttempts: 1 }), 'key'))
      expectCode(error, 'ErrConflict')
      expect(stub.count(operation)).toBe(8)
    }),
  )

  test('seven conflicts and a success are a success, all under one client request token', () =>
    withStub(answersOf(operation, conflict, ...times(6, conflict), json({ Items: [] })), async (stub) => {
      await run(storeAt(stub), 'key')
      expect(stub.count(operation)).toBe(8)
      const tokens = new Set(stub.requests.map(({ body }) => body.ClientRequestToken))
      expect([...tokens]).toEqual([expect.stringMatching(/^.{1,36}$/)])
      expect(new Set(stub.requests.map(({ text }) => text.length)).size).toBe(1)
    }))

  test('attempts that fail in every way are all under one client request token', () => {
    const throttled = fault('ThrottlingException')
    const oops = fault('InternalServerError', 'oops', 500)
    const answers = [hangUp, throttled, conflict, oops, silence, fault('TransactionInProgressException')] as const
    return withStub(answersOf(operation, ...answers, json({ Items: [] })), async (stub) => {
      await run(storeAt(stub, { maxAttempts: 10, requestTimeoutMs: 1_000 }), 'key')
      const tokens = stub.requests.map(({ body }) => body.ClientRequestToken)
      expect(tokens).toEqual(Array(answers.length + 1).fill(tokens[0]))
      expect(tokens[0]).toMatch(/^.{1,36}$/)
    })
  })

  test('each call has a client request token of its own', () =>
    withStub(answersOf(operation, json({ Items: [] })), async (stub) => {
      await run(storeAt(stub), 'key')
      await run(storeAt(stub), 'key')
      const [first, second] = stub.requests.map(({ body }) => body.ClientRequestToken)
      expect(first).not.toBe(second)
    }))

  test.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'a transaction that is cancelled by %s is repeated until the deadline, and then ErrThrottled',
    (reason) =>
      withStub(answersOf(operation, cancelled('None', reason)), async (stub) => {
        const store = storeAt(stub, { operationTimeoutMs: 1_500, maxAttempts: 1 })
        expectCode(await rejectionOf(() => run(store, 'key')), 'ErrThrottled')
        expect(stub.count(operation)).toBeGreaterThan(3)
      }),
  )

  test('neither conflicts nor throttles count towards maxAttempts', () => {
    const throttled = fault('ThrottlingException')
    const answers = [throttled, conflict, conflict, throttled, conflict, throttled] as const
    return withStub(answersOf(operation, ...answers, json({ Items: [] })), async (stub) => {
      await run(storeAt(stub, { maxAttempts: 1 }), 'key')
      expect(stub.count(operation)).toBe(7)
    })
  })

  test('conflicts end with the time for the call', () =>
    withStub(answersOf(operation, conflict), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub, { operationTimeoutMs: 300 }), 'key'))
      expect(['ErrConflict', 'ErrTimeout']).toContain(error.code)
      expect(error.retryable).toBe(true)
      expect(stub.count(operation)).toBeLessThan(8)
    }))

  test.each([['ValidationError'], ['ItemCollectionSizeLimitExceeded'], ['DuplicateItem'], ['None'], ['SomethingNew']])(
    'a transaction that is cancelled by %s is ErrUnexpected, at once',
    (reason) =>
      withStub(answersOf(operation, cancelled(reason, 'None')), async (stub) => {
        const error = await rejectionOf(() => run(storeAt(stub), 'key'))
        expectCode(error, 'ErrUnexpected')
        expect(error.message).toContain('TransactionCanceledException')
        expect(stub.count(operation)).toBe(1)
      }),
  )
})

describe.concurrent('commitGeneration', () => {
  const { operation, run } = commit

  test.each([
    ['None', cancelled('ConditionalCheckFailed', 'None')],
    ['TransactionConflict', cancelled('ConditionalCheckFailed', 'TransactionConflict')],
    ['ThrottlingError', cancelled('ConditionalCheckFailed', 'ThrottlingError')],
  ])('ConditionalCheckFailed beside %s is a lost lease, at once', (_, answer) =>
    withStub(answersOf(operation, answer), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub), 'key'))
      expectCode(error, 'ErrLeaseNotOwned')
      expect(error.message).toBe('ISR lease lost for cache key "key"')
      expect(stub.count(operation)).toBe(1)
    }),
  )

  test('a conflict and then ConditionalCheckFailed is a lost lease', () =>
    withStub(answersOf(operation, conflict, cancelled('ConditionalCheckFailed', 'None')), async (stub) => {
      expectCode(await rejectionOf(() => run(storeAt(stub), 'key')), 'ErrLeaseNotOwned')
      expect(stub.count(operation)).toBe(2)
    }))

  test('a commit that failed may be tried again by its caller', () =>
    withStub(answersOf(operation, fault('InternalServerError', 'oops', 500), json({ Items: [] })), async (stub) => {
      const store = storeAt(stub, { maxAttempts: 1 })
      expectCode(await rejectionOf(() => run(store, 'key')), 'ErrUnavailable')
      await run(store, 'key')
    }))
})

test('an invalidation that was cancelled for whatever reason is not reported as done', () =>
  withStub(answersOf('TransactWriteItems', cancelled('ConditionalCheckFailed', 'None')), async (stub) => {
    expectCode(await rejectionOf(() => invalidate.run(storeAt(stub), 'key')), 'ErrUnexpected')
  }))

describe.concurrent('tryAcquireLease', () => {
  const { operation, run } = acquire
  const conflict = fault('TransactionConflictException')

  test('a conflict is tried three times, whatever maxAttempts is, and then somebody else has the lease', () =>
    withStub(answersOf(operation, conflict), async (stub) => {
      const result = await run(storeAt(stub, { maxAttempts: 1 }), 'key')
      const record = { cacheKey: 'key', leaseOwner: null, leaseToken: null, leaseExpiresAt: 0, revalidateSeconds: 60 }
      expect(result).toMatchObject({ acquired: false, leaseToken: null, record })
      expect(stub.count(operation)).toBe(3)
    }))

  test('two conflicts and a success are a lease', () =>
    withStub(answersOf(operation, conflict, conflict, json({ Items: [] })), async (stub) => {
      expect(await run(storeAt(stub), 'key')).toMatchObject({ acquired: true })
      const rows = stub.requests.filter((request) => request.operation === operation).map(({ body }) => body.Item)
      expect(rows).toEqual([rows[0], rows[0], rows[0]])
    }))

  test('a throttled attempt and conflicts are somebody else, too: nothing can have been applied', () =>
    withStub(answersOf(operation, fault('ThrottlingException'), conflict), async (stub) => {
      expect(await run(storeAt(stub), 'key')).toMatchObject({ acquired: false, leaseToken: null })
      expect(stub.count(operation)).toBe(4)
    }))

  test.each([
    ['a lost answer', hangUp],
    ['no answer in time', silence],
    ['a server error', fault('InternalServerError', 'oops', 500)],
  ])('%s and then conflicts are ErrConflict: the lease may be ours, and is released', (_, answer) =>
    withStub(answersOf(operation, answer, conflict), async (stub) => {
      expectCode(await rejectionOf(() => run(storeAt(stub, { requestTimeoutMs: 1_000 }), 'key')), 'ErrConflict')
      expect(stub.count(operation)).toBe(4)
      expect(stub.count('DeleteItem')).toBe(1)
    }),
  )

  test('a refused write answers with the row that refused it', () => {
    const holder = {
      lease_token: { S: 'theirs' },
      lease_owner: { S: 'them' },
      lease_expires_at: { N: '1700000004' },
      lease_expires_at_ms: { N: '1700000003210' },
    }
    const refusal = fault('ConditionalCheckFailedException', 'The conditional request failed', 400, { Item: holder })
    return withStub(answersOf(operation, refusal), async (stub) => {
      const record = { leaseOwner: 'them', leaseToken: 'theirs', leaseExpiresAt: 1_700_000_003_210 }
      expect(await run(storeAt(stub), 'key')).toMatchObject({ acquired: false, leaseToken: null, record })
      expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem'])
    })
  })
})

test('a release is tried three times against conflicts, and then let go', () =>
  withStub(answersOf('DeleteItem', fault('TransactionConflictException')), async (stub) => {
    await storeAt(stub, { maxAttempts: 1 }).releaseLease(goodInput.releaseLease)
    expect(stub.count('DeleteItem')).toBe(3)
  }))
