// Construction: its forms, unknown options, and objects that are not plain.
import { inspect } from 'node:util'

import {
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreConfig,
  type FaceTheoryIsrMetaStoreOptions,
} from '@theory-cloud/tabletheory-isr'
import { expect, test } from 'vitest'

import { expectRefused, thrownBy } from '../support/failure.js'
import { hostile, samples } from '../support/hostile/inputs.js'
import { inProcess } from '../support/isolated.js'
import { expectNothingSent, succeed, withStub } from '../support/stub/stub.js'

const make = (tableName: unknown, options?: unknown): FaceTheoryIsrMetaStore =>
  new FaceTheoryIsrMetaStore(hostile<string>(tableName), hostile<FaceTheoryIsrMetaStoreOptions>(options))

const known = [
  'region',
  'endpoint',
  'credentials',
  'maxAttempts',
  'connectTimeoutMs',
  'requestTimeoutMs',
  'operationTimeoutMs',
  'pkPrefix',
  'pkFromCacheKey',
  'leaseToken',
  'leaseTtlBufferSeconds',
  'metaTtlSeconds',
  'consistentRead',
  'maxStalenessMs',
  'staleIfErrorMs',
  'earlyRefresh',
  'softInvalidation',
  'shared',
  'onOperation',
  'onOperationKeys',
] as const satisfies (keyof FaceTheoryIsrMetaStoreOptions)[]

test('an unknown option is refused with a TypeError that names it and the valid options', () => {
  for (const name of ['pkPrefx', 'tablename', 'maxRetries', 'toString', '__defineGetter__', '0', 'é']) {
    const error = thrownBy(() => make('isr', { [name]: 1 }))
    expectRefused(error, TypeError, name)
    expect(error.message).toContain(`unknown option "${name}"`)
    for (const other of known) expect(error.message).toContain(other)
  }
})

test.each(['ddb', 'client'])('the option %s is refused with a hint at the options to pass instead', (name) => {
  for (const form of [
    () => make('isr', { [name]: {} }),
    () => createFaceTheoryIsrMetaStore(hostile({ tableName: 'isr', [name]: {} })),
  ]) {
    const error = thrownBy(form)
    expectRefused(error, TypeError, name)
    for (const word of [name, 'region', 'endpoint', 'credentials']) expect(error.message).toContain(word)
  }
})

test('options that are not an object or undefined are refused, and so are options or a table name given twice', () => {
  const { object, undefined: _, ...others } = samples
  const isObject = (type: string): boolean => /^(boxed|object|date|promise)/.test(type)
  for (const [type, value] of Object.entries(others).filter(([type]) => !isObject(type))) {
    expectRefused(
      thrownBy(() => make('isr', value)),
      TypeError,
      type,
    )
    expectRefused(
      thrownBy(() => createFaceTheoryIsrMetaStore(hostile<FaceTheoryIsrMetaStoreConfig>(value))),
      TypeError,
      type,
    )
  }
  for (const value of [object, undefined, Object.create(null)])
    expect(make('isr', value)).toBeInstanceOf(FaceTheoryIsrMetaStore)
  expectRefused(
    thrownBy(() => make({ tableName: 'isr' }, { region: 'local' })),
    TypeError,
    'twice',
  )
  expectRefused(
    thrownBy(() => make('isr', { tableName: 'other' })),
    TypeError,
    'two names',
  )
})

test('options must be own properties, and each is read once', () => {
  expect(make('isr', Object.create({ pkPrefx: 1 }))).toBeInstanceOf(FaceTheoryIsrMetaStore)
  const error = thrownBy(() => make('isr', Object.create({ maxAttempts: 3 })))
  expectRefused(error, TypeError, 'inherited')
  expect(error.message).toContain('"maxAttempts" is inherited')
  const given = {
    tableName: 'isr',
    region: 'local',
    endpoint: 'http://localhost',
    maxAttempts: 1,
    consistentRead: true,
  }
  const reads: PropertyKey[] = []
  make(
    new Proxy(given, {
      get: (target, name) => {
        reads.push(name)
        return Reflect.get(target, name)
      },
    }),
  )
  const read = (name: string): number => reads.filter((other) => other === name).length
  expect(Object.keys(given).map((name) => [name, read(name)])).toEqual(Object.keys(given).map((name) => [name, 1]))
})

test('a Proxy as the options is refused when it throws or is revoked', () => {
  const thrown = Symbol('thrown')
  const throwing = new Proxy(
    {},
    {
      ownKeys: () => {
        throw thrown
      },
    },
  )
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const value of [throwing, proxy]) {
    for (const form of [() => make('isr', value), () => make(value)]) {
      const error = thrownBy(form)
      expectRefused(error, TypeError, inspect(form))
      expect(Object.hasOwn(error, 'cause')).toBe(true)
      if (value === throwing) expect(error.cause).toBe(thrown)
    }
  }
})

test('construction sends nothing and needs neither credentials nor a region', async () => {
  await withStub(succeed, async (stub) => {
    for (let i = 0; i < 10; i += 1) make('isr', { endpoint: stub.endpoint })
    await expectNothingSent(stub)
  })
  const made = await inProcess({}, null, ({ FaceTheoryIsrMetaStore }) => [
    String(new FaceTheoryIsrMetaStore('isr')),
    String(new FaceTheoryIsrMetaStore('isr', { endpoint: 'https://example.com' })),
  ])
  expect(made).toEqual(['[object Object]', '[object Object]'])
})
