// Random sequences of operations. In many, a lease ends exactly at the next caller's clock, or an old token is used again.
import fc from 'fast-check'

import { type Step, t0 } from './steps.js'

/** The token that was drawn `age` acquires ago, presented by `leaseOwner`, or by its own owner if that is `null`. */
interface Claim {
  age: number
  leaseOwner: string | null
}

const cacheKey = fc.constantFrom('x', 'x', 'x', 'y')
const owner = fc.constantFrom('a', 'b', 'c')
const dayMs = 24 * 60 * 60 * 1_000

// Few values, so that clocks and ends of leases are often equal, and some that differ by fractions of a millisecond.
const epoch = fc.oneof(
  { weight: 8, arbitrary: fc.constant(t0) },
  { weight: 1, arbitrary: fc.constantFrom(0, 7 * dayMs) },
)
const offset = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 0, 0.25, 1, 999.75, 1_000, 1_000.5, 2_000) },
  { weight: 4, arbitrary: fc.constantFrom(5_000, 5_000.25, 6_000, 7_000) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 10_000, noNaN: true }).filter(isStorable) },
  { weight: 1, arbitrary: fc.constantFrom(7 * dayMs - 1, 7 * dayMs, 7 * dayMs + 5_000) },
)
const clock = fc.tuple(epoch, offset).map(([start, ms]) => start + ms)
const duration = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(5_000, 5_000.25, 6_000, dayMs) },
  { weight: 3, arbitrary: fc.constantFrom(0.25, 1, 999.75, 1_000) },
  { weight: 1, arbitrary: fc.constantFrom(1e-100, 1e-12, 1_000 / 3) },
  { weight: 1, arbitrary: fc.double({ min: 0, minExcluded: true, max: 10_000, noNaN: true }).filter(isStorable) },
)
const seconds = fc.oneof(
  fc.constantFrom(60, 30, 0, -1, 0.5, 1e10, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double({ min: -10, max: 1e10, noNaN: true }).filter(isStorable),
)
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const optionalText = fc.oneof(text, fc.constantFrom(null, undefined))

const acquire = fc.record({
  op: fc.constant('acquire' as const),
  cacheKey,
  leaseOwner: owner,
  nowMs: clock,
  leaseDurationMs: duration,
  fallbackRevalidateSeconds: seconds,
})

const claim: fc.Arbitrary<Claim> = fc.record({
  age: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4) }),
  leaseOwner: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: owner }),
})

const commit = fc.record({
  op: fc.constant('commit' as const),
  cacheKey,
  claim,
  page: fc.record(
    {
      htmlPointer: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
      generatedAt: clock,
      revalidateSeconds: seconds,
      status: fc.oneof(fc.constantFrom(200, 404, 599.9, 99.9, 600, Number.NaN), fc.double()),
      contentType: fc.oneof(text, fc.constantFrom('text/css', ' text/css\t', ' ', '\u{feff}a', '\u{85}a')),
      contentSecurityPolicy: optionalText,
      strictCspPolicy: fc.option(
        fc.record(
          {
            inlineScripts: fc.constantFrom(false as const, undefined),
            inlineStyles: fc.constantFrom(false as const, undefined),
          },
          { requiredKeys: [] },
        ),
      ),
      etag: optionalText,
      nowMs: fc.oneof(clock, fc.constantFrom(null, undefined)),
    },
    { requiredKeys: ['htmlPointer', 'generatedAt', 'revalidateSeconds', 'status', 'contentType'] },
  ),
})

const release = fc.record({ op: fc.constant('release' as const), cacheKey, claim })
const get = fc.record({ op: fc.constant('get' as const), cacheKey })
const invalidate = fc.record({ op: fc.constant('invalidate' as const), cacheKey })

/** One to fifteen operations on two keys by three owners. */
export const sequence: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: acquire },
      { weight: 5, arbitrary: commit },
      { weight: 1, arbitrary: release },
      { weight: 1, arbitrary: get },
      { weight: 1, arbitrary: invalidate },
    ),
    { minLength: 1, maxLength: 15, size: 'max' },
  )
  .map((drafts) => {
    const drawn: { cacheKey: string; leaseOwner: string; leaseToken: string }[] = []
    // Without an acquire on the key, the token belongs to another key.
    const shown = (cacheKey: string, { age, leaseOwner }: Claim) => {
      const ofKey = drawn.filter((one) => one.cacheKey === cacheKey)
      const lease = ofKey.at(-1 - age) ?? drawn.at(-1) ?? { leaseOwner: 'a', leaseToken: 'never drawn' }
      return { cacheKey, leaseOwner: leaseOwner ?? lease.leaseOwner, leaseToken: lease.leaseToken }
    }
    return drafts.map((draft, index): Step => {
      switch (draft.op) {
        case 'acquire':
          drawn.push({ cacheKey: draft.cacheKey, leaseOwner: draft.leaseOwner, leaseToken: `token ${index}` })
          return { ...draft, draws: `token ${index}` }
        case 'commit':
          return { op: draft.op, ...shown(draft.cacheKey, draft.claim), ...draft.page }
        case 'release':
          return { op: draft.op, ...shown(draft.cacheKey, draft.claim) }
        default:
          return draft
      }
    })
  })

/** Whether DynamoDB can store the value, which must not be too close to 0. */
function isStorable(value: number): boolean {
  return value === 0 || Math.abs(value) > 1e-120
}
