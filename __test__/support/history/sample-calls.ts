// Sample calls of a history, with their answers.
import type { IsrMetaRecord, IsrStoreErrorCode } from '@theory-cloud/tabletheory-isr'
import { t0 } from '../model/steps.js'
import type { Fate } from '../stub/proxy.js'
import type { Call, Step } from './specification.js'

type Sent = [request: string, fate?: Fate, token?: string]
type Time = [from: number, until: number]

const cacheKey = 'key'
export const none = { leaseOwner: null, leaseToken: null, leaseExpiresAt: 0 }
export const blank = { htmlPointer: null, generatedAt: 0, revalidateSeconds: 60 }
export const pageOf = (who: string) => ({ htmlPointer: who, generatedAt: t0, revalidateSeconds: 30 })
export const leaseOf = (who: string, nowMs = t0) => ({
  leaseOwner: who,
  leaseToken: `of ${who}`,
  leaseExpiresAt: nowMs + 5_000,
})
const record = (fields: object): IsrMetaRecord => fields as IsrMetaRecord

function call(step: Step, [from, until]: Time, outcome: Call['outcome'], sent: Sent[]): Call {
  const exchanges = sent.map(([request, fate = 'passes', token = '']) => ({ request, fate, token }))
  return { who: 'a client', step, from, until, outcome, exchanges }
}

const threw = (code: IsrStoreErrorCode): Call['outcome'] => ({ threw: { code } })

export const get = (time: Time, shown: object | null): Call =>
  call({ operation: 'get', input: cacheKey }, time, { returned: shown && record(shown) }, [['Query']])

export function acquire(
  who: string,
  time: Time,
  outcome: object | IsrStoreErrorCode,
  fates: Fate[] = ['passes'],
  nowMs = t0,
) {
  const input = { cacheKey, leaseOwner: who, nowMs, leaseDurationMs: 5_000, fallbackRevalidateSeconds: 60 }
  const puts = fates.map((fate): Sent => ['PutItem', fate, `of ${who}`])
  const answer = typeof outcome === 'string' ? threw(outcome) : { returned: outcome }
  return call({ operation: 'tryAcquireLease', input }, time, answer, [...puts, ['GetItem']])
}

export const acquired = (who: string, page: object = blank, nowMs = t0) => ({
  acquired: true,
  leaseToken: `of ${who}`,
  record: record({ ...page, ...leaseOf(who, nowMs) }),
})
export const heldBy = (who: string, page: object = blank) => ({
  acquired: false,
  leaseToken: null,
  record: record({ ...page, ...leaseOf(who) }),
})

/** Neither acquired nor held by another owner: contended, or published in the meantime. */
export const notAcquired = (page: object) => ({
  acquired: false,
  leaseToken: null,
  record: record({ ...page, ...none }),
})

export function commit(
  who: string,
  time: Time,
  code?: IsrStoreErrorCode,
  fates: Fate[] = ['passes'],
  nowMs = t0,
): Call {
  const claim = { cacheKey, leaseOwner: who, leaseToken: `of ${who}` }
  const input = { ...claim, ...pageOf(who), generatedAt: t0, nowMs, status: 200, contentType: 'text/html' }
  const sent = fates.map((fate): Sent => ['TransactWriteItems', fate])
  return call({ operation: 'commitGeneration', input }, time, code ? threw(code) : { returned: undefined }, sent)
}

export const release = (who: string, time: Time, fates: Fate[] = ['passes']): Call => {
  const input = { cacheKey, leaseOwner: who, leaseToken: `of ${who}` }
  const sent = fates.map((fate): Sent => ['DeleteItem', fate, `of ${who}`])
  return call({ operation: 'releaseLease', input }, time, { returned: undefined }, sent)
}

export const invalidate = (time: Time): Call =>
  call({ operation: 'invalidate', input: cacheKey }, time, { returned: undefined }, [['TransactWriteItems']])
