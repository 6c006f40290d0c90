// Processes that are stopped, resumed or killed while they hold a lease, with real clocks.
import { setTimeout as sleep } from 'node:timers/promises'

import type { CommitIsrGenerationInput, IsrMetaStore, TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Contender } from '../support/contenders.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import { randomFrom } from '../support/history/random.js'
import { pkOf } from '../support/rows.js'
import { makeTable, newKey, sortKeys, storeOf } from '../support/store.js'

const leaseDurationMs = 300
const holders = 10
const roundsOfEach = 5

let table: string
let survivor: Contender
let onlooker: IsrMetaStore

beforeAll(async () => {
  table = await makeTable()
  survivor = await Contender.start(table)
  onlooker = storeOf(table)
})
afterAll(() => survivor.end())

const leaseInput = (cacheKey: string, leaseOwner: string, nowMs = Date.now(), durationMs = leaseDurationMs) => ({
  cacheKey,
  leaseOwner,
  nowMs,
  leaseDurationMs: durationMs,
  fallbackRevalidateSeconds: 60,
})

/** A page whose `htmlPointer` is the owner of the lease. */
function page(cacheKey: string, { record, leaseToken }: TryAcquireIsrLeaseResult): CommitIsrGenerationInput {
  const leaseOwner = record.leaseOwner ?? 'none'
  const claim = { cacheKey, leaseOwner, leaseToken: leaseToken ?? 'none', htmlPointer: leaseOwner }
  return { ...claim, generatedAt: Date.now(), revalidateSeconds: 60, status: 200, contentType: 'text/html' }
}

/** Repeats the acquire until it succeeds, in the first attempt after the lease has expired. For a lease that is not too short. */
async function takeOver(store: IsrMetaStore, cacheKey: string): Promise<TryAcquireIsrLeaseResult> {
  for (let end = 0; ; await sleep(10)) {
    const nowMs = Date.now()
    const attempt = await store.tryAcquireLease(leaseInput(cacheKey, 'survivor', nowMs, 60_000))
    const { acquired, record } = attempt
    // Only a commit of the holder ends its lease early. The record may be from just before that commit.
    if (acquired && nowMs < end) expect(await onlooker.get(cacheKey)).toMatchObject({ htmlPointer: 'holder' })
    if (acquired) return attempt
    end = record.leaseExpiresAt
    expect(nowMs).toBeLessThan(end)
  }
}

async function inParallel(round: (holder: number, round: number) => Promise<void>): Promise<void> {
  const play = async (_: unknown, holder: number): Promise<void> => {
    for (let index = 0; index < roundsOfEach; index++) await round(holder, index)
  }
  await Promise.all(Array.from({ length: holders }, play))
}

// Windows has no signal that stops a process.
describe.skipIf(process.platform === 'win32')('a holder that is stopped for twice the duration of its lease', () => {
  let sleepers: Contender[]

  beforeAll(async () => {
    sleepers = await Promise.all(Array.from({ length: holders }, () => Contender.start(table)))
  })
  afterAll(() => Promise.all(sleepers.map((sleeper) => sleeper.end())))

  test.each([
    ['after it resumed', true],
    ['before it was stopped', false],
  ])('cannot commit when its lease was taken over, with a nowMs %s, in 50 rounds', async (_, byOwnClock) => {
    await inParallel(async (holder, round) => {
      const sleeper = sleepers[holder]
      if (sleeper === undefined) throw new Error('this holder has no process')
      const cacheKey = newKey()
      const lease = await sleeper.store.tryAcquireLease(leaseInput(cacheKey, 'sleeper'))
      const asleepUntil = Date.now() + 2 * leaseDurationMs
      sleeper.stop()
      // The process receives this call when it resumes.
      const commit = rejectionOf(() => sleeper.call('commitGeneration', page(cacheKey, lease), byOwnClock))
      const next = await takeOver(survivor.store, cacheKey)
      const isEarly = round % 2 === 0
      if (isEarly) await survivor.store.commitGeneration(page(cacheKey, next))
      await sleep(asleepUntil - Date.now())
      sleeper.resume()
      expectCode(await commit, 'ErrLeaseNotOwned')
      if (!isEarly) await survivor.store.commitGeneration(page(cacheKey, next))
      expect(await onlooker.get(cacheKey)).toMatchObject({ htmlPointer: 'survivor', leaseToken: null })
    })
  })

  test('publishes or is refused when its lease was not taken over, with no partial commit, in 50 rounds', async () => {
    await inParallel(async (holder) => {
      const sleeper = sleepers[holder]
      if (sleeper === undefined) throw new Error('this holder has no process')
      const cacheKey = newKey()
      const lease = await sleeper.store.tryAcquireLease(leaseInput(cacheKey, 'sleeper'))
      sleeper.stop()
      const commit = sleeper.call('commitGeneration', page(cacheKey, lease), true).then(
        () => 'published',
        ({ code }) => code,
      )
      await sleep(2 * leaseDurationMs)
      sleeper.resume()
      const outcome = [await commit, ...(await sortKeys(table, pkOf(cacheKey)))]
      expect([
        ['published', 'META'],
        ['ErrLeaseNotOwned', 'LOCK'],
      ]).toContainEqual(outcome)
    })
  })
})

const moments = ['while it acquires', 'while it renders', 'while it publishes'] as const

/** The rows that a killed holder may leave. A partial commit would leave both rows or none. */
const leavings = {
  'while it acquires': [[], ['LOCK']],
  'while it renders': [['LOCK']],
  'while it publishes': [['LOCK'], ['META']],
}

const random = randomFrom('the moments of kills')

test('the lease of a holder that is killed at any moment is taken over when it expires, in 50 rounds', async () => {
  await inParallel(async (_, round) => {
    const moment = moments[round % moments.length] ?? moments[0]
    const cacheKey = newKey()
    const holder = await Contender.start(table)
    const acquire = holder.store.tryAcquireLease(leaseInput(cacheKey, 'holder'))
    if (moment !== 'while it acquires') {
      const lease = await acquire
      if (moment === 'while it publishes') ignore(holder.store.commitGeneration(page(cacheKey, lease)))
    }
    ignore(acquire)
    await sleep(10 * random())
    await holder.kill()

    expect(leavings[moment]).toContainEqual(await sortKeys(table, pkOf(cacheKey)))
    const next = await takeOver(survivor.store, cacheKey)
    await survivor.store.commitGeneration(page(cacheKey, next))
    expect(await onlooker.get(cacheKey)).toMatchObject({ htmlPointer: 'survivor' })
  })
})

/** The process that made the call is dead, so the outcome of the call does not matter. */
function ignore(call: Promise<unknown>): void {
  call.catch(() => {})
}
