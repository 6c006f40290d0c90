// The table name: its sources, and the valid names.
import { createFaceTheoryIsrMetaStore, FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { expectCode, expectRefused, thrownBy } from '../support/failure.js'
import { hostile, loneSurrogates, samples } from '../support/hostile/inputs.js'
import { inWorker } from '../support/isolated.js'
import { type Stub, startStub, succeed } from '../support/stub/stub.js'

let stub: Stub

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => {
  stub.play(succeed)
  for (const name of variables) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', stub.endpoint)
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => stub.close())

const variables = ['FACETHEORY_CACHE_TABLE_NAME', 'APPTHEORY_CACHE_TABLE_NAME', 'CACHE_TABLE_NAME', 'CACHE_TABLE']
const arn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/isr'

/** The table that a request of the store goes to. */
async function tableOf(store: FaceTheoryIsrMetaStore): Promise<unknown> {
  stub.play(succeed)
  await store.get('key')
  return stub.requests[0]?.body.TableName
}

const forms: [string, (tableName: unknown) => FaceTheoryIsrMetaStore][] = [
  ['new (name)', (name) => new FaceTheoryIsrMetaStore(hostile<string>(name))],
  ['new (name, options)', (name) => new FaceTheoryIsrMetaStore(hostile<string>(name), { maxAttempts: 1 })],
  [
    'new ({ tableName, ...options })',
    (name) => new FaceTheoryIsrMetaStore({ tableName: hostile<string>(name), maxAttempts: 1 }),
  ],
  ['create ({ tableName })', (name) => createFaceTheoryIsrMetaStore({ tableName: hostile<string>(name) })],
]

const formsWithout: [string, () => FaceTheoryIsrMetaStore][] = [
  ['new ()', () => new FaceTheoryIsrMetaStore()],
  ['new (undefined)', () => new FaceTheoryIsrMetaStore(undefined)],
  ['new (undefined, options)', () => new FaceTheoryIsrMetaStore(undefined, { maxAttempts: 1 })],
  ['new ({})', () => new FaceTheoryIsrMetaStore({})],
  ['new ({ tableName: undefined })', () => new FaceTheoryIsrMetaStore({ tableName: undefined })],
  ['create ()', () => createFaceTheoryIsrMetaStore()],
  ['create (undefined)', () => createFaceTheoryIsrMetaStore(undefined)],
  ['create ({})', () => createFaceTheoryIsrMetaStore({})],
]

describe.each(forms)('%s', (_, make) => {
  test('accepts every name that DynamoDB accepts, and the ARN of a table, and ignores the environment', async () => {
    vi.stubEnv('FACETHEORY_CACHE_TABLE_NAME', 'from-environment')
    for (const name of ['isr', 'a.b-c_D9', '...', '123', 'x'.repeat(255), arn, arn.replace('aws', 'aws-cn')]) {
      expect(await tableOf(make(name))).toBe(name)
    }
  })

  test('refuses an impossible name with a RangeError that names tableName', () => {
    vi.stubEnv('FACETHEORY_CACHE_TABLE_NAME', 'from-environment')
    const names = [
      '',
      ' ',
      '\t\n',
      'ab',
      ' isr',
      'isr ',
      'is r',
      'isr/x',
      'é23',
      'x'.repeat(256),
      'arn:aws:s3:::bucket',
    ]
    for (const name of [...names, `${arn}/index/x`, arn.replace('123456789012', '1'), ...loneSurrogates]) {
      const error = thrownBy(() => make(name))
      expectRefused(error, RangeError, JSON.stringify(name))
      expect(error.message).toContain('tableName')
    }
  })

  test('refuses a name that is not a string with a TypeError that names tableName', () => {
    vi.stubEnv('FACETHEORY_CACHE_TABLE_NAME', 'from-environment')
    const isObject = (type: string): boolean => /^(boxed|object|date|promise|array|empty)/.test(type)
    const others = Object.entries(samples).filter(
      ([type]) => !['string', 'undefined'].includes(type) && !isObject(type),
    )
    expect(others.map(([type]) => type)).toContain('null')
    for (const [type, value] of others) {
      const error = thrownBy(() => make(value))
      expectRefused(error, TypeError, type)
      expect(error.message, type).toContain('tableName')
    }
    for (const value of [['isr'], new String('isr')])
      expectRefused(
        thrownBy(() => make(value)),
        TypeError,
        String(value),
      )
  })
})

describe.each(formsWithout)('%s', (_, make) => {
  test('uses the first environment variable that is not blank, trimmed', async () => {
    for (const [index, name] of variables.entries()) {
      for (const [other, value] of variables.entries()) {
        vi.stubEnv(value, other < index ? ' \t' : other === index ? `  table-${name}\n` : `later-${value}`)
      }
      expect(await tableOf(make())).toBe(`table-${name}`)
    }
  })

  test('throws ErrConfig when all variables are absent or blank, and names them', () => {
    for (const value of [undefined, '', '  ']) {
      for (const name of variables) vi.stubEnv(name, value)
      const error = thrownBy(make)
      expectCode(error, 'ErrConfig')
      for (const name of variables) expect(error.message).toContain(name)
    }
  })

  test('refuses an impossible name in the first variable, and does not use the next variable', () => {
    vi.stubEnv('APPTHEORY_CACHE_TABLE_NAME', 'not a name')
    vi.stubEnv('CACHE_TABLE', 'isr')
    expectRefused(thrownBy(make), RangeError, 'not a name')
  })
})

test('the table name is read from the environment when the store is made, and not later', async () => {
  vi.stubEnv('CACHE_TABLE', 'first')
  const store = new FaceTheoryIsrMetaStore()
  vi.stubEnv('CACHE_TABLE', 'second')
  expect(await tableOf(store)).toBe('first')
  expect(await tableOf(new FaceTheoryIsrMetaStore())).toBe('second')
})

test('a worker thread reads the table name from its own process.env, and not from that of the process', async () => {
  vi.stubEnv('CACHE_TABLE', 'of-the-process')
  const env = { AWS_ENDPOINT_URL: stub.endpoint, CACHE_TABLE: 'of-the-worker' }
  await inWorker(env, null, async ({ FaceTheoryIsrMetaStore }) => {
    await new FaceTheoryIsrMetaStore().get('key')
    process.env.CACHE_TABLE = 'changed-by-the-worker'
    await new FaceTheoryIsrMetaStore().get('key')
  })
  expect(stub.requests.map(({ body }) => body.TableName)).toEqual(['of-the-worker', 'changed-by-the-worker'])
  const code = await inWorker({}, null, ({ FaceTheoryIsrMetaStore }) => {
    try {
      return String(new FaceTheoryIsrMetaStore())
    } catch (error) {
      return (error as { code: string }).code
    }
  })
  expect(code).toBe('ErrConfig')
})
