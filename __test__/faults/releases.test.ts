// Releases, also by an acquire that fails halfway. A release that fails must not cost the caller its rendered page.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { acquire, commit, release } from '../support/calls.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import {
  type Answer,
  answersOf,
  cancelled,
  closedEndpoint,
  fault,
  halfAnAnswer,
  hangUp,
  html,
  json,
  type Script,
  silence,
  storeAt,
  withStub,
} from '../support/stub/stub.js'

const faults: [string, Answer][] = [
  ['throttling', fault('ThrottlingException')],
  ['a server error', fault('InternalServerError', 'oops', 500)],
  ['a missing permission', fault('AccessDeniedException')],
  ['a missing table', fault('ResourceNotFoundException')],
  ['expired credentials', fault('ExpiredTokenException')],
  ['a conflict', fault('TransactionConflictException')],
  ['a lease of another owner', fault('ConditionalCheckFailedException')],
  ['an unknown error', fault('SomethingNewException')],
  ['a cancelled transaction', cancelled('ValidationError')],
  ['a broken connection', hangUp],
  ['no answer', silence],
  ['half an answer', halfAnAnswer],
  ['HTML', html(200)],
  ['HTML with an error', html(502)],
]

describe.concurrent('releaseLease', () => {
  test.each(faults)('resolves after %s', (_, answer) =>
    withStub(answersOf('DeleteItem', answer), async (stub) => {
      expect(await release.run(storeAt(stub, { requestTimeoutMs: 1_000 }), 'key')).toBeUndefined()
      expect(stub.count('DeleteItem')).toBeGreaterThan(0)
    }),
  )

  test('resolves when the endpoint refuses the connection', async () => {
    const nowhere = new FaceTheoryIsrMetaStore('isr-faults', { endpoint: closedEndpoint })
    expect(await release.run(nowhere, 'key')).toBeUndefined()
  })

  test('rejects with ErrInvalidArgument for an empty cache key', async () => {
    const store = new FaceTheoryIsrMetaStore('isr-faults', { endpoint: closedEndpoint })
    expect((await rejectionOf(() => release.run(store, ''))).code).toBe('ErrInvalidArgument')
  })
})

describe.concurrent('tryAcquireLease', () => {
  const failures = [
    [
      'a missing permission',
      fault('AccessDeniedException', 'not authorized to perform: dynamodb:GetItem'),
      'ErrAccessDenied',
    ],
    ['throttling', fault('ThrottlingException'), 'ErrThrottled'],
    ['a broken connection', hangUp, 'ErrUnavailable'],
    ['no answer', silence, 'ErrTimeout'],
  ] as const

  test.each(failures)('whose put succeeds and whose read meets %s reports that, and releases', (_, answer, code) =>
    withStub(answersOf('GetItem', answer), async (stub) => {
      const store = storeAt(stub, { requestTimeoutMs: 1_000, maxAttempts: 1 })
      expectCode(await rejectionOf(() => acquire.run(store, 'key')), code)
      const sent = (operation: string) => stub.requests.find((request) => request.operation === operation)?.body
      const written = sent('PutItem')?.Item as Record<string, unknown>
      expect(sent('DeleteItem')).toMatchObject({
        Key: { pk: written.pk, sk: { S: 'LOCK' } },
        ConditionExpression: expect.stringContaining('lease_token = :token'),
        ExpressionAttributeValues: { ':token': written.lease_token },
      })
      expect(stub.count('DeleteItem')).toBe(1)
    }),
  )

  test('whose read and release both fail reports the error of the read', () => {
    const script: Script = ({ operation }) =>
      operation === 'PutItem'
        ? json({ Items: [] })
        : fault(operation === 'GetItem' ? 'AccessDeniedException' : 'ValidationException')
    return withStub(script, async (stub) => {
      expectCode(await rejectionOf(() => acquire.run(storeAt(stub), 'key')), 'ErrAccessDenied')
      expect(stub.count('DeleteItem')).toBe(1)
    })
  })

  test('whose read is never answered releases its lease before the deadline of the call', () =>
    withStub(answersOf('GetItem', silence), async (stub) => {
      const store = storeAt(stub, { requestTimeoutMs: 30_000, operationTimeoutMs: 5_000 })
      const error = await rejectionOf(() => acquire.run(store, 'key'))
      expectCode(error, 'ErrTimeout')
      expect(error.message).toContain('operationTimeoutMs (5000 ms)')
      expect(stub.count('DeleteItem')).toBe(1)
    }))

  test('whose put is denied reports that without waiting for its read, and releases nothing', () => {
    const script: Script = ({ operation }) =>
      operation === 'PutItem' ? fault('AccessDeniedException', 'dynamodb:PutItem') : silence
    return withStub(script, async (stub) => {
      // A wait for the read would take five minutes.
      const store = storeAt(stub, { requestTimeoutMs: 300_000, operationTimeoutMs: 300_000 })
      const error = await rejectionOf(() => acquire.run(store, 'key'))
      expectCode(error, 'ErrAccessDenied')
      expect(error.message).toContain('dynamodb:PutItem')
      expect(stub.count('PutItem')).toBe(1)
      expect(stub.count('DeleteItem')).toBe(0)
    })
  })

  test.each([
    ['a broken connection', hangUp, 'ErrUnavailable'],
    ['a server error', fault('InternalServerError', 'oops', 500), 'ErrUnavailable'],
    ['no answer', silence, 'ErrTimeout'],
  ] as const)('whose put ends in %s, and so may have taken effect, reports that, and releases', (_, answer, code) =>
    withStub(answersOf('PutItem', answer), async (stub) => {
      const store = storeAt(stub, { requestTimeoutMs: 1_000, maxAttempts: 1 })
      expectCode(await rejectionOf(() => acquire.run(store, 'key')), code)
      const sent = (operation: string) => stub.requests.find((request) => request.operation === operation)?.body
      const written = sent('PutItem')?.Item as Record<string, unknown>
      expect(sent('DeleteItem')).toMatchObject({ ExpressionAttributeValues: { ':token': written.lease_token } })
      expect(stub.count('DeleteItem')).toBe(1)
    }),
  )

  test.each([
    ['throttling', fault('ThrottlingException'), 'ErrThrottled'],
    ['a missing permission', fault('AccessDeniedException'), 'ErrAccessDenied'],
  ] as const)('whose put may have taken effect, and then meets %s, reports that, and releases', (_, answer, code) =>
    withStub(answersOf('PutItem', hangUp, answer), async (stub) => {
      expectCode(await rejectionOf(() => acquire.run(storeAt(stub), 'key')), code)
      expect(stub.count('DeleteItem')).toBe(1)
    }),
  )

  test('whose put is refused and whose read fails reports the error of the read, and releases nothing', () => {
    const script: Script = ({ operation }) =>
      fault(operation === 'PutItem' ? 'ConditionalCheckFailedException' : 'AccessDeniedException')
    return withStub(script, async (stub) => {
      expectCode(await rejectionOf(() => acquire.run(storeAt(stub), 'key')), 'ErrAccessDenied')
      expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem'])
    })
  })
})

test('releaseLease sends a request after a commit whose connection broke', () =>
  withStub(answersOf('TransactWriteItems', hangUp), async (stub) => {
    const store = storeAt(stub, { maxAttempts: 1 })
    expectCode(await rejectionOf(() => commit.run(store, 'key')), 'ErrUnavailable')
    await release.run(store, 'key')
    expect(stub.count('DeleteItem')).toBe(1)
  }))
