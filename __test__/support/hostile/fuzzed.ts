// Objects with properties of every kind, and the rules that decide whether their values are valid.
import { inspect, types } from 'node:util'

import fc from 'fast-check'

import { anything, Given, given } from './anything.js'

/** Whether a value is valid, or `perhaps` where the contract leaves it open. */
export type Rule = (value: unknown) => boolean | 'perhaps'

const ways = [
  'plainly',
  'hidden',
  'by a getter',
  'by a getter that changes its value',
  'by a getter that throws',
  'by the prototype',
  'not at all',
] as const

interface Member {
  way: (typeof ways)[number]
  held: Given
}

const forms = ['an object', 'one without a prototype', 'a frozen one', 'a sealed one', 'a proxy of one'] as const

interface Truth {
  /** The value of each property at its first read; `undefined` if one of them throws. */
  seen: Record<string, unknown> | undefined
  /** How often each property has been read. */
  reads: Map<string, number>
}

const truths = new WeakMap<object, Truth>()

/** The truth about an object of `objectOf`; `undefined` for every other value. */
export const truthOf = (value: unknown): Truth | undefined =>
  typeof value === 'object' && value !== null ? truths.get(value) : undefined

const shown = (members: Record<string, Member>): string =>
  Object.entries(members)
    .map(([name, { way, held }]) => `${name} ${way}: ${held.about}`)
    .join('; ')

/** Objects with these properties. Most of the properties are plain. */
export function objectOf(values: Record<string, fc.Arbitrary<Given>>): fc.Arbitrary<Given> {
  const way = fc.oneof(
    { weight: 30, arbitrary: fc.constant(ways[0]) },
    { weight: 6, arbitrary: fc.constantFrom(...ways.slice(0, 4)) },
    { weight: 1, arbitrary: fc.constantFrom(...ways) },
  )
  const members = Object.entries(values).map(([name, held]): [string, fc.Arbitrary<Member>] => [
    name,
    fc.record({ way, held }),
  ])
  return fc
    .tuple(fc.record(Object.fromEntries(members)), fc.constantFrom(...forms))
    .map(([all, form]) => new Given(`${form} with ${shown(all)}`, () => build(all, form)))
}

function build(members: Record<string, Member>, form: (typeof forms)[number]): object {
  const reads = new Map<string, number>()
  const read = (name: string): number => {
    const times = (reads.get(name) ?? 0) + 1
    reads.set(name, times)
    return times
  }
  const prototype = prototypeFor(members, form)
  const target = Object.create(prototype) as object
  const seen: Record<string, unknown> = {}
  let throws = false
  for (const [name, { way, held }] of Object.entries(members)) {
    const define = (descriptor: PropertyDescriptor, owner: object = target): void => {
      Object.defineProperty(owner, name, { configurable: true, enumerable: way !== 'hidden', ...descriptor })
    }
    const content = held.make()
    seen[name] = content
    if (way === 'plainly' || way === 'hidden') {
      define({ value: content, writable: true })
    } else if (way === 'not at all' || way === 'by the prototype') {
      if (prototype !== null && way === 'by the prototype') define({ value: content }, prototype)
      seen[name] = undefined
    } else {
      throws ||= way === 'by a getter that throws'
      define({
        get: () => {
          const isFirst = read(name) === 1
          if (way === 'by a getter that throws') throw content
          return isFirst || way === 'by a getter' ? content : Symbol('another')
        },
      })
    }
  }
  if (form === 'a frozen one') Object.freeze(target)
  if (form === 'a sealed one') Object.seal(target)
  const value = form === 'a proxy of one' ? counting(target, read) : target
  truths.set(value, { seen: throws ? undefined : seen, reads })
  return value
}

function prototypeFor(members: Record<string, Member>, form: (typeof forms)[number]): object | null {
  if (form === 'one without a prototype') return null
  const isNeeded = Object.values(members).some(({ way }) => way === 'by the prototype')
  return isNeeded ? {} : Object.prototype
}

/** Counts reads of data properties. Getters count their own reads. */
function counting(target: object, read: (name: string) => number): object {
  return new Proxy(target, {
    get: (_, name, receiver) => {
      const isData = Object.getOwnPropertyDescriptor(target, name)?.get === undefined
      if (isData) read(String(name))
      return Reflect.get(target, name, receiver)
    },
  })
}

/** Mostly `good` values, some `odd` ones, and a few `bad` or arbitrary ones. */
export function mostly(
  good: unknown[],
  odd: readonly unknown[] = [],
  bad: readonly unknown[] = [],
): fc.Arbitrary<Given> {
  const listed = (values: readonly unknown[]): fc.Arbitrary<Given> =>
    fc.constantFrom(...values).map((value) => given(inspect(value), value))
  const choices = [
    { weight: 30, arbitrary: listed(good) },
    { weight: 1, arbitrary: anything },
    ...(odd.length > 0 ? [{ weight: 6, arbitrary: listed(odd) }] : []),
    ...(bad.length > 0 ? [{ weight: 1, arbitrary: listed(bad) }] : []),
  ]
  return fc.oneof(...choices)
}

export const bytes = (text: string): number => Buffer.byteLength(text)

export const isWhole = (value: unknown): boolean => typeof value === 'string' && !/\p{Surrogate}/u.test(value)

const largestItem = 409_600

export const isText = (value: unknown): boolean => isWhole(value) && value !== ''
export const isStorableText = (value: unknown): boolean => isText(value) && bytes(value as string) <= largestItem
export const within =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value >= least && value <= most
export const above =
  (limit: number, most: number) =>
  (value: unknown): boolean =>
    within(limit, most)(value) && value !== limit
const isAbsentOr =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || value === null || rule(value)
const isEpochMillis = (value: unknown): boolean => within(0, 1e15)(value) && value !== 1e15
const isSeconds = (value: unknown): boolean => typeof value === 'number' && !(Number.isFinite(value) && value > 1e10)

/** A plain object without unknown members. Each of its members is `false` or `undefined`. */
const isPolicy: Rule = (value) => {
  if (typeof value !== 'object' || value === null) return false
  const names = ['inlineScripts', 'inlineStyles']
  const truth = truthOf(value)
  const read = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  try {
    const members = truth === undefined ? names.map(read) : Object.values(truth.seen ?? { throws: true })
    const isSilent = members.every((member) => member === undefined || member === false)
    if (!isSilent || Object.keys(value).some((name) => !names.includes(name))) return false
  } catch {
    return false
  }
  return isPlain(value)
}

/** Whether a value is a plain object; `perhaps` for a proxy, whose target is unknown here. */
function isPlain(value: object): boolean | 'perhaps' {
  if (types.isProxy(value)) return 'perhaps'
  if (Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value) as object | null
  if (types.isProxy(prototype)) return 'perhaps'
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const claim = { cacheKey: isText, leaseOwner: isStorableText, leaseToken: isStorableText }

/** The limits of each field, from the contract and not from the code. */
export const rules = {
  tryAcquireLease: {
    cacheKey: isText,
    leaseOwner: isStorableText,
    nowMs: isEpochMillis,
    leaseDurationMs: above(0, 86_400_000),
    fallbackRevalidateSeconds: isSeconds,
  },
  commitGeneration: {
    ...claim,
    htmlPointer: isStorableText,
    generatedAt: isEpochMillis,
    revalidateSeconds: isSeconds,
    status: (value: unknown) => typeof value === 'number',
    contentType: isWhole,
    contentSecurityPolicy: isAbsentOr(isWhole),
    strictCspPolicy: isAbsentOr(isPolicy),
    etag: isAbsentOr(isWhole),
    nowMs: isAbsentOr(isEpochMillis),
  },
  releaseLease: claim,
} as const satisfies Record<string, Record<string, Rule>>

/** Whether an item with these strings fits. An item is larger than its strings; only the store knows by how much. */
export function fits(strings: unknown[]): 'yes' | 'no' | 'perhaps' {
  const size = strings.reduce<number>((sum, text) => sum + (typeof text === 'string' ? bytes(text) : 0), 0)
  if (size > largestItem) return 'no'
  return size + 2_000 <= largestItem ? 'yes' : 'perhaps'
}
