// Networks that do not answer: every call settles before its deadline, and its error names the timeout that ended it.
import type { FaceTheoryIsrMetaStoreOptions, IsrStoreFailure } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acquire, all, type MethodCall } from '../support/calls.js'
import { expectCode, secret } from '../support/failure.js'
import { type Timed, timed } from '../support/lag.js'
import { type BlackHole, startBlackHole } from '../support/stub/black-hole.js'
import {
  type Answer,
  answersOf,
  fault,
  halfAnAnswer,
  headersOnly,
  json,
  type Script,
  type Stub,
  silence,
  startStub,
  storeAt,
} from '../support/stub/stub.js'

/** The time that a call may take beyond its timeout, on a machine without other work. */
const graceMs = 250

let unconnectable: BlackHole
let stub: Stub

beforeAll(async () => {
  unconnectable = await startBlackHole()
  stub = await startStub()
})
afterAll(() => Promise.all([unconnectable.close(), stub.close()]))

const answering = (answer: Answer) => (): { endpoint: string } => {
  stub.play(() => answer)
  return stub
}

// Windows refuses a connection for which its queue has no room.
const isPortable = process.platform !== 'win32'

const holes: { hole: string; enter: () => { endpoint: string } }[] = [
  ...(isPortable ? [{ hole: 'a connection that is never accepted', enter: () => unconnectable }] : []),
  { hole: 'a connection without an answer', enter: answering(silence) },
  { hole: 'an answer without a body', enter: answering(headersOnly) },
  { hole: 'an answer with half a body', enter: answering(halfAnAnswer) },
]

const farAway = { connectTimeoutMs: 60_000, requestTimeoutMs: 60_000, operationTimeoutMs: 60_000 }

/** Expects each call to settle in time, with an `ErrTimeout` that names the limit. A release resolves. */
function expectTimeouts(
  calls: readonly MethodCall[],
  results: readonly Timed<unknown>[],
  limit: RegExp,
  allowedMs: (method: string) => number,
): void {
  for (const [index, { method }] of calls.entries()) {
    const { outcome, elapsedMs, lagMs = 0 } = results[index] ?? {}
    expect(elapsedMs, `${method}, with a lag of ${lagMs} ms`).toBeLessThan(allowedMs(method) + graceMs + lagMs)
    if (method === 'releaseLease') {
      expect(outcome).toEqual({ status: 'fulfilled', value: undefined })
    } else {
      const { reason } = { reason: undefined, ...outcome } as { reason: IsrStoreFailure }
      expect(reason, method).toBeInstanceOf(Error)
      expectCode(reason, 'ErrTimeout')
      expect(reason.message, method).toMatch(limit)
    }
  }
}

/** Expects all calls to settle within an `operationTimeoutMs` of 700. */
async function expectToSettle(
  calls: readonly MethodCall[],
  at: { endpoint: string },
  limit: RegExp,
  keyOf?: (index: number) => string,
): Promise<Timed<unknown>[]> {
  const results = await enterAll(calls, at, { ...farAway, operationTimeoutMs: 700 }, keyOf)
  expectTimeouts(calls, results, limit, () => 700)
  return results
}

function enterAll(
  calls: readonly MethodCall[],
  at: { endpoint: string },
  options: FaceTheoryIsrMetaStoreOptions,
  keyOf = (index: number) => `key ${index}`,
): Promise<Timed<unknown>[]> {
  const store = storeAt(at, { ...secret, ...options })
  const asked = calls.map(
    ({ run }, index) =>
      (): Promise<unknown> =>
        run(store, keyOf(index)),
  )
  return timed(asked)
}

// An acquire keeps a tenth of its time to release a lease that it may have acquired.
const inSilence = /: operationTimeoutMs \(700 ms\) (would be )?exceeded|nothing was sent/

describe.each(holes)('in $hole', ({ hole, enter }) => {
  test('each method settles within operationTimeoutMs, and its error names that option', async () => {
    for (const { elapsedMs } of await expectToSettle(all, enter(), inSilence)) expect(elapsedMs).toBeGreaterThan(620)
  })

  const [limit, phase] =
    hole === 'a connection that is never accepted'
      ? ['connectTimeoutMs', 'connecting']
      : ['requestTimeoutMs', 'the answer']
  test(`each method makes a second attempt after ${limit}, and its error names that option`, async () => {
    const results = await enterAll(all, enter(), { ...farAway, [limit]: 300, maxAttempts: 2 })
    const message = new RegExp(`: ${limit} \\(300 ms\\) exceeded .*${phase}.*, after 2 attempts$`)
    // Two attempts, and the longest back-off between them.
    const twice = 300 + 50 + 300
    // If there was a connection, an acquire also releases the lease that it may have acquired.
    const again = limit === 'requestTimeoutMs' ? twice : 0
    expectTimeouts(all, results, message, (method) => (method === 'tryAcquireLease' ? twice + again : twice))
  })

  const calls = Array.from({ length: 200 / all.length }, () => all).flat()
  test.each([
    ['200 keys', (index: number) => `key ${index}`],
    ['one key', () => 'key'],
  ])('200 concurrent calls for %s settle within operationTimeoutMs, and their errors name it', async (_, keyOf) => {
    await expectToSettle(calls, enter(), /: operationTimeoutMs \(700 ms\) (would be )?exceeded/, keyOf)
  })
})

describe('in silence after a server error', () => {
  test('each method settles within operationTimeoutMs, and its error names that option', async () => {
    const failed = new Set<string>()
    stub.play(({ text, operation }) => {
      const request = `${operation} ${/key \d/.exec(text)?.[0]}`
      if (failed.has(request)) return silence
      failed.add(request)
      return fault('InternalServerError', 'oops', 500)
    })
    await expectToSettle(all, stub, inSilence)
  })
})

describe('an acquire whose put succeeds', () => {
  test.each<[string, Script]>([
    ['read', answersOf('GetItem', silence)],
    ['read and release', ({ operation }) => (operation === 'PutItem' ? json({ Items: [] }) : silence)],
  ])('settles within operationTimeoutMs without an answer to its %s, and its error names it', async (_, script) => {
    stub.play(script)
    await expectToSettle([acquire], stub, inSilence)
  })
})
