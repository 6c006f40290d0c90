// An answer of status 200 to a Query without Items comes from a proxy. It must not count as a miss, because a miss makes
// the caller regenerate the page.
import { expect, test } from 'vitest'

import { get } from '../support/calls.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import { answersOf, json, storeAt, withStub } from '../support/stub/stub.js'

test.each([
  {},
  { Count: 0 },
  { Count: 0, ScannedCount: 0 },
  { Items: null },
  { Items: null, Count: 0 },
  { message: 'Forbidden' },
])('get rejects with ErrUnavailable after a 200 with the body %j', (body) =>
  withStub(answersOf('Query', json(body)), async (stub) => {
    const error = await rejectionOf(() => get.run(storeAt(stub, { maxAttempts: 2 }), 'key'))
    expectCode(error, 'ErrUnavailable')
    expect(stub.count('Query')).toBe(2)
  }),
)

test('get resolves to null after a 200 with the body {"Items":[]}', () =>
  withStub(answersOf('Query', json({ Items: [] })), async (stub) => {
    expect(await get.run(storeAt(stub), 'key')).toBeNull()
  }))
