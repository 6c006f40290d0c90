// Values that the types forbid but callers pass, and inputs that take them.
import { runInNewContext } from 'node:vm'

import type {
  CommitIsrGenerationInput,
  FaceTheoryIsrMetaStore,
  TryAcquireIsrLeaseInput,
} from '@theory-cloud/tabletheory-isr'

/** Casts any value to the expected type. */
export const hostile = <T>(value: unknown): T => value as T

/** A value of each type. The objects are those that stand for a primitive, or that callers pass by mistake. */
export const samples = {
  undefined: undefined,
  null: null,
  boolean: true,
  number: 1,
  string: 'text',
  bigint: 1n,
  symbol: Symbol('text'),
  function: () => 'text',
  object: {},
  array: ['text'],
  'empty array': [],
  'boxed string': new String('text'),
  'boxed number': new Number(1),
  'object with toString and valueOf': { toString: () => 'text', valueOf: () => 1 },
  date: new Date(0),
  promise: Promise.resolve('text'),
} as const satisfies Record<string, unknown>

export type Sample = keyof typeof samples

export const loneSurrogates = ['\ud800', '\udbff', '\udc00', '\udfff', 'a\ud800', '\udc00a', 'a\ud83db', '\ude00\ud83d']

export const oddStrings = [' ', '\0', '\n', '\ufeff', '\uffff', 'é', '\ud83d\ude00', '__proto__', '/"\\?#&%00', '../..']

export interface Field {
  /** Types other than these are refused. */
  takes: readonly Sample[]
  /** Values of the right type that are refused. */
  impossible: readonly unknown[]
  /** Odd values that are accepted. */
  odd: readonly unknown[]
}

const text: Field = { takes: ['string'], impossible: ['', ...loneSurrogates], odd: oddStrings }
const anyString: Field = { takes: ['string'], impossible: loneSurrogates, odd: ['', ...oddStrings] }
const optionalString: Field = { ...anyString, takes: ['string', 'undefined', 'null'] }
const epochMillis: Field = {
  takes: ['number'],
  impossible: [NaN, Infinity, -Infinity, -1, -5e-324, 1e15, Number.MAX_VALUE],
  odd: [0, -0, 5e-324, 0.1, 1e15 - 0.125, Number.EPSILON],
}
const seconds: Field = {
  takes: ['number'],
  impossible: [1e10 + 0.00001, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE],
  odd: [NaN, Infinity, -Infinity, -Number.MAX_VALUE, -1, 0, -0, 5e-324, 0.1, 1e10],
}

const cacheKey = text
const claim = { cacheKey, leaseOwner: text, leaseToken: text }

/** Every field of every method's input. */
export const fields = {
  tryAcquireLease: {
    cacheKey,
    leaseOwner: text,
    nowMs: epochMillis,
    leaseDurationMs: {
      takes: ['number'],
      impossible: [NaN, Infinity, -Infinity, -1, 0, -0, -5e-324, 86_400_000.5, Number.MAX_VALUE],
      odd: [5e-324, 0.1, 86_400_000],
    },
    fallbackRevalidateSeconds: seconds,
  },
  commitGeneration: {
    ...claim,
    htmlPointer: text,
    generatedAt: epochMillis,
    revalidateSeconds: seconds,
    status: {
      takes: ['number'],
      impossible: [],
      odd: [NaN, Infinity, -Infinity, -0, 5e-324, 99.999, 599.999, 600, Number.MAX_VALUE, -Number.MAX_VALUE],
    },
    contentType: anyString,
    contentSecurityPolicy: optionalString,
    strictCspPolicy: {
      takes: ['undefined', 'null', 'object', 'object with toString and valueOf'],
      impossible: [
        { inlineScripts: true },
        { inlineStyles: true },
        { inlineScripts: false, inlineStyles: true },
        { foo: 1 },
        { inlineScripts: false, foo: undefined },
        { inlinescripts: false },
        samples['object with toString and valueOf'],
      ],
      odd: [
        {},
        { inlineScripts: undefined },
        { inlineScripts: false, inlineStyles: false },
        { __proto__: null, inlineStyles: false },
        runInNewContext('({ inlineScripts: false })'),
        runInNewContext('Object.assign(Object.create(null), { inlineStyles: false })'),
      ],
    },
    etag: optionalString,
    nowMs: { ...epochMillis, takes: ['number', 'undefined', 'null'] },
  },
  releaseLease: claim,
} as const satisfies Record<string, Record<string, Field>>

export const goodInput = {
  tryAcquireLease: {
    cacheKey: 'key',
    leaseOwner: 'owner',
    nowMs: 1_700_000_000_000,
    leaseDurationMs: 5_000,
    fallbackRevalidateSeconds: 60,
  } satisfies TryAcquireIsrLeaseInput,
  commitGeneration: {
    cacheKey: 'key',
    leaseOwner: 'owner',
    leaseToken: 'token',
    htmlPointer: 'pointer',
    generatedAt: 1_700_000_000_000,
    revalidateSeconds: 60,
    status: 200,
    contentType: 'text/html',
    contentSecurityPolicy: "default-src 'self'",
    strictCspPolicy: { inlineScripts: false },
    etag: '"etag"',
    nowMs: 1_700_000_000_001,
  } satisfies Required<CommitIsrGenerationInput>,
  releaseLease: { cacheKey: 'key', leaseOwner: 'owner', leaseToken: 'token' },
} as const

export type Method = keyof typeof fields
export const methods = Object.keys(fields) as Method[]

/** Calls the method with an input that may be anything. */
export const callWith = (store: FaceTheoryIsrMetaStore, method: Method, input: unknown): Promise<unknown> =>
  store[method](hostile<never>(input))

/** Each method with each field of its input. */
export const methodFields: [Method, string, Field][] = methods.flatMap((method) =>
  Object.entries<Field>(fields[method]).map(([name, field]): [Method, string, Field] => [method, name, field]),
)
