// Clock skew: AWS refuses a signature with a wrong time, and its answer has the right time. Only such an answer corrects
// the clock of the signatures.
import { expect, test } from 'vitest'

import { all, get, type MethodCall } from '../support/calls.js'
import { fault, html, type Received, type Script, type Stub, storeAt, succeed, withStub } from '../support/stub/stub.js'

const minuteMs = 60_000

function signedAt({ headers }: Received): number {
  const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? []
  return Date.parse(`${date}${time}`.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'))
}

/** A server whose clock is `offsetMs` ahead, and which refuses signatures with more than five minutes of clock skew. */
const serverAhead =
  (offsetMs: number): Script =>
  async (request, index) => {
    const now = Date.now() + offsetMs
    const isOff = Math.abs(now - signedAt(request)) > 5 * minuteMs
    const answer = isOff ? fault('InvalidSignatureException', 'Signature expired') : await succeed(request, index)
    return (response) => {
      response.sendDate = false
      answer(response.setHeader('date', new Date(now).toUTCString()))
    }
  }

/** The number of requests of the call's own operation, without the read of META that an acquire sends too. */
const countOf = (stub: Stub, { operation }: MethodCall): number => stub.count(operation)

test.each([
  ['an hour behind', 60],
  ['ten minutes behind', 10],
  ['an hour ahead', -60],
])('the first get on a machine that is %s succeeds, and the next one sends one request', (_, minutes) =>
  withStub(serverAhead(minutes * minuteMs), async (stub) => {
    const store = storeAt(stub)
    await expect(get.run(store, 'key')).resolves.toBeNull()
    expect(stub.count('Query')).toBe(2)
    await expect(get.run(store, 'key')).resolves.toBeNull()
    expect(stub.count('Query')).toBe(3)
  }),
)

test.each(all)('the first $method succeeds on a machine that is an hour behind', (call) =>
  withStub(serverAhead(60 * minuteMs), async (stub) => {
    await call.run(storeAt(stub, { maxAttempts: 1 }), 'key')
    expect(countOf(stub, call)).toBe(2)
  }),
)

test('a signature that stays refused causes ErrCredentials after two attempts', () =>
  withStub(
    () => fault('InvalidSignatureException', 'Signature expired'),
    async (stub) => {
      const failure = { code: 'ErrCredentials', retryable: false }
      await expect(get.run(storeAt(stub), 'key')).rejects.toMatchObject(failure)
      expect(stub.count('Query')).toBeLessThanOrEqual(2)
    },
  ))

test('a wrong Date header of a server error does not change the time in later signatures', () =>
  withStub(serverAhead(0), async (stub) => {
    const honest = serverAhead(0)
    stub.play((request, index) => {
      if (index > 0) return honest(request, index)
      return (response) => {
        response.sendDate = false
        html(503)(response.setHeader('date', new Date(Date.now() - 60 * minuteMs).toUTCString()))
      }
    })
    const store = storeAt(stub)
    await expect(get.run(store, 'key')).resolves.toBeNull()
    await expect(get.run(store, 'key')).resolves.toBeNull()
    for (const request of stub.requests) expect(Math.abs(signedAt(request) - Date.now())).toBeLessThan(5 * minuteMs)
    expect(stub.count('Query')).toBe(3)
  }))
