// A machine whose clock is off: AWS refuses its signatures, and says what time it is.
import { expect, test } from 'vitest'

import { get } from './support/calls.js'
import { fault, json, type Script, storeAt, withStub } from './support/stub.js'

const aheadMs = 10 * 60 * 1_000

/** Ten minutes ahead, and refuses what was signed more than five minutes from then. */
const ahead: Script = ({ headers }) => {
  const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? []
  const iso = `${date}${time}`.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z')
  const now = Date.now() + aheadMs
  const isOff = Math.abs(now - Date.parse(iso)) > aheadMs / 2
  const answer = isOff ? fault('InvalidSignatureException', 'Signature expired') : json({ Items: [], Count: 0 })
  return (response) => {
    response.sendDate = false
    answer(response.setHeader('date', new Date(now).toUTCString()))
  }
}

test('one answer is enough to sign by the clock of the server', () =>
  withStub(ahead, async (stub) => {
    const store = storeAt(stub)
    await expect(get.run(store, 'key')).rejects.toMatchObject({ code: 'ErrCredentials', retryable: false })
    await expect(get.run(store, 'key')).resolves.toBeNull()
    await expect(get.run(store, 'key')).resolves.toBeNull()
    expect(stub.count('Query')).toBe(3)
  }))
