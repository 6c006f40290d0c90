// Arbitrary JavaScript values, made anew for each use.
import fc from 'fast-check'

/** A value, new for each run, and its name for counterexamples: many of these values throw when they are printed. */
export class Given {
  #made: { value: unknown } | undefined

  constructor(
    readonly about: string,
    readonly make: () => unknown,
  ) {}

  get value(): unknown {
    this.#made ??= { value: this.make() }
    return this.#made.value
  }

  [fc.toStringMethod](): string {
    return this.about
  }

  [fc.cloneMethod](): Given {
    return new Given(this.about, this.make)
  }
}

/** Wraps a value that cannot change. */
export const given = (about: string, value: unknown): Given => new Given(about, () => value)

const throwing = (): never => {
  throw new Error('of a hostile value')
}

const traps = Object.getOwnPropertyNames(Reflect) as (keyof ProxyHandler<object>)[]
const targets: [string, () => object][] = [
  ['an object', () => ({})],
  ['an array', () => []],
  ['a function', () => () => 'text'],
  ['a full object', () => ({ cacheKey: 'key', leaseOwner: 'owner', tableName: 'isr' })],
]

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const proxies: [string, () => unknown][] = targets.flatMap(([name, target]): [string, () => unknown][] => [
  [`a proxy of ${name}`, () => new Proxy(target(), {})],
  [`a revoked proxy of ${name}`, () => revoked(target())],
  [`a proxy of a revoked proxy of ${name}`, () => new Proxy(revoked(target()), {})],
  [`a proxy of ${name} of which every trap throws`, () => new Proxy(target(), new Proxy({}, { get: () => throwing }))],
  [`a proxy of ${name} whose handler throws`, () => new Proxy(target(), new Proxy({}, { get: throwing }))],
  ...traps.map((trap): [string, () => unknown] => [
    `a proxy of ${name} whose ${trap} throws`,
    () => new Proxy(target(), { [trap]: throwing }),
  ]),
])

const others: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  false: () => false,
  'a symbol': () => Symbol('text'),
  'a well-known symbol': () => Symbol.toPrimitive,
  'a bigint': () => 1n,
  'a large bigint': () => -(2n ** 2_000n),
  'an arrow function': () => () => 'text',
  'an async function': () => async () => 'text',
  'a generator function': () =>
    function* () {
      yield 'text'
    },
  'a class': () => class {},
  'a bound function': () => throwing.bind(null),
  'a built-in function': () => Reflect.get,
  'a date': () => new Date(0),
  'an invalid date': () => new Date(Number.NaN),
  'a promise': () => Promise.resolve('text'),
  // biome-ignore lint/suspicious/noThenProperty: a hostile value has it.
  'a thenable that throws': () => ({ then: throwing }),
  'a map': () => new Map([['cacheKey', 'key']]),
  'a set': () => new Set(['key']),
  'a weak map': () => new WeakMap(),
  'a regular expression': () => /text/g,
  'an error': () => new Error('text'),
  'an error without a prototype': () => Object.setPrototypeOf(new Error('text'), null),
  bytes: () => new Uint8Array([107, 101, 121]),
  'a buffer': () => Buffer.from('key'),
  'shared memory': () => new Float64Array(new SharedArrayBuffer(8)),
  'a detached buffer': () => {
    const buffer = new ArrayBuffer(8)
    structuredClone(buffer, { transfer: [buffer] })
    return buffer
  },
  'a DataView': () => new DataView(new ArrayBuffer(1)),
  'a boxed string': () => Object('text'),
  'a boxed number': () => Object(1),
  'a boxed symbol': () => Object(Symbol('text')),
  'a boxed bigint': () => Object(1n),
  'an object that converts': () => ({ toString: () => 'text', valueOf: () => 1, [Symbol.toPrimitive]: () => 'text' }),
  'an object that does not convert': () => ({ toString: throwing, valueOf: throwing, [Symbol.toPrimitive]: throwing }),
  'an object with properties that throw': () =>
    Object.defineProperties(
      {},
      Object.fromEntries(['cacheKey', 'tableName', 'inlineScripts'].map((name) => [name, { get: throwing }])),
    ),
  'an object without a prototype': () => Object.create(null),
  'an object whose prototype is an array': () => Object.create([]),
  'an object whose prototype is a proxy': () => Object.create(new Proxy({}, { get: throwing })),
  'a frozen object': () => Object.freeze({ text: 'text' }),
  'a cyclic object': () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    return cyclic
  },
  'a cyclic array': () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    return cyclic
  },
  'a sparse array': () => new Array(2 ** 32 - 1),
  'an arguments object': () =>
    (function (..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: the value is the arguments object itself.
      return arguments
    })('key'),
  'an object with a lone surrogate as a property name': () => ({ '\ud800': 1 }),
  'an object with a long property name': () => ({ ['x'.repeat(100_000)]: 1 }),
  'an object with numbers as property names': () => ({ 0: 1, '-1': 2, 4294967295: 3 }),
  'an object with a symbol as a property name': () => ({ [Symbol('text')]: 1 }),
  'the global object': () => globalThis,
  'process.env': () => process.env,
  Reflect: () => Reflect,
  'Function.prototype': () => Function.prototype,
  'Object.prototype': () => Object.prototype,
  'a collator': () => new Intl.Collator(),
  'WebAssembly memory': () => new WebAssembly.Memory({ initial: 0 }),
  'a generator': () =>
    (function* () {
      yield 'text'
    })(),
}

/** Strings of arbitrary code units. Many have lone surrogates. */
const brokenText = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 8 })

const wholeText = fc.string({ unit: 'binary', maxLength: 12 })

const sizes = [1_024, 2_042, 2_043, 2_048, 2_049, 100_000, 200_000, 300_000, 409_600, 409_601, 1_000_000]

/** Strings around every limit of their length in UTF-8 bytes. */
export const longText: fc.Arbitrary<Given> = fc
  .tuple(fc.constantFrom('x', 'é', '\ud83d\ude00'), fc.constantFrom(...sizes))
  .map(([unit, bytes]) => shortened(unit.repeat(Math.ceil(bytes / Buffer.byteLength(unit)))))

const shortened = (text: string): Given => {
  const shown = JSON.stringify(text.slice(0, 40))
  return given(text.length > 40 ? `${shown} and so on, ${text.length} units` : shown, text)
}

export const shortText: fc.Arbitrary<Given> = fc.oneof(wholeText, brokenText).map(shortened)

export const anyText: fc.Arbitrary<Given> = fc.oneof(
  { weight: 8, arbitrary: shortText },
  { weight: 1, arbitrary: longText },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '\0', '__proto__', 'constructor', 'undefined').map(shortened) },
)

const edges = [0, 1, 1e10, 1e15, 86_400_000, 300_000, 599, 600, 5e-324, 1e-130, 9e-131, Number.MAX_VALUE]

export const anyNumber: fc.Arbitrary<Given> = fc
  .oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(...edges, ...edges.map((edge) => -edge), Number.NaN, Infinity, -Infinity),
    fc.constantFrom(...edges).map((edge) => edge * (1 + Number.EPSILON)),
  )
  .map((number) => given(Object.is(number, -0) ? '-0' : String(number), number))

const made = (all: [string, () => unknown][]): fc.Arbitrary<Given> =>
  fc.constantFrom(...all).map(([about, make]) => new Given(about, make))

const structures = fc
  .anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    maxDepth: 2,
  })
  .map((value) => given('a random structure', value))

export const anything: fc.Arbitrary<Given> = fc.oneof(
  { weight: 4, arbitrary: made(Object.entries(others)) },
  { weight: 3, arbitrary: made(proxies) },
  { weight: 3, arbitrary: anyText },
  { weight: 2, arbitrary: anyNumber },
  { weight: 2, arbitrary: structures },
)
