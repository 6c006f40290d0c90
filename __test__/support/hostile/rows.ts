// Rows with any content that DynamoDB can hold, and their meaning in the contract.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Decimal } from 'decimal.js'
import fc from 'fast-check'

import { Exact, type HeldLease } from '../model/lease.js'
import { NOW, NOW_S, SEVEN_DAYS_MS } from '../rows.js'
import type { Item } from '../store.js'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('', ' ', '\0', '\ufeff', 'text/plain', ' text/css\t', 'false', '2000000001', 'owner'),
)

const extremes = ['0', '-0', '1e125', '-1e125', `9.${'9'.repeat(37)}e125`, '1e-130', '-1e-130', `0.${'3'.repeat(38)}`]

/** Numbers of up to 38 digits, close to 0 or far from it. */
const digits = fc
  .tuple(
    fc.bigInt({ min: 1n, max: 10n ** 38n - 1n }),
    fc.integer({ min: 1, max: 38 }),
    fc.integer({ min: -60, max: 125 }),
  )
  .map(([number, count, magnitude]) => {
    const [first = '1', ...rest] = String(number).slice(0, count)
    return `${first}.${rest.join('') || '0'}e${magnitude}`
  })
const signed = fc.tuple(fc.constantFrom('', '', '', '-'), digits).map(([sign, number]) => `${sign}${number}`)

/** Numbers near `base`, the moment that decides a comparison. */
const near = (base: number, unit: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom('', '.25', '.5', `.${'0'.repeat(20)}1`, `.${'9'.repeat(25)}`),
    )
    .map(([offset, fraction]) => `${base + offset * unit}${fraction}`)

const decimals: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: signed },
  { weight: 1, arbitrary: fc.constantFrom(...extremes) },
  { weight: 1, arbitrary: fc.integer({ min: -1_000, max: 1_000 }).map(String) },
  { weight: 3, arbitrary: near(NOW_S, 1) },
  { weight: 1, arbitrary: near(NOW, 250) },
  { weight: 1, arbitrary: near(NOW_S + SEVEN_DAYS_MS / 1_000, 1) },
  { weight: 1, arbitrary: near(NOW + SEVEN_DAYS_MS, 250) },
)

const bytes = fc.uint8Array({ minLength: 1, maxLength: 4 })
const distinct = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '1'), { minLength: 1 })

const { value: anyValue } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    text.map((S) => ({ S })),
    decimals.map((N) => ({ N })),
    bytes.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true }),
    distinct.map((SS) => ({ SS })),
    fc.uniqueArray(fc.integer().map(String), { minLength: 1, maxLength: 3 }).map((NS) => ({ NS })),
    bytes.map((byte) => ({ BS: [byte] })),
    fc.array(tie('value'), { maxLength: 2 }).map((L) => ({ L })),
    fc.dictionary(fc.constantFrom('inlineScripts', 'inlineStyles', 'S'), tie('value')).map((M) => ({ M })),
  ),
}))

type Attributes = Record<string, fc.Arbitrary<AttributeValue>>
const S = text.map((value): AttributeValue => ({ S: value }))
const N = decimals.map((value): AttributeValue => ({ N: value }))

/** Rows with any values, mostly of the right types. Some lack an attribute, or have one of another type. */
function rowOf(attributes: Attributes): fc.Arbitrary<Item> {
  const members = Object.entries(attributes).map(([name, right]): [string, fc.Arbitrary<AttributeValue | null>] => [
    name,
    fc.oneof(
      { weight: 12, arbitrary: right },
      { weight: 1, arbitrary: anyValue },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
  ])
  return fc.record(Object.fromEntries(members)).map((all) => {
    const present = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
    return Object.fromEntries(present)
  })
}

/** Some of the rows get a long string as one of their attributes. */
function bloated(rows: fc.Arbitrary<Item>): fc.Arbitrary<Item> {
  const size = fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constantFrom(3_000, 300_000))
  return fc.tuple(rows, size, fc.nat()).map(([row, length, die]) => {
    const names = Object.keys(row)
    const name = names[die % names.length]
    return length === 0 || name === undefined ? row : { ...row, [name]: { S: 'é'.repeat(length / 2) } }
  })
}

/** The end of a lease in seconds and in milliseconds, which agree or not. */
const ends: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ lease_expires_at: N, lease_expires_at_ms: N }),
  near(NOW, 250).map((millis) => ({
    lease_expires_at: { N: String(new Exact(millis).div(1_000).ceil().toNumber()) },
    lease_expires_at_ms: { N: millis },
  })),
)

const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 8 })

export const metas: fc.Arbitrary<Item | undefined> = some(
  bloated(
    rowOf({
      s3_key: S,
      generated_at: N,
      revalidate_seconds: N,
      etag: S,
      ttl: N,
      generated_at_ms: N,
      revalidate_ms: N,
      status: fc.oneof(
        N,
        fc.constantFrom('200', '404.9', '599.99', '99.9', '600').map((value) => ({ N: value })),
      ),
      content_type: S,
      content_security_policy: S,
      strict_csp_policy: fc
        .dictionary(fc.constantFrom('inlineScripts', 'inlineStyles', 'other'), anyValue)
        .map((M) => ({ M })),
      cache_key: S,
    }),
  ),
)

export const locks: fc.Arbitrary<Item | undefined> = some(
  bloated(
    fc
      .tuple(
        rowOf({ lease_token: S, lease_owner: S, revalidate_seconds: N, cache_key: S, ttl: N }),
        ends,
        rowOf({ lease_expires_at: N, lease_expires_at_ms: N }),
        fc.nat(3),
      )
      .map(([row, times, others, die]) => ({ ...row, ...(die === 0 ? others : times) })),
  ),
)

const foreignKeys = ['A', 'LOC', 'LOCK ', 'LOCK#1', 'LOCK\0', 'M', 'MET', 'META ', 'META#1', 'REQ#1', 'VER#1', 'meta']

/** Rows of other writers in the partition, by sort key. Some are larger together than one answer of a Query. */
export const strangers: fc.Arbitrary<Record<string, Item>> = fc.oneof(
  { weight: 15, arbitrary: fc.dictionary(fc.constantFrom(...foreignKeys), fc.record({ s3_key: S, lease_token: S })) },
  {
    weight: 1,
    arbitrary: fc.constant(
      Object.fromEntries([1, 2, 3, 4].map((index) => [`LOCK#${index}`, { body: { S: 'x'.repeat(350_000) } }])),
    ),
  },
)

export const textIn = (row: Item | undefined, name: string): string | null => row?.[name]?.S ?? null
const numberIn = (row: Item | undefined, name: string): Decimal | null => {
  const written = row?.[name]?.N
  return written === undefined ? null : new Exact(written)
}

/** The moment in a pair of attributes. Both may be valid `readings`, since a double cannot always decide between them. */
export interface Moment {
  exactly: Decimal
  readings: number[]
}

function moment(seconds: Decimal, millis: Decimal | null, rounding: 'ceil' | 'floor'): Moment {
  const inMillis = seconds.times(1_000)
  if (millis === null) return { exactly: inMillis, readings: [inMillis.toNumber()] }
  // The end of a lease agrees if it is the milliseconds rounded up. A generation time agrees if both are in one second.
  const isEnd = rounding === 'ceil'
  const inSeconds = millis.div(1_000)
  const agrees = inSeconds[rounding]().equals(isEnd ? seconds : seconds.floor())
  const second = seconds.toNumber()
  const mayAgree = agrees || Math[rounding](inSeconds.toNumber()) === (isEnd ? second : Math.floor(second))
  return {
    exactly: agrees ? millis : inMillis,
    readings: [inMillis, ...(mayAgree ? [millis] : [])].map((number) => number.toNumber()),
  }
}

/** When the lease of a usable row ends; `null` where the row is unusable or missing. */
export function leaseEnd(lock: Item | undefined): Moment | null {
  const seconds = numberIn(lock, 'lease_expires_at')
  if (seconds === null || !textIn(lock, 'lease_token')) return null
  return moment(seconds, numberIn(lock, 'lease_expires_at_ms'), 'ceil')
}

/** The lease in a row; `null` where the row is unusable or missing. */
export function leaseIn(lock: Item | undefined): HeldLease | null {
  const end = leaseEnd(lock)
  return end === null ? null : { owner: textIn(lock, 'lease_owner'), expiresAt: end.exactly }
}

/** When the page of a usable row was generated; `null` where the row is unusable or missing. */
export function generationTime(meta: Item | undefined): Moment | null {
  const seconds = numberIn(meta, 'generated_at')
  const lifetime = numberIn(meta, 'revalidate_seconds')
  if (seconds === null || lifetime === null || !textIn(meta, 's3_key')) return null
  if (seconds.lessThan(0) || lifetime.lessThan(0)) return null
  return moment(seconds, numberIn(meta, 'generated_at_ms'), 'floor')
}
