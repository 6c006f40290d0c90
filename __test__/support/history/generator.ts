// Chooses the next step of a client in a random history.
import type { TryAcquireIsrLeaseResult } from '@theory-cloud/tabletheory-isr'

import { below, pick, type Random } from './random.js'
import type { Call, Step } from './specification.js'

interface Claim {
  cacheKey: string
  leaseOwner: string
  leaseToken: string
}

/** The state that the clients of one history share. */
export interface Setting {
  cacheKeys: string[]
  /** The common clock, which each client may read with a small error. */
  nowMs: number
  /** All leases that were ever acquired, current or not. */
  claims: Claim[]
}

/** A caller. Each process has several. */
export interface Client {
  /** Different for each client of a history. */
  number: number
  process: string
  random: Random
  /** The leases that the client may believe to hold. */
  held: Map<string, Claim>
}

export function nextStep(setting: Setting, { number, process, random, held }: Client, turn: number): Step {
  // The first key is used twice as often as each other one.
  const cacheKey = pick(random, [...setting.cacheKeys, ...setting.cacheKeys.slice(0, 1)])
  setting.nowMs += below(random, 200)
  const nowMs = setting.nowMs + pick(random, [0, 0, 0, -250, 250])
  const own = held.get(cacheKey)
  const any = setting.claims.filter((claim) => claim.cacheKey === cacheKey)
  const claim = own !== undefined && random() < 0.9 ? own : any.length > 0 ? pick(random, any) : undefined
  const dice = random()
  if (claim !== undefined && dice < (own === undefined ? 0.1 : 0.45)) {
    const page = { htmlPointer: `by ${number}, turn ${turn}`, generatedAt: nowMs, revalidateSeconds: below(random, 3) }
    return { operation: 'commitGeneration', input: { ...claim, ...page, status: 200, contentType: 'text/html' } }
  }
  if (claim !== undefined && dice < (own === undefined ? 0.2 : 0.6)) return { operation: 'releaseLease', input: claim }
  if (dice < 0.7) {
    // Some owners are shared, so that an owner can acquire its own lease again, also in another process.
    const leaseOwner = pick(random, [`client ${number}`, `client ${number}`, process, 'all'])
    const lease = {
      leaseDurationMs: pick(random, [400, 900, 1_500.5]),
      // This value is stored in the row, where it identifies the client and its step.
      fallbackRevalidateSeconds: 1_000 * (number + 1) + turn,
    }
    return { operation: 'tryAcquireLease', input: { cacheKey, leaseOwner, nowMs, ...lease } }
  }
  return { operation: dice < 0.77 ? 'invalidate' : 'get', input: cacheKey }
}

export function learn(setting: Setting, { random, held }: Client, { step, outcome }: Call): void {
  if (step.operation === 'tryAcquireLease' && 'returned' in outcome) {
    const { leaseToken } = outcome.returned as TryAcquireIsrLeaseResult
    if (leaseToken === null) return
    const { cacheKey, leaseOwner } = step.input
    const claim = { cacheKey, leaseOwner, leaseToken }
    held.set(cacheKey, claim)
    setting.claims.push(claim)
  }
  // Sometimes a lease that has ended is used once more.
  const isOver = step.operation === 'commitGeneration' || step.operation === 'releaseLease'
  if (isOver && random() < 0.8) held.delete(step.input.cacheKey)
}
