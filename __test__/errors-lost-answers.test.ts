// A network that fails in the middle: what was applied is not reported as lost, and a rendered page is not destroyed.
import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'

import { acquire, commit, release } from './support/calls.js'
import { expectCode, rejectionOf } from './support/failure.js'
import { goodInput } from './support/hostile.js'
import { endpoint, makeTable, newKey, readRow, sortKeys, storeOf } from './support/store.js'
import {
  type Answer,
  answersOf,
  cancelled,
  closedEndpoint,
  fault,
  forward,
  halfAnAnswer,
  hangUp,
  html,
  json,
  type Script,
  type Stub,
  silence,
  storeAt,
  withStub,
} from './support/stub.js'

const faults: [string, Answer][] = [
  ['throttling', fault('ThrottlingException')],
  ['a server error', fault('InternalServerError', 'oops', 500)],
  ['a missing permission', fault('AccessDeniedException')],
  ['a missing table', fault('ResourceNotFoundException')],
  ['expired credentials', fault('ExpiredTokenException')],
  ['a conflict', fault('TransactionConflictException')],
  ['a lease of somebody else', fault('ConditionalCheckFailedException')],
  ['an error that is not known', fault('SomethingNewException')],
  ['a cancelled transaction', cancelled('ValidationError')],
  ['a broken connection', hangUp],
  ['no answer', silence],
  ['half an answer', halfAnAnswer],
  ['HTML', html(200)],
  ['HTML with an error', html(502)],
]

describe.concurrent('releaseLease', () => {
  test.each(faults)('does not reject for %s', (_, answer) =>
    withStub(answersOf('DeleteItem', answer), async (stub) => {
      expect(await release.run(storeAt(stub, { requestTimeoutMs: 1_000 }), 'key')).toBeUndefined()
      expect(stub.count('DeleteItem')).toBeGreaterThan(0)
    }),
  )

  test('does not reject where nobody listens', async () => {
    const nowhere = new FaceTheoryIsrMetaStore('isr-faults', { endpoint: closedEndpoint })
    expect(await release.run(nowhere, 'key')).toBeUndefined()
  })

  test('rejects for what the caller did wrong', async () => {
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

  test.each(failures)('whose write succeeds and whose read meets %s reports that, and releases', (_, answer, code) =>
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

  test('whose read and release both fail reports the read', () => {
    const script: Script = ({ operation }) =>
      operation === 'PutItem'
        ? json({})
        : fault(operation === 'GetItem' ? 'AccessDeniedException' : 'ValidationException')
    return withStub(script, async (stub) => {
      expectCode(await rejectionOf(() => acquire.run(storeAt(stub), 'key')), 'ErrAccessDenied')
      expect(stub.count('DeleteItem')).toBe(1)
    })
  })

  test('whose read never ends is released within the time for the call', () =>
    withStub(answersOf('GetItem', silence), async (stub) => {
      const store = storeAt(stub, { requestTimeoutMs: 30_000, operationTimeoutMs: 5_000 })
      const error = await rejectionOf(() => acquire.run(store, 'key'))
      expectCode(error, 'ErrTimeout')
      expect(error.message).toContain('operationTimeoutMs (5000 ms)')
      expect(stub.count('DeleteItem')).toBe(1)
    }))

  test('whose write fails reports the write, and releases nothing', () =>
    withStub(answersOf('PutItem', fault('AccessDeniedException', 'dynamodb:PutItem')), async (stub) => {
      const error = await rejectionOf(() => acquire.run(storeAt(stub), 'key'))
      expectCode(error, 'ErrAccessDenied')
      expect(error.message).toContain('dynamodb:PutItem')
      expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem'])
    }))

  test('whose write is refused and whose read fails reports the read, and leaves the lease to its holder', () => {
    const script: Script = ({ operation }) =>
      fault(operation === 'PutItem' ? 'ConditionalCheckFailedException' : 'AccessDeniedException')
    return withStub(script, async (stub) => {
      expectCode(await rejectionOf(() => acquire.run(storeAt(stub), 'key')), 'ErrAccessDenied')
      expect(stub.operations().toSorted()).toEqual(['GetItem', 'PutItem'])
    })
  })
})

describe.concurrent('with DynamoDB Local behind a connection that breaks after the first request is applied', () => {
  let table: string
  beforeAll(async () => {
    table = await makeTable()
  })

  /** Loses the first answer for `operation`, and only that. */
  const losing =
    (operation: string): Script =>
    async (request, index) => {
      const answer = await forward(request, endpoint)
      return request.operation === operation && index === 0 ? hangUp : answer
    }
  const storeBehind = (stub: Stub, options: FaceTheoryIsrMetaStoreOptions = {}): FaceTheoryIsrMetaStore =>
    storeOf(table, { endpoint: stub.endpoint, ...options })
  const lease = () => ({ ...goodInput.tryAcquireLease, cacheKey: newKey() })

  test('an acquire that meets its own lease has acquired it, with the token in the row', () =>
    withStub(losing('PutItem'), async (stub) => {
      const input = lease()
      const { acquired, leaseToken, record } = await storeBehind(stub).tryAcquireLease(input)
      expect(stub.count('PutItem')).toBe(2)
      const row = await readRow(table, `CACHE#${input.cacheKey}`, 'LOCK')
      expect({ acquired, leaseToken }).toEqual({ acquired: true, leaseToken: row?.lease_token?.S })
      expect(record).toMatchObject({ leaseOwner: input.leaseOwner, leaseToken })
    }))

  test('a commit that was applied is a success, and its release sends nothing', () =>
    withStub(losing('TransactWriteItems'), async (stub) => {
      const { cacheKey, ...rest } = lease()
      const store = storeBehind(stub)
      const { leaseToken } = await store.tryAcquireLease({ cacheKey, ...rest })
      const claim = { cacheKey, leaseOwner: rest.leaseOwner, leaseToken: leaseToken ?? '' }
      await store.commitGeneration({ ...goodInput.commitGeneration, ...claim })
      expect(stub.count('TransactWriteItems')).toBe(2)
      await store.releaseLease(claim)
      expect(stub.count('DeleteItem')).toBe(0)
      expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'pointer', leaseToken: null })
    }))

  test('a commit whose only answer is lost is ErrUnavailable, and no lost lease', () =>
    withStub(losing('TransactWriteItems'), async (stub) => {
      const { cacheKey, ...rest } = lease()
      const store = storeBehind(stub, { maxAttempts: 1 })
      const { leaseToken } = await store.tryAcquireLease({ cacheKey, ...rest })
      const claim = { cacheKey, leaseOwner: rest.leaseOwner, leaseToken: leaseToken ?? '' }
      const error = await rejectionOf(() => store.commitGeneration({ ...goodInput.commitGeneration, ...claim }))
      expectCode(error, 'ErrUnavailable')
      expect(await sortKeys(table, `CACHE#${cacheKey}`)).toEqual(['META'])
    }))

  test.each(['invalidate', 'releaseLease'] as const)('an applied %s that is sent again is a success', (method) => {
    const operation = method === 'invalidate' ? 'TransactWriteItems' : 'DeleteItem'
    return withStub(losing(operation), async (stub) => {
      const input = lease()
      const store = storeBehind(stub)
      const { leaseToken } = await store.tryAcquireLease(input)
      if (method === 'invalidate') await store.invalidate(input.cacheKey)
      else await store.releaseLease({ ...input, leaseToken: leaseToken ?? '' })
      expect(stub.count(operation)).toBe(2)
      expect(await sortKeys(table, `CACHE#${input.cacheKey}`)).toEqual([])
    })
  })
})

test('a commit that fails on its way is not taken for one that succeeded: its release is sent', () =>
  withStub(answersOf('TransactWriteItems', hangUp), async (stub) => {
    const store = storeAt(stub, { maxAttempts: 1 })
    expectCode(await rejectionOf(() => commit.run(store, 'key')), 'ErrUnavailable')
    await release.run(store, 'key')
    expect(stub.count('DeleteItem')).toBe(1)
  }))
