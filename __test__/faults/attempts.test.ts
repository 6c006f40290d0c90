// The number of attempts after each kind of fault, and the code of the error that the call reports.
import { describe, expect, test } from 'vitest'

import { all, reporting } from '../support/calls.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import {
  answersOf,
  closedEndpoint,
  fault,
  hangUp,
  html,
  json,
  type Script,
  storeAt,
  succeed,
  text,
  withStub,
} from '../support/stub/stub.js'

const final = [
  ['AccessDeniedException', 'ErrAccessDenied'],
  ['ResourceNotFoundException', 'ErrTableNotFound'],
  ['UnrecognizedClientException', 'ErrCredentials'],
  ['ExpiredTokenException', 'ErrCredentials'],
  ['InvalidSignatureException', 'ErrCredentials'],
  ['MissingAuthenticationTokenException', 'ErrCredentials'],
  ['ValidationException', 'ErrUnexpected'],
  ['SomethingNewException', 'ErrUnexpected'],
] as const

const throttles = ['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded']

const passing = [
  ['InternalServerError', fault('InternalServerError', 'oops', 500), 'ErrUnavailable'],
  ['ServiceUnavailable', fault('ServiceUnavailable', 'later', 503), 'ErrUnavailable'],
  ['a broken connection', hangUp, 'ErrUnavailable'],
  ['HTML with status 200', html(200), 'ErrUnavailable'],
  ['HTML with status 403', html(403), 'ErrUnavailable'],
  ['HTML with status 502', html(502), 'ErrUnavailable'],
  ['a JSON answer that is cut off', text('{"Items":['), 'ErrUnavailable'],
] as const

/** Closes the connection after every answer. Else a request on a broken idle connection would be sent again, and counted. */
const onNewConnections =
  (script: Script): Script =>
  async (request, index) => {
    const answer = await script(request, index)
    return (response) => answer(response.setHeader('connection', 'close'))
  }

describe.concurrent.each(reporting)('$method', ({ method, operation, run }) => {
  test.each(final)('reports %s as %s after one attempt', (dynamodbs, code) => {
    const message = 'User: arn:aws:iam::123456789012:user/x is not authorized to perform: dynamodb:Query'
    return withStub(answersOf(operation, fault(dynamodbs, message)), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub), 'key'))
      expectCode(error, code)
      expect(error.message).toContain(`${dynamodbs}: ${message}`)
      expect(error.cause).toBeInstanceOf(Error)
      expect(stub.count(operation)).toBe(1)
    })
  })

  test.each(passing)('reports %s after three attempts', (_, answer, code) =>
    withStub(onNewConnections(answersOf(operation, answer)), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub), 'key'))
      expectCode(error, code)
      expect(error.message).toContain('3 attempts')
      expect(stub.count(operation)).toBe(3)
    }),
  )

  test.each(passing)('succeeds in its second attempt after %s', (_, answer) =>
    withStub(onNewConnections(answersOf(operation, answer, json({ Items: [] }))), async (stub) => {
      await run(storeAt(stub), 'key')
      expect(stub.count(operation)).toBe(2)
    }),
  )

  test.each([1, 2, 5])('makes maxAttempts attempts when each one fails: %i', (maxAttempts) =>
    withStub(answersOf(operation, fault('InternalServerError', 'oops', 500)), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub, { maxAttempts, operationTimeoutMs: 30_000 }), 'key'))
      expectCode(error, 'ErrUnavailable')
      expect(stub.count(operation)).toBe(maxAttempts)
    }),
  )

  test.each(throttles)('does not count %s towards maxAttempts, and reports ErrThrottled at the deadline', (throttle) =>
    withStub(answersOf(operation, fault(throttle)), async (stub) => {
      const store = storeAt(stub, { maxAttempts: 1, operationTimeoutMs: 1_000 })
      expectCode(await rejectionOf(() => run(store, 'key')), 'ErrThrottled')
      expect(stub.count(operation)).toBeGreaterThan(2)
    }),
  )

  test('reports a refused connection as ErrUnavailable, with the endpoint', async () => {
    const error = await rejectionOf(() => run(storeAt({ endpoint: closedEndpoint }), 'key'))
    expectCode(error, 'ErrUnavailable')
    expect(error.message).toContain(`endpoint ${closedEndpoint}`)
  })

  test('names its operation, table, endpoint and shortened cache key in its error message', () =>
    withStub(answersOf(operation, fault('ValidationException', 'no')), async (stub) => {
      const error = await rejectionOf(() => run(storeAt(stub), `default::/${'é'.repeat(500)}?`))
      for (const part of [method, '"isr-stub"', stub.endpoint, `"default::/${'é'.repeat(50)}`]) {
        expect(error.message).toContain(part)
      }
      expect(error.message.length).toBeLessThan(400)
    }))
})

describe.concurrent.each(all)('$method', ({ operation, run }) => {
  test.each([
    ['throttling', fault('ThrottlingException')],
    ['a server error', fault('InternalServerError', 'oops', 500)],
    ['a broken connection', hangUp],
    ['a conflict', fault('TransactionConflictException')],
  ])('waits at least 25 ms before the second attempt after %s, and 50 ms before the third', async (_, answer) => {
    const times: number[] = []
    const script: Script = (request, index) => {
      if (request.operation !== operation) return succeed(request, index)
      // Noted before the answer, and so before the back-off that follows it.
      times.push(performance.now())
      return index < 2 ? answer : json({ Items: [] })
    }
    await withStub(onNewConnections(script), async (stub) => {
      await run(storeAt(stub), 'key')
      const [first = 0, second = 0, third = 0] = times
      expect(second - first).toBeGreaterThanOrEqual(25)
      expect(third - second).toBeGreaterThanOrEqual(50)
      expect(times).toHaveLength(3)
    })
  })
})
