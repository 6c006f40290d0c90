// The oracle of every test for one question: is a lease free for a caller?
import { Decimal } from 'decimal.js'

/** Exact arithmetic for DynamoDB's numbers: 38 digits, between 1e-130 and 1e126. A double cannot tell all these apart. */
export const Exact: Decimal.Constructor = Decimal.clone({ precision: 300, defaults: true })

const weekMs = 7 * 24 * 60 * 60 * 1_000

export interface HeldLease {
  owner: string | null
  /** Epoch milliseconds. */
  expiresAt: Decimal.Value
}

/** A lease is free when it is missing, the caller's own, expired, or implausibly long. */
export function leaseIsFree(
  lease: HeldLease | null | undefined,
  caller: { leaseOwner: string; nowMs: number },
): boolean {
  if (lease == null || lease.owner === caller.leaseOwner) return true
  const remaining = new Exact(lease.expiresAt).minus(caller.nowMs)
  // An expiry more than a week ahead was written with seconds and milliseconds confused.
  return remaining.lessThanOrEqualTo(0) || remaining.greaterThan(weekMs)
}
