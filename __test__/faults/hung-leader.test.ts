// A request that is never answered delays its own call, and neither later calls for its key nor calls for other keys.
import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import { type Received, type Script, silence, storeAt, succeed, withStub } from '../support/stub/stub.js'

const limits = { requestTimeoutMs: 20_000, operationTimeoutMs: 40_000 }
/** A long time for an answer that is ready, and far below `requestTimeoutMs`. */
const soonMs = 8_000

const isAbout = ({ text }: Received, key: string): boolean => text.includes(`CACHE#${key}"`)

/** Never answers the first `count` requests for which `matches` holds. */
const hanging = (count: number, matches: (request: Received) => boolean): Script => {
  let hung = 0
  return (request, index) => {
    if (!matches(request) || hung >= count) return succeed(request, index)
    hung += 1
    return silence
  }
}

async function untilReceived(requests: Received[], count: number): Promise<void> {
  while (requests.length < count) await sleep(10)
}

const soon = <T>(call: Promise<T>): Promise<T | 'too late'> =>
  Promise.race([call, sleep(soonMs, 'too late' as const, { ref: false })])

describe('a request that is never answered', () => {
  test('delays no get for its key that begins after it was sent', () =>
    withStub(
      hanging(1, (request) => isAbout(request, 'hot')),
      async (stub) => {
        const store = storeAt(stub, limits)
        store.get('hot').catch(() => {})
        await untilReceived(stub.requests, 1)
        const followers = Array.from({ length: 20 }, () => soon(store.get('hot')))
        expect(await Promise.all(followers)).toEqual(Array(20).fill(null))
        expect(stub.count('Query')).toBeLessThan(10)
      },
    ))

  test('delays no tryAcquireLease for its key that begins after it was sent', () =>
    withStub(
      hanging(1, ({ operation }) => operation === 'PutItem'),
      async (stub) => {
        const store = storeAt(stub, limits)
        const acquire = (leaseOwner: string) =>
          store.tryAcquireLease({
            cacheKey: 'hot',
            leaseOwner,
            nowMs: 1_700_000_000_000,
            leaseDurationMs: 5_000,
            fallbackRevalidateSeconds: 60,
          })
        acquire('leader').catch(() => {})
        await untilReceived(stub.requests, 2)
        const follower = await soon(acquire('follower'))
        expect(follower).toMatchObject({ acquired: true })
      },
    ))

  test('delays no get for another key, even if 64 such requests are in flight', () =>
    withStub(
      hanging(64, ({ text }) => text.includes('CACHE#silent')),
      async (stub) => {
        const store = storeAt(stub, limits)
        for (let index = 0; index < 64; index += 1) store.get(`silent ${index}`).catch(() => {})
        await untilReceived(stub.requests, 64)
        const others = Array.from({ length: 20 }, (_, index) => soon(store.get(`other ${index}`)))
        expect(await Promise.all(others)).toEqual(Array(20).fill(null))
      },
    ))
})
