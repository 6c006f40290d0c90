// Conflicts of transactions are retried, have a limit of their own, and are never reported as a lost lease.
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
  ])('reports %s as ErrConflict after eight attempts, even with maxAttempts 1', (_, answer) =>
    withStub(answersOf(operation, answer), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub, { maxAttempts: 1 }), 'key'))
      expectCode(error, 'ErrConflict')
      expect(stub.count(operation)).toBe(8)
    }),
  )

  test('succeeds after seven conflicts, with one client request token in all attempts', () =>
    withStub(answersOf(operation, conflict, ...times(6, conflict), json({ Items: [] })), async (stub) => {
      await run(storeAt(stub), 'key')
      expect(stub.count(operation)).toBe(8)
      const tokens = new Set(stub.requests.map(({ body }) => body.ClientRequestToken))
      expect([...tokens]).toEqual([expect.stringMatching(/^.{1,36}$/)])
      expect(new Set(stub.requests.map(({ text }) => text.length)).size).toBe(1)
    }))

  test('sends one client request token in all attempts, after each kind of fault', () => {
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

  test('sends another client request token in each call', () =>
    withStub(answersOf(operation, json({ Items: [] })), async (stub) => {
      await run(storeAt(stub), 'key')
      await run(storeAt(stub), 'key')
      const [first, second] = stub.requests.map(({ body }) => body.ClientRequestToken)
      expect(first).not.toBe(second)
    }))

  test.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'repeats a transaction that is cancelled by %s until the deadline, and reports ErrThrottled',
    (reason) =>
      withStub(answersOf(operation, cancelled('None', reason)), async (stub) => {
        const store = storeAt(stub, { operationTimeoutMs: 1_500, maxAttempts: 1 })
        expectCode(await rejectionOf(() => run(store, 'key')), 'ErrThrottled')
        expect(stub.count(operation)).toBeGreaterThan(3)
      }),
  )

  test('counts neither conflicts nor throttled attempts towards maxAttempts', () => {
    const throttled = fault('ThrottlingException')
    const answers = [throttled, conflict, conflict, throttled, conflict, throttled] as const
    return withStub(answersOf(operation, ...answers, json({ Items: [] })), async (stub) => {
      await run(storeAt(stub, { maxAttempts: 1 }), 'key')
      expect(stub.count(operation)).toBe(7)
    })
  })

  test('does not retry a conflict after the deadline of the call', () =>
    withStub(answersOf(operation, conflict), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub, { operationTimeoutMs: 300 }), 'key'))
      expect(['ErrConflict', 'ErrTimeout']).toContain(error.code)
      expect(error.retryable).toBe(true)
      expect(stub.count(operation)).toBeLessThan(8)
    }))

  test.each([['ValidationError'], ['ItemCollectionSizeLimitExceeded'], ['DuplicateItem'], ['None'], ['SomethingNew']])(
    'reports a transaction that is cancelled by %s as ErrUnexpected after one attempt',
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
  ])('reports ConditionalCheckFailed beside %s as a lost lease after one attempt', (_, answer) =>
    withStub(answersOf(operation, answer), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub), 'key'))
      expectCode(error, 'ErrLeaseNotOwned')
      expect(error.message).toBe('ISR lease lost for cache key "key"')
      expect(stub.count(operation)).toBe(1)
    }),
  )

  test('reports ConditionalCheckFailed after a conflict as a lost lease', () =>
    withStub(answersOf(operation, conflict, cancelled('ConditionalCheckFailed', 'None')), async (stub) => {
      expectCode(await rejectionOf(() => run(storeAt(stub), 'key')), 'ErrLeaseNotOwned')
      expect(stub.count(operation)).toBe(2)
    }))

  test('accepts the same token again after a commit that failed', () =>
    withStub(answersOf(operation, fault('InternalServerError', 'oops', 500), json({ Items: [] })), async (stub) => {
      const store = storeAt(stub, { maxAttempts: 1 })
      expectCode(await rejectionOf(() => run(store, 'key')), 'ErrUnavailable')
      await run(store, 'key')
    }))
})

test('invalidate reports a transaction that is cancelled by ConditionalCheckFailed as ErrUnexpected', () =>
  withStub(answersOf('TransactWriteItems', cancelled('ConditionalCheckFailed', 'None')), async (stub) => {
    expectCode(await rejectionOf(() => invalidate.run(storeAt(stub), 'key')), 'ErrUnexpected')
  }))

describe.concurrent('tryAcquireLease', () => {
  const { operation, run } = acquire
  const conflict = fault('TransactionConflictException')

  test('returns acquired: false after three conflicts, even with maxAttempts 1', () =>
    withStub(answersOf(operation, conflict), async (stub) => {
      const result = await run(storeAt(stub, { maxAttempts: 1 }), 'key')
      const record = { cacheKey: 'key', leaseOwner: null, leaseToken: null, leaseExpiresAt: 0, revalidateSeconds: 60 }
      expect(result).toMatchObject({ acquired: false, leaseToken: null, record })
      expect(stub.count(operation)).toBe(3)
    }))

  test('acquires the lease after two conflicts, with the same row in each attempt', () =>
    withStub(answersOf(operation, conflict, conflict, json({ Items: [] })), async (stub) => {
      expect(await run(storeAt(stub), 'key')).toMatchObject({ acquired: true })
      const rows = stub.requests.filter((request) => request.operation === operation).map(({ body }) => body.Item)
      expect(rows).toEqual([rows[0], rows[0], rows[0]])
    }))

  test('returns acquired: false after a throttled attempt and three conflicts, which cannot have taken effect', () =>
    withStub(answersOf(operation, fault('ThrottlingException'), conflict), async (stub) => {
      expect(await run(storeAt(stub), 'key')).toMatchObject({ acquired: false, leaseToken: null })
      expect(stub.count(operation)).toBe(4)
    }))

  test.each([
    ['a lost answer', hangUp],
    ['no answer in time', silence],
    ['a server error', fault('InternalServerError', 'oops', 500)],
  ])('reports ErrConflict after %s and conflicts, and releases the lease that it may have acquired', (_, answer) =>
    withStub(answersOf(operation, answer, conflict), async (stub) => {
      expectCode(await rejectionOf(() => run(storeAt(stub, { requestTimeoutMs: 1_000 }), 'key')), 'ErrConflict')
      expect(stub.count(operation)).toBe(4)
      expect(stub.count('DeleteItem')).toBe(1)
    }),
  )

  test('returns the lease of the row that made the put fail, without another request', () => {
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

test('releaseLease resolves after three attempts that meet conflicts', () =>
  withStub(answersOf('DeleteItem', fault('TransactionConflictException')), async (stub) => {
    await storeAt(stub, { maxAttempts: 1 }).releaseLease(goodInput.releaseLease)
    expect(stub.count('DeleteItem')).toBe(3)
  }))
