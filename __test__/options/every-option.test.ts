// Every option, in every form of construction: the values that are refused at once, and the values that make a store.
import { inspect } from 'node:util'

import {
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreOptions,
} from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { expectRefused, thrownBy } from '../support/failure.js'
import { type Field, hostile, loneSurrogates, samples } from '../support/hostile/inputs.js'

const make = (tableName: unknown, options?: unknown): FaceTheoryIsrMetaStore =>
  new FaceTheoryIsrMetaStore(hostile<string>(tableName), hostile<FaceTheoryIsrMetaStoreOptions>(options))

const milliseconds: Field = {
  takes: ['number'],
  impossible: [0, -0, -1, 0.999, 5e-324, 300_000.001, NaN, Infinity, -Infinity],
  odd: [1, 1.5, 300_000],
}

const options: Record<keyof FaceTheoryIsrMetaStoreOptions, Field> = {
  region: {
    takes: ['string'],
    impossible: ['', ' ', 'é', 'a b', 'a/b', 'a@b', 'a\nb', ...loneSurrogates],
    odd: ['local', 'eu-central-1', 'us-gov-west-1'],
  },
  endpoint: {
    takes: ['string'],
    impossible: [
      '',
      ' ',
      'text',
      'localhost:8000',
      '//host',
      'ftp://host',
      'http://',
      'http://a b',
      'http://host?a=b',
      'http://id:secret@host',
      'http://localhost:99999',
      '\ud800',
    ],
    odd: [
      'http://localhost',
      'https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com',
      'http://[::1]:8000/',
      'http://10.0.0.1:65535',
    ],
  },
  credentials: {
    takes: ['function'],
    impossible: [
      { accessKeyId: '', secretAccessKey: 's' },
      { accessKeyId: 'i', secretAccessKey: '' },
      { accessKeyId: 'i', secretAccessKey: 's', sessionToken: '' },
    ],
    odd: [
      { accessKeyId: 'i', secretAccessKey: 's' },
      { accessKeyId: 'i', secretAccessKey: 's', sessionToken: undefined },
      { accessKeyId: 'i', secretAccessKey: 's', sessionToken: 't' },
    ],
  },
  maxAttempts: {
    takes: ['number'],
    impossible: [0, -0, -1, 1.5, 9.999, 11, 5e-324, NaN, Infinity, -Infinity],
    odd: [1, 2, 10],
  },
  connectTimeoutMs: milliseconds,
  requestTimeoutMs: milliseconds,
  operationTimeoutMs: milliseconds,
  pkPrefix: {
    takes: ['string'],
    impossible: ['x'.repeat(1_025), 'é'.repeat(513), ...loneSurrogates],
    odd: ['', ' ', 'x'.repeat(1_024), 'é'.repeat(512)],
  },
  pkFromCacheKey: {
    takes: ['function'],
    impossible: [],
    odd: [() => '', async () => '', class {}, Math.max, new Proxy(() => '', {})],
  },
  leaseToken: {
    takes: ['function'],
    impossible: [],
    odd: [() => '', async () => '', class {}, Math.random, new Proxy(() => '', {})],
  },
  leaseTtlBufferSeconds: {
    takes: ['number'],
    impossible: [-1, -5e-324, 1e10 + 0.00001, NaN, Infinity, -Infinity],
    odd: [0, -0, 5e-324, 0.5, 1e10],
  },
  metaTtlSeconds: {
    takes: ['number'],
    impossible: [-1, -5e-324, 1e10 + 0.00001, NaN, Infinity, -Infinity],
    odd: [0, -0, 5e-324, 0.5, 1e10],
  },
  consistentRead: { takes: ['boolean'], impossible: [], odd: [true, false] },
  maxStalenessMs: {
    takes: ['number'],
    impossible: [-1, -5e-324, 3_600_000.0001, NaN, Infinity, -Infinity],
    odd: [0, -0, 5e-324, 0.5, 3_600_000],
  },
  staleIfErrorMs: {
    takes: ['number'],
    impossible: [-1, -5e-324, 86_400_000.0001, NaN, Infinity, -Infinity],
    odd: [0, -0, 5e-324, 0.5, 86_400_000],
  },
  earlyRefresh: {
    takes: ['number'],
    impossible: [-1, -5e-324, 0.5000001, 1, NaN, Infinity, -Infinity],
    odd: [0, -0, 5e-324, 0.1, 0.5],
  },
  softInvalidation: { takes: ['boolean'], impossible: [], odd: [true, false] },
  shared: { takes: ['boolean'], impossible: [], odd: [true, false] },
  onOperation: {
    takes: ['function'],
    impossible: [],
    odd: [() => {}, async () => {}, class {}, Math.max, new Proxy(() => {}, {})],
  },
  onOperationKeys: { takes: ['boolean'], impossible: [], odd: [true, false] },
}

describe.each(Object.entries(options))('%s', (name, field) => {
  const forms: [string, (value: unknown) => unknown][] = [
    ['beside a table name', (value) => make('isr', { [name]: value })],
    ['in one object', (value) => make({ tableName: 'isr', [name]: value })],
    ['for the factory', (value) => createFaceTheoryIsrMetaStore(hostile({ tableName: 'isr', [name]: value }))],
  ]

  test.each(forms)('of another type is refused with a TypeError that names it: %s', (_, form) => {
    const wrong = Object.entries(samples).filter(([type]) => !['undefined', ...field.takes].includes(type))
    expect(wrong.length).toBeGreaterThan(8)
    for (const [type, value] of wrong) {
      const error = thrownBy(() => form(value))
      expectRefused(error, TypeError, type)
      // An error about credentials may name a member instead.
      expect(error.message, type).toMatch(name === 'credentials' ? /credentials|accessKeyId/ : name)
    }
    if (!field.takes.includes('string') && name !== 'endpoint')
      expectRefused(
        thrownBy(() => form('text')),
        TypeError,
        'string',
      )
  })

  if (field.impossible.length > 0) {
    test.each(forms)('with an impossible value is refused with a RangeError that names it: %s', (_, form) => {
      for (const value of field.impossible) {
        const error = thrownBy(() => form(value))
        expectRefused(error, RangeError, inspect(value))
        expect(error.message).toMatch(name === 'credentials' ? /accessKeyId|secretAccessKey|sessionToken/ : name)
      }
    })
  }

  test.each(forms)('with an unusual but allowed value, or undefined, makes a store: %s', (_, form) => {
    for (const value of [...field.odd, undefined])
      expect(form(value), inspect(value)).toBeInstanceOf(FaceTheoryIsrMetaStore)
  })

  test('whose getter throws is refused, with the thrown value as the cause', () => {
    const thrown = {
      toString: () => {
        throw new Error('toString was called')
      },
    }
    const given = {
      tableName: 'isr',
      get [name]() {
        throw thrown
      },
    }
    const error = thrownBy(() => make(given))
    expectRefused(error, TypeError, name)
    expect(error.message).toContain(name)
    expect(error.cause).toBe(thrown)
  })
})

test('a member of credentials that is not a string is refused with a TypeError that names it', () => {
  const good = { accessKeyId: 'i', secretAccessKey: 's', sessionToken: 't' }
  for (const name of Object.keys(good)) {
    for (const [type, value] of Object.entries(samples).filter(([type]) => type !== 'string')) {
      if (name === 'sessionToken' && type === 'undefined') continue
      const error = thrownBy(() => make('isr', { credentials: { ...good, [name]: value } }))
      expectRefused(error, TypeError, `${name}: ${type}`)
      expect(error.message).toContain(name)
    }
  }
})
