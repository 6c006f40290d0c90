// A META row of any content blocks no key and makes no call fail.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { IsrMetaRecord } from '@theory-cloud/tabletheory-isr'
import { beforeAll, expect, test } from 'vitest'

import {
  acquire,
  commit,
  metaRow,
  N,
  NOW,
  NOW_S,
  replaced,
  S,
  unusableValues,
  valuesOfOtherTypesThan,
  without,
} from '../support/rows.js'
import { type Item, makeTable, newKey, storeOf, writeRow } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

/** The record that `get` returns for a key with this row alone, without the cache key. */
async function readBack(makeRow: (cacheKey: string) => Item): Promise<Partial<IsrMetaRecord> | null> {
  const cacheKey = newKey()
  await writeRow(table, makeRow(cacheKey))
  const record = await storeOf(table).get(cacheKey)
  if (!record) return null
  expect(record.cacheKey).toBe(cacheKey)
  const { cacheKey: _, ...rest } = record
  return rest
}

const full = (cacheKey: string) =>
  metaRow(cacheKey, {
    generated_at_ms: N(NOW + 123),
    revalidate_ms: N(59_500),
    status: N(404),
    content_type: S('text/plain'),
    content_security_policy: S("default-src 'self'"),
    strict_csp_policy: { M: { inlineScripts: { BOOL: false } } },
    etag: S('"1"'),
    ttl: N(NOW_S + 86_400),
    cache_key: S(cacheKey),
  })

const required: [attribute: string, right: string][] = [
  ['s3_key', 'S'],
  ['generated_at', 'N'],
  ['revalidate_seconds', 'N'],
]

test.each(required)(
  'get returns null for META without a usable %s, and the next commit replaces the row',
  async (attribute, right) => {
    const store = storeOf(table)
    const values = unusableValues(right)
    if (attribute === 's3_key') values.push(['an empty string', S('')])
    else
      values.push(...['-5', '-0.5', '-1e-130', '-1e125'].map((number): [string, AttributeValue] => [number, N(number)]))
    for (const [type, value] of values) {
      const cacheKey = newKey()
      await writeRow(table, replaced(full(cacheKey), attribute, value))
      expect(await store.get(cacheKey), type).toBeNull()
      const attempt = await acquire(store, cacheKey, { fallbackRevalidateSeconds: 7 })
      expect(attempt, type).toMatchObject({
        acquired: true,
        record: { htmlPointer: null, generatedAt: 0, revalidateSeconds: 7, status: 200, etag: null },
      })
      await commit(store, cacheKey, attempt.leaseToken ?? '', { htmlPointer: 'pages/2.html', etag: '"2"' })
      expect(await store.get(cacheKey), type).toMatchObject({ htmlPointer: 'pages/2.html', etag: '"2"', status: 200 })
    }
  },
)

const additions: [attribute: string, right: string][] = [
  ['generated_at_ms', 'N'],
  ['revalidate_ms', 'N'],
  ['status', 'N'],
  ['content_type', 'S'],
  ['content_security_policy', 'S'],
  ['strict_csp_policy', 'M'],
  ['etag', 'S'],
  ['ttl', 'N'],
  ['cache_key', 'S'],
]

test.each(additions)(
  'META with %s of a wrong type is read as if the attribute were missing',
  async (attribute, right) => {
    const expected = await readBack((cacheKey) => without(full(cacheKey), attribute))
    expect(expected).toMatchObject({ htmlPointer: 'pages/1.html' })
    for (const [type, value] of valuesOfOtherTypesThan(right)) {
      const record = await readBack((cacheKey) => ({ ...full(cacheKey), [attribute]: value }))
      expect(record, type).toStrictEqual(expected)
    }
  },
)

test('get returns each optional attribute of META, and a default for each that is missing', async () => {
  expect(await readBack(full)).toStrictEqual({
    htmlPointer: 'pages/1.html',
    generatedAt: NOW + 123,
    revalidateSeconds: 59.5,
    status: 404,
    contentType: 'text/plain',
    contentSecurityPolicy: "default-src 'self'",
    strictCspPolicy: { inlineScripts: false },
    etag: '"1"',
    leaseOwner: null,
    leaseToken: null,
    leaseExpiresAt: 0,
  })
  expect(await readBack(metaRow)).toStrictEqual({
    htmlPointer: 'pages/1.html',
    generatedAt: NOW,
    revalidateSeconds: 60,
    status: 200,
    contentType: 'text/html; charset=utf-8',
    contentSecurityPolicy: null,
    strictCspPolicy: null,
    etag: null,
    leaseOwner: null,
    leaseToken: null,
    leaseExpiresAt: 0,
  })
})

test.each<[string, Item, Partial<IsrMetaRecord>]>([
  ['a ttl in the past', { ttl: N(1) }, { htmlPointer: 'pages/1.html', generatedAt: NOW }],
  ['status below 100', { status: N(99) }, { status: 200 }],
  ['status above 599', { status: N(600) }, { status: 200 }],
  ['a negative status', { status: N(-404) }, { status: 200 }],
  ['a status of 1e125', { status: N('1e125') }, { status: 200 }],
  ['a fractional status', { status: N('404.7') }, { status: 404 }],
  ['an empty content type', { content_type: S('') }, { contentType: 'text/html; charset=utf-8' }],
  ['a blank content type', { content_type: S(' \t\n\ufeff') }, { contentType: 'text/html; charset=utf-8' }],
  ['an empty policy', { strict_csp_policy: { M: {} } }, { strictCspPolicy: {} }],
  [
    'a policy with a member that is true',
    { strict_csp_policy: { M: { inlineScripts: { BOOL: true }, inlineStyles: { BOOL: false } } } },
    { strictCspPolicy: { inlineStyles: false } },
  ],
  [
    'a policy with members of wrong types and unknown members',
    { strict_csp_policy: { M: { inlineScripts: S('false'), inlineStyles: { NULL: true }, other: { BOOL: false } } } },
    { strictCspPolicy: {} },
  ],
  ['generated_at_ms in a later second', { generated_at_ms: N(NOW + 1_000) }, { generatedAt: NOW }],
  ['generated_at_ms in the second before', { generated_at_ms: N('1999999999999.5') }, { generatedAt: NOW }],
  ['generated_at_ms in the same second', { generated_at_ms: N('2000000000999.5') }, { generatedAt: NOW + 999.5 }],
  ['a fractional generated_at', { generated_at: N('2000000000.5') }, { generatedAt: NOW + 500 }],
  ['a generated_at of 1e125', { generated_at: N('1e125') }, { generatedAt: 1e128 }],
  ['a generated_at of -0', { generated_at: N('-0') }, { generatedAt: 0 }],
  [
    'a generated_at of 38 digits',
    { generated_at: N(`2000000000.${'1'.repeat(28)}`) },
    { generatedAt: 2_000_000_000_111.1111 },
  ],
  ['revalidate_ms that rounds up to another second', { revalidate_ms: N(60_001) }, { revalidateSeconds: 60 }],
  ['revalidate_ms that is exactly a second lower', { revalidate_ms: N(59_000) }, { revalidateSeconds: 60 }],
  [
    'revalidate_ms that rounds up to revalidate_seconds',
    { revalidate_ms: N('59000.5') },
    { revalidateSeconds: 59.0005 },
  ],
  ['a fractional revalidate_seconds', { revalidate_seconds: N('1.25') }, { revalidateSeconds: 1.25 }],
  ['a revalidate_seconds of 1e125', { revalidate_seconds: N('1e125') }, { revalidateSeconds: 1e125 }],
])('META with %s is read as a page', async (_, attributes, expected) => {
  expect(await readBack((cacheKey) => metaRow(cacheKey, attributes))).toMatchObject(expected)
})
