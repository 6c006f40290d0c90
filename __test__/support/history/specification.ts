// The five operations as a sequential specification of one cache key. It derives the possible effects of a call from its
// requests and its answer.
import type {
  CommitIsrGenerationInput,
  IsrMetaRecord,
  IsrMetaStore,
  ReleaseIsrLeaseInput,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'

import type { Rejection } from '../contenders.js'
import { leaseIsFree } from '../model/lease.js'
import { arrivals, type Fate, losses } from '../stub/proxy.js'
import type { Operation } from './linearizability.js'

type Operations = { [O in keyof IsrMetaStore]: { operation: O; input: Parameters<IsrMetaStore[O]>[0] } }

/** A call that a client can make. */
export type Step = Operations[keyof IsrMetaStore]

/** A write request of a call, and its fate. */
export interface Exchange {
  /** `PutItem`, … */
  request: string
  /** The lease token in it. */
  token: string
  fate: Fate
}

/** A call that a client has made, with its requests and its outcome. */
export interface Call {
  who: string
  step: Step
  from: number
  /** When it settled. */
  until: number
  outcome: { returned: unknown } | { threw: Pick<Rejection, 'code'> }
  exchanges: Exchange[]
}

interface Lease {
  owner: string
  token: string
  expiresAt: number
  /** The `revalidateSeconds` that a record shows while no page is published. */
  fallback: number
}

interface Page {
  htmlPointer: string
  generatedAt: number
  revalidateSeconds: number
}

/** The state of one cache key in the table. */
export interface Entry {
  page: Page | null
  lease: Lease | null
}

/** The time for which the store believes a lease that it has read, as the contract of `tryAcquireLease` has it. */
const recentlySeenMs = 100

export const nothing: Entry = { page: null, lease: null }

type Apply = (entry: Entry) => Entry | undefined

export function effectsOf(call: Call): Operation<Entry>[] {
  const { step, outcome } = call
  switch (step.operation) {
    case 'get':
      return 'returned' in outcome ? [observation(call, showing(outcome.returned as IsrMetaRecord | null))] : []
    case 'tryAcquireLease':
      return effectsOfAcquire(call, step.input)
    case 'commitGeneration':
      return effectsOfCommit(call, step.input)
    case 'releaseLease':
      return effectsOfRelease(call, step.input)
    case 'invalidate':
      if ('returned' in outcome) return [effect(call, () => nothing)]
      return reached(call, 'TransactWriteItems') > 0 ? [possibly(call, () => nothing)] : []
  }
}

function effectsOfAcquire(call: Call, input: TryAcquireIsrLeaseInput): Operation<Entry>[] {
  const { outcome, exchanges } = call
  const token = exchanges.find(({ request }) => request === 'PutItem')?.token ?? 'never sent'
  const lease = {
    owner: input.leaseOwner,
    token,
    expiresAt: input.nowMs + input.leaseDurationMs,
    fallback: input.fallbackRevalidateSeconds,
  }
  const take: Apply = (entry) => (leaseIsFree(entry.lease, input) ? { ...entry, lease } : undefined)
  const puts = reached(call, 'PutItem')
  // Each retry may take effect again, but before the request whose answer the call returns.
  const perhaps = (count: number, last?: Operation<Entry>): Operation<Entry>[] =>
    Array.from({ length: Math.max(0, count) }, () => ({ ...possibly(call, take), ...(last && { before: last }) }))

  if ('threw' in outcome) {
    const released = effectsOfDelete(call, { owner: input.leaseOwner, token })
    return [...perhaps(puts, released[0]), ...released]
  }
  const { acquired, leaseToken, record } = outcome.returned as TryAcquireIsrLeaseResult
  const page = observation(call, ({ page }) => showsPage(record, page, input))
  if (acquired) {
    const told = leaseToken === token && showsLease(record, lease)
    const last = effect(call, (entry) => (told && puts > 0 ? take(entry) : undefined))
    return [...perhaps(puts - 1, last), last, page]
  }
  const lastPut = exchanges.findLast(({ request }) => request === 'PutItem')
  if (record.leaseToken === null) {
    // Another process had published: the store took the lease and released it at once, if the release arrived.
    if (exchanges.some(({ request }) => request === 'DeleteItem')) {
      const released = effectsOfDelete(call, { owner: input.leaseOwner, token })
      return [...perhaps(puts, released[0]), ...released, page]
    }
    // Or the read after a throttled put showed the published page, and a lock row without the call's token.
    if (lastPut?.fate === 'is throttled') {
      const shown = observation(call, (entry) => entry.lease?.token !== token && showsPage(record, entry.page, input))
      return [...perhaps(puts, shown), shown]
    }
    // Or all requests met conflicts, and none of them can have taken effect.
    return [observation(call, () => puts === 0), page]
  }
  const refused = ({ lease }: Entry) => leaseToken === null && !leaseIsFree(lease, input) && showsLease(record, lease)
  // The store believes a lease that a read has just shown: it sends no put.
  const seen = lastPut === undefined ? { ...call, from: call.from - recentlySeenMs } : call
  const last = observation(seen, refused)
  // After a throttled put the store reads the rows. If the read shows the holder, DynamoDB refused none of the puts.
  const refusals = lastPut !== undefined && isAnswered(lastPut) ? 1 : 0
  return [...perhaps(puts - refusals, last), last, observation(seen, ({ page }) => showsPage(record, page, input))]
}

function effectsOfCommit(call: Call, input: CommitIsrGenerationInput): Operation<Entry>[] {
  const { htmlPointer, generatedAt, revalidateSeconds } = input
  const page = { htmlPointer, generatedAt, revalidateSeconds }
  const nowSeconds = Math.floor((input.nowMs ?? generatedAt) / 1_000)
  const isValid = ({ lease }: Entry): boolean =>
    lease?.token === input.leaseToken &&
    lease.owner === input.leaseOwner &&
    Math.ceil(lease.expiresAt / 1_000) > nowSeconds
  const publish: Apply = (entry) => (isValid(entry) ? { page, lease: null } : undefined)

  if ('returned' in call.outcome) return [effect(call, publish)]
  if (call.outcome.threw.code === 'ErrLeaseNotOwned') {
    return [observation(call, (entry) => !isValid(entry))]
  }
  return reached(call, 'TransactWriteItems') > 0 ? [possibly(call, publish)] : []
}

function effectsOfRelease(call: Call, { leaseOwner: owner, leaseToken: token }: ReleaseIsrLeaseInput) {
  if (call.exchanges.length > 0) return effectsOfDelete(call, { owner, token })
  // The store sends nothing if it has no lease to release.
  const release = releasing({ owner, token })
  return [observation(call, (entry) => release(entry) === entry)]
}

function effectsOfDelete(call: Call, lease: Pick<Lease, 'owner' | 'token'>): Operation<Entry>[] {
  // An acquire does not wait long for the release of its own lease.
  const isLate = call.step.operation === 'tryAcquireLease'
  const last = call.exchanges.findLast(({ request }) => request === 'DeleteItem')
  if (last !== undefined && isAnswered(last) && !isLate) return [effect(call, releasing(lease))]
  const released = possibly(call, releasing(lease))
  return reached(call, 'DeleteItem') > 0 ? [isLate ? { ...released, until: Infinity } : released] : []
}

const releasing =
  ({ owner, token }: Pick<Lease, 'owner' | 'token'>) =>
  (entry: Entry): Entry =>
    entry.lease?.token === token && entry.lease.owner === owner ? { ...entry, lease: null } : entry

const showing =
  (record: IsrMetaRecord | null) =>
  ({ page, lease }: Entry): boolean => {
    if (record === null || (page === null && lease === null)) return record === null && page === null && lease === null
    const revalidateSeconds = page?.revalidateSeconds ?? lease?.fallback
    return record.revalidateSeconds === revalidateSeconds && showsPointer(record, page) && showsLease(record, lease)
  }

const showsPointer = (record: IsrMetaRecord, page: Page | null): boolean =>
  record.htmlPointer === (page?.htmlPointer ?? null) && record.generatedAt === (page?.generatedAt ?? 0)

const showsPage = (record: IsrMetaRecord, page: Page | null, input: TryAcquireIsrLeaseInput): boolean =>
  showsPointer(record, page) &&
  record.revalidateSeconds === (page?.revalidateSeconds || input.fallbackRevalidateSeconds)

const showsLease = (record: IsrMetaRecord, lease: Lease | null): boolean =>
  record.leaseToken === (lease?.token ?? null) &&
  record.leaseOwner === (lease?.owner ?? null) &&
  record.leaseExpiresAt === (lease?.expiresAt ?? 0)

const isAnswered = ({ fate }: Exchange): boolean => (arrivals as readonly Fate[]).includes(fate)

const reachesTheTable = (exchange: Exchange): boolean =>
  isAnswered(exchange) || (losses as readonly Fate[]).includes(exchange.fate)

/** How many of the call's requests reached the table. */
const reached = ({ exchanges }: Call, wanted: string): number =>
  exchanges.filter((exchange) => exchange.request === wanted && reachesTheTable(exchange)).length

const effect = (call: Call, apply: Apply): Operation<Entry> => ({ ...possibly(call, apply), certain: true })

const observation = (call: Call, isTrueOf: (entry: Entry) => boolean): Operation<Entry> => ({
  ...effect(call, (entry) => (isTrueOf(entry) ? entry : undefined)),
  isObservation: true,
})

/** After a timeout, a request may still be in flight. Every other call has certainly ended. */
function possibly(call: Call, apply: Apply): Operation<Entry> {
  const isOpen = 'threw' in call.outcome && call.outcome.threw.code === 'ErrTimeout'
  return { what: told(call), from: call.from, until: isOpen ? Infinity : call.until, certain: false, apply }
}

/** Describes a call in one line. */
export function told({ who, step, outcome, exchanges, from, until }: Call): string {
  const answer = 'threw' in outcome ? outcome.threw.code : JSON.stringify(outcome.returned)
  const sent = exchanges.map(({ request, fate }) => `${request} ${fate}`).join(', ')
  const time = `${from.toFixed(3)} to ${until.toFixed(3)}`
  return `${time}: ${who} ${step.operation} ${JSON.stringify(step.input)}: ${answer} (${sent})`
}
