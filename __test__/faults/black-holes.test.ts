// Networks that swallow what they are given: every call settles in its time, and says which limit it ran into.
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

/** What a call may take beyond its limit, on a machine that does nothing else. */
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

// Windows refuses a connection that it does not queue.
const isPortable = process.platform !== 'win32'

const holes: { hole: string; enter: () => { endpoint: string } }[] = [
  ...(isPortable ? [{ hole: 'a connection that never stands', enter: () => unconnectable }] : []),
  { hole: 'a connection without an answer', enter: answering(silence) },
  { hole: 'an answer without a body', enter: answering(headersOnly) },
  { hole: 'an answer with half a body', enter: answering(halfAnAnswer) },
]

const farAway = { connectTimeoutMs: 60_000, requestTimeoutMs: 60_000, operationTimeoutMs: 60_000 }

/** In time, and with the limit's name; a release has nothing to say. */
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

/** All within `operationTimeoutMs`, which is 700. */
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

// An acquire keeps a tenth of its time to give back what it may have got.
const inSilence = /: operationTimeoutMs \(700 ms\) (would be )?exceeded|nothing was sent/

describe.each(holes)('in $hole', ({ hole, enter }) => {
  test('each method settles within operationTimeoutMs, and names it', async () => {
    for (const { elapsedMs } of await expectToSettle(all, enter(), inSilence)) expect(elapsedMs).toBeGreaterThan(620)
  })

  const [limit, phase] =
    hole === 'a connection that never stands' ? ['connectTimeoutMs', 'connecting'] : ['requestTimeoutMs', 'the answer']
  test(`each method tries again after ${limit}, and names it`, async () => {
    const results = await enterAll(all, enter(), { ...farAway, [limit]: 300, maxAttempts: 2 })
    const message = new RegExp(`: ${limit} \\(300 ms\\) exceeded .*${phase}.*, after 2 attempts$`)
    // Two attempts, and the longest pause between them.
    const twice = 300 + 50 + 300
    // An acquire gives back what it may have got, if there was a connection to get it over.
    const again = limit === 'requestTimeoutMs' ? twice : 0
    expectTimeouts(all, results, message, (method) => (method === 'tryAcquireLease' ? twice + again : twice))
  })

  const calls = Array.from({ length: 200 / all.length }, () => all).flat()
  test.each([
    ['as many keys', (index: number) => `key ${index}`],
    ['one key', () => 'key'],
  ])('200 calls at once for %s settle within operationTimeoutMs, and name it', async (_, keyOf) => {
    await expectToSettle(calls, enter(), /: operationTimeoutMs \(700 ms\) (would be )?exceeded/, keyOf)
  })
})

describe('in silence after a server error', () => {
  test('each method settles within operationTimeoutMs, and names it', async () => {
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

describe('an acquire whose write succeeds', () => {
  test.each<[string, Script]>([
    ['read', answersOf('GetItem', silence)],
    ['read and release', ({ operation }) => (operation === 'PutItem' ? json({ Items: [] }) : silence)],
  ])('and whose %s meets silence settles within operationTimeoutMs, and names it', async (_, script) => {
    stub.play(script)
    await expectToSettle([acquire], stub, inSilence)
  })
})
