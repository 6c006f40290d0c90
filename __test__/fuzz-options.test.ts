// Anything at all, given to the constructor and as every option: refused at once as documented, or in force.
import { types } from 'node:util'

import {
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreOptions,
} from '@theory-cloud/tabletheory-isr'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { anyNumber, anyText, anything, Given, given, shortText } from './support/anything.js'
import { AttributedStub, partitionsIn } from './support/attributed.js'
import { construction, outcomeOf } from './support/documented.js'
import { above, bytes, isText, isWhole, mostly, objectOf, type Rule, truthOf, within } from './support/fuzzed.js'
import { goodInput, hostile } from './support/hostile.js'
import type { Received } from './support/stub.js'

const numRuns = 1_000
const timeout = 600_000

const tableNames = ['FACETHEORY_CACHE_TABLE_NAME', 'APPTHEORY_CACHE_TABLE_NAME', 'CACHE_TABLE_NAME', 'CACHE_TABLE']
const endpoints = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL', 'DYNAMODB_ENDPOINT']
const identity = ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
const variables = [...tableNames, ...endpoints, ...identity]

let stub: AttributedStub

beforeAll(async () => {
  stub = await AttributedStub.start()
})
beforeEach(() => {
  for (const name of variables) vi.stubEnv(name, undefined)
  // Whatever becomes of the options, nothing goes elsewhere.
  vi.stubEnv('DYNAMODB_ENDPOINT', stub.endpoint)
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => stub.close())

type Options = FaceTheoryIsrMetaStoreOptions
const makeWith = (table: unknown, options: unknown): FaceTheoryIsrMetaStore =>
  new FaceTheoryIsrMetaStore(hostile<string>(table), hostile<Options>(options))

const forms: Record<string, (options: object, table: string) => FaceTheoryIsrMetaStore> = {
  'beside the name': (options, table) => makeWith(table, options),
  'in one object': (options) => makeWith(options, undefined),
  'for the factory': (options) => createFaceTheoryIsrMetaStore(options),
}

const isOptional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value)
const isFunction: Rule = (value) => typeof value === 'function'
const isMillis = isOptional(within(1, 300_000))
const isControl = (char: string): boolean => (char < ' ' && char !== '\t') || char === '\x7f'
const isSendable = (value: unknown): boolean => isText(value) && ![...String(value)].some(isControl)

/** What no host's name can have in it may be found out when it is put there. */
const isRegion: Rule = (value) => {
  if (typeof value !== 'string' || !/^[a-z\d-]+$/i.test(value)) return false
  return /^[a-z\d][a-z\d-]{0,62}$/i.test(value) || 'perhaps'
}

const areCredentials: Rule = (value) => {
  const seen = truthOf(value)?.seen
  if (seen === undefined) return false
  const { accessKeyId, secretAccessKey, sessionToken } = seen
  return [accessKeyId, secretAccessKey, sessionToken ?? 'none'].every(isSendable) && sessionToken !== null
}

/** The limits on each option, in the contract's words and not in the code's. */
const rules = {
  region: isOptional(isRegion),
  credentials: isOptional(areCredentials),
  maxAttempts: isOptional((value) => within(1, 10)(value) && Number.isInteger(value)),
  connectTimeoutMs: isMillis,
  requestTimeoutMs: isMillis,
  operationTimeoutMs: isMillis,
  pkPrefix: isOptional((value) => isWhole(value) && bytes(String(value)) <= 1_024),
  pkFromCacheKey: isOptional(isFunction),
  leaseToken: isOptional(isFunction),
  leaseTtlBufferSeconds: isOptional(within(0, 1e10)),
  metaTtlSeconds: isOptional(above(0, 1e10)),
  consistentRead: isOptional((value) => typeof value === 'boolean'),
  maxStalenessMs: isOptional(within(0, 3_600_000)),
  onOperation: isOptional(isFunction),
  onOperationKeys: isOptional((value) => typeof value === 'boolean'),
} satisfies Partial<Record<keyof FaceTheoryIsrMetaStoreOptions, Rule>>

type Option = keyof typeof rules

const bad = [null, '', Number.NaN, -1, 11, 1e11]
// Longer ones are more than a server takes in its headers.
const credentials = objectOf({
  accessKeyId: fc.oneof(mostly(['AKID'], ['a b', 'é', '\t', ',/='], ['', 'a\nb', '\x7f']), shortText),
  secretAccessKey: fc.oneof(mostly(['secret'], ['é'], ['']), shortText),
  sessionToken: mostly([undefined, 'token'], ['é', ' '], ['', null, 'a\r\nb: c']),
})
const usualPartition = (cacheKey: string): string => `own ${cacheKey}`

const values: Record<Option, fc.Arbitrary<Given>> = {
  region: fc.oneof(
    { weight: 8, arbitrary: mostly(['eu-west-1', undefined], ['x', '1'], ['', 'a b', 'a/b', 'é']) },
    { weight: 1, arbitrary: anyText },
  ),
  credentials: fc.oneof({ weight: 4, arbitrary: credentials }, { weight: 1, arbitrary: mostly([undefined], [], bad) }),
  maxAttempts: fc.oneof({ weight: 4, arbitrary: mostly([1, 3], [10], bad) }, { weight: 1, arbitrary: anyNumber }),
  connectTimeoutMs: mostly([1_000], [1, 1.5, 300_000], [0, 0.999, 300_000.1, Number.NaN]),
  requestTimeoutMs: mostly([1_000], [1, 1.5, 300_000], [0, 0.999, 300_000.1, Number.NaN]),
  operationTimeoutMs: fc.oneof(
    { weight: 4, arbitrary: mostly([1_000], [1, 300_000], bad) },
    { weight: 1, arbitrary: anyNumber },
  ),
  pkPrefix: fc.oneof(
    { weight: 4, arbitrary: mostly(['P#', undefined], ['', 'é'.repeat(512)], ['é'.repeat(513)]) },
    { weight: 1, arbitrary: anyText },
  ),
  pkFromCacheKey: mostly([undefined, usualPartition], [], bad),
  leaseToken: mostly([undefined, () => 'token'], [], bad),
  leaseTtlBufferSeconds: fc.oneof(
    { weight: 4, arbitrary: mostly([60, undefined], [0, -0, 0.5, 1e10, 5e-324], [-1, 1e10 + 1]) },
    { weight: 1, arbitrary: anyNumber },
  ),
  metaTtlSeconds: fc.oneof(
    { weight: 4, arbitrary: mostly([60, undefined], [0.5, 1e10, 5e-324], [0, -0, -1]) },
    { weight: 1, arbitrary: anyNumber },
  ),
  consistentRead: mostly([true, false, undefined], [], bad),
  onOperation: mostly([undefined, () => undefined], [], bad),
  onOperationKeys: mostly([true, false, undefined], [], bad),
  maxStalenessMs: fc.oneof(
    { weight: 4, arbitrary: mostly([1_000, undefined], [0, -0, 0.5, 3_600_000, 5e-324], [-1, 3_600_001]) },
    { weight: 1, arbitrary: anyNumber },
  ),
}

/** A store's first call, and what it shows of the options. */
interface Proof {
  call: (store: FaceTheoryIsrMetaStore) => unknown
  /** Whether it must succeed: a callback may return anything, and no server takes headers of any length. */
  mustSucceed: (seen: Seen) => boolean
  check: (seen: Seen, requests: Received[]) => void
}
type Seen = Record<string, unknown>

function signature([request]: Received[]): unknown[] {
  const { authorization = '', 'x-amz-security-token': token } = request?.headers ?? {}
  const [, accessKeyId, region] = /Credential=(.*)\/\d{8}\/([^/]*)\/dynamodb\/aws4_request/.exec(authorization) ?? []
  return [accessKeyId, region, token]
}

/** As Node.js shows a header. */
const header = (value: unknown): string =>
  Buffer.from(String(value))
    .toString('latin1')
    .replace(/^[ \t]+|[ \t]+$/g, '')

const ttlIn = (requests: Received[]): string | undefined =>
  requests.map(({ text }) => /"ttl":\{"N":"([^"]*)"/.exec(text)?.[1]).find((ttl) => ttl !== undefined)

const groups: Record<string, { options: Option[] } & Proof> = {
  'who asks, and where': {
    options: ['region', 'credentials'],
    call: (store) => store.get('key'),
    mustSucceed: ({ credentials }) =>
      Object.values(truthOf(credentials)?.seen ?? {}).every((text) => bytes(String(text)) < 5_000),
    check: ({ region = 'us-east-1', credentials }, requests) => {
      const { accessKeyId = 'local', sessionToken } = truthOf(credentials)?.seen ?? {}
      const token = sessionToken === undefined ? undefined : header(sessionToken)
      expect(signature(requests)).toEqual([Buffer.from(String(accessKeyId)).toString('latin1'), region, token])
    },
  },
  'where rows lie, and how they are read': {
    options: [
      'pkPrefix',
      'pkFromCacheKey',
      'leaseToken',
      'consistentRead',
      'maxStalenessMs',
      'onOperation',
      'onOperationKeys',
    ],
    call: (store) => store.get('key'),
    mustSucceed: ({ pkFromCacheKey }) => pkFromCacheKey === undefined || pkFromCacheKey === usualPartition,
    check: ({ pkPrefix = 'CACHE#', pkFromCacheKey, consistentRead = true, maxStalenessMs = 0 }, requests) => {
      const isRemembered = Math.round(Number(maxStalenessMs) * 1e6) >= 1
      expect(requests.map(({ body }) => body.ConsistentRead)).toEqual([consistentRead || isRemembered])
      const partition = pkFromCacheKey === undefined ? `${pkPrefix}key` : usualPartition('key')
      expect(partitionsIn(requests)).toEqual([partition])
    },
  },
  'when a lease may be collected': {
    options: ['leaseTtlBufferSeconds'],
    call: (store) => store.tryAcquireLease({ ...goodInput.tryAcquireLease, nowMs: 1_000, leaseDurationMs: 500 }),
    mustSucceed: () => true,
    check: ({ leaseTtlBufferSeconds: buffer = 3_600 }, requests) => {
      expect(ttlIn(requests)).toBe(Number(buffer) > 0 ? String(2 + Math.ceil(Number(buffer))) : undefined)
    },
  },
  'when a page may be collected': {
    options: ['metaTtlSeconds'],
    call: (store) => store.commitGeneration({ ...goodInput.commitGeneration, generatedAt: 500, revalidateSeconds: 1 }),
    mustSucceed: () => true,
    check: ({ metaTtlSeconds: retention }, requests) => {
      const expected = retention === undefined ? undefined : String(1 + Math.ceil(Math.max(1, Number(retention))))
      expect(ttlIn(requests)).toBe(expected)
    },
  },
}

function areAllowed(options: Option[], seen: Seen | undefined): boolean | 'perhaps' {
  const judged: (boolean | 'perhaps')[] = options.map((name) => seen !== undefined && rules[name](seen[name]))
  if (judged.includes(false)) return false
  return judged.includes('perhaps') ? 'perhaps' : true
}

const valuesOf = (options: Option[]) => Object.fromEntries(options.map((name) => [name, values[name]]))

function expectReadOnce(value: unknown): void {
  const reads = [...(truthOf(value)?.reads ?? [])]
  expect(reads.filter(([, times]) => times > 1)).toEqual([])
}

describe.each(Object.keys(forms))('options are refused as documented, or are in force: %s', (form) => {
  const hasName = form !== 'beside the name'
  const table = { tableName: fc.constant(null).map(() => new Given('a table of its own', () => stub.newTable())) }

  test.each(Object.entries(groups))('%s', { timeout }, async (_, { options, call, mustSucceed, check }) => {
    const object = objectOf({ ...(hasName ? table : {}), ...valuesOf(options) })
    const property = fc.asyncProperty(object, async (given) => {
      const seen = truthOf(given.value)?.seen
      const name = hasName ? seen?.tableName : stub.newTable()
      const isGood = typeof name === 'string' && areAllowed(options, seen)
      const made = construction(() => forms[form]?.(given.value as object, String(name)))
      for (const read of [given.value, seen?.credentials]) expectReadOnce(read)
      if (isGood !== 'perhaps') expect('returned' in made).toBe(isGood)
      if (!('returned' in made) || seen === undefined) {
        stub.refuse(String(name))
        return
      }
      const outcome = await outcomeOf(() => call(made.returned as FaceTheoryIsrMetaStore))
      if (isGood === true && mustSucceed(seen)) check(seen, stub.judge(String(name), 'accepted', outcome))
    })
    await fc.assert(property, { numRuns })
    await stub.conclude()
  })

  test('limits', { timeout }, async () => {
    const options: Option[] = ['maxAttempts', 'connectTimeoutMs', 'requestTimeoutMs', 'operationTimeoutMs']
    const object = objectOf({ ...(hasName ? table : {}), ...valuesOf(options) })
    const property = fc.asyncProperty(object, async (given) => {
      const seen = truthOf(given.value)?.seen
      const name = hasName ? seen?.tableName : stub.newTable()
      const made = construction(() => forms[form]?.(given.value as object, String(name)))
      expectReadOnce(given.value)
      expect('returned' in made).toBe(typeof name === 'string' && areAllowed(options, seen))
      // A limit of a millisecond may well pass: that is documented.
      if ('returned' in made) await outcomeOf(() => (made.returned as FaceTheoryIsrMetaStore).get('key'))
    })
    await fc.assert(property, { numRuns })
  })
})

describe('whatever the arguments are, a store is made, or what is thrown is documented', () => {
  // What a proxy was made of is not asked.
  const isArray = (value: unknown): boolean => !types.isProxy(value) && Array.isArray(value)
  /** What is fit to be options: an object with nothing to say. */
  function isSilent(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || isArray(value)) return false
    try {
      return Object.keys(value).length === 0 && !Object.keys(rules).some((name) => Object.hasOwn(value, name))
    } catch {
      return false
    }
  }
  const isTableName = (value: unknown): boolean => typeof value === 'string' && /^[\w.-]{3,255}$/.test(value)

  test('a table name and options', { timeout }, async () => {
    const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/isr'
    const table = fc.oneof(
      { weight: 1, arbitrary: mostly(['isr'], [arn], ['', 'ab', 'a b']) },
      { weight: 1, arbitrary: anything },
    )
    const options = fc.oneof(
      { weight: 2, arbitrary: fc.constant(new Given('undefined', () => undefined)) },
      { weight: 3, arbitrary: anything },
    )
    let made = 0
    const property = fc.property(table, options, (name, given) => {
      const isMade = 'returned' in construction(() => makeWith(name.value, given.value))
      const isGood = isTableName(name.value) || name.value === arn
      expect(isMade).toBe(isGood && (given.value === undefined || isSilent(given.value)))
      made += Number(isMade)
    })
    fc.assert(property, { numRuns })
    expect(made).toBeGreaterThan(numRuns / 10)
  })

  test('an endpoint, which is an address for browsers too, without anything secret in it', {
    timeout,
  }, async () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
      fc.webAuthority(),
      fc.string(),
    )
    const part = fc.constantFrom('', '', ':1', ':65536', '/', '/path', '?a=b', '#c', '@x', ' ', '%20')
    const url = fc
      .tuple(
        fc.constantFrom('http', 'https', 'HTTP', 'ftp', 'http:'),
        fc.constantFrom('', 'id@', 'id:secret@'),
        host,
        part,
        part,
      )
      .map(([scheme, user, name, ...rest]) => `${scheme}://${user}${name}${rest.join('')}`)
    let made = 0
    const property = fc.property(
      fc.oneof(
        { weight: 6, arbitrary: url.map((text) => given(text, text)) },
        fc.webUrl().map((text) => given(text, text)),
        anything,
      ),
      ({ value }) => {
        if (!('returned' in construction(() => makeWith('isr', { endpoint: value }))) || value === undefined) return
        made += 1
        expect(value).toBeTypeOf('string')
        const { protocol, username, password, search, hash } = new URL(String(value))
        expect(['http:', 'https:']).toContain(protocol)
        expect([username, password, search, hash]).toEqual(['', '', '', ''])
      },
    )
    fc.assert(property, { numRuns })
    expect(made).toBeGreaterThan(numRuns / 10)
  })

  test('options that do not exist', { timeout }, async () => {
    const name = fc.oneof(
      anyText.map(({ value }) => String(value)),
      fc.constantFrom('tablename', 'ddb', 'client', '__proto__', '0'),
    )
    const property = fc.property(name, anything, (unknown, given) => {
      fc.pre(unknown !== '__proto__')
      const made = construction(() => makeWith('isr', { [unknown]: given.value }))
      expect(made).toMatchObject({ failed: { name: 'TypeError', code: 'ErrInvalidArgument' } })
    })
    fc.assert(property, { numRuns })
  })

  test('an environment of any strings', { timeout }, async () => {
    const text = fc.oneof(
      anyText.map(({ value }) => String(value)),
      fc.constantFrom('isr', ' ', 'http://localhost:1', 'http://[::1', 'https://a:b@c', 'x://y', 'http://\u00e9/'),
    )
    const property = fc.property(fc.dictionary(fc.constantFrom(...variables), text), (environment) => {
      for (const name of variables) vi.stubEnv(name, undefined)
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
      construction(() => new FaceTheoryIsrMetaStore())
      construction(() => createFaceTheoryIsrMetaStore({ tableName: 'isr' }))
    })
    fc.assert(property, { numRuns })
  })

  test('an environment that is anything at all', { timeout }, async () => {
    const object = objectOf(
      Object.fromEntries(variables.map((name) => [name, mostly(['isr', undefined], ['http://localhost'])])),
    )
    const property = fc.property(fc.oneof(object, anything), (environment) => {
      const isr = process.env
      const { value } = environment
      Object.defineProperty(process, 'env', { value, configurable: true, enumerable: true, writable: true })
      try {
        construction(() => new FaceTheoryIsrMetaStore())
        construction(() => new FaceTheoryIsrMetaStore('isr'))
      } finally {
        Object.defineProperty(process, 'env', { value: isr, configurable: true, enumerable: true, writable: true })
      }
    })
    fc.assert(property, { numRuns })
  })
})
