// Rows of random content block no key and make no call fail, and a commit replaces them.
import { inspect } from 'node:util'

import { BatchWriteItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb'
import type { FaceTheoryIsrMetaStore, IsrMetaRecord } from '@theory-cloud/tabletheory-isr'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { generationTime, leaseEnd, leaseIn, locks, metas, strangers, textIn } from '../support/hostile/rows.js'
import { leaseIsFree } from '../support/model/lease.js'
import { acquire, commit, NOW, pkOf, S } from '../support/rows.js'
import { dynamodb, type Item, makeTable, newKey, storeOf } from '../support/store.js'

const numRuns = 400
const timeout = 600_000

let table: string
let store: FaceTheoryIsrMetaStore
let taker: FaceTheoryIsrMetaStore

beforeAll(async () => {
  table = await makeTable()
  store = storeOf(table)
  taker = storeOf(table)
})

interface Partition {
  meta: Item | undefined
  lock: Item | undefined
  others: Record<string, Item>
}

const shortly = { depth: null, maxStringLength: 100 }
const partitions: fc.Arbitrary<Partition> = fc
  .record({ meta: metas, lock: locks, others: strangers })
  .map((rows) => ({ ...rows, [fc.toStringMethod]: () => inspect(rows, shortly) }))
const clocks = fc.constantFrom(0, 0.25, 500, 999.75, 1_000).map((offset) => NOW + offset)

async function write(pk: string, { meta, lock, others }: Partition): Promise<void> {
  const rows = Object.entries({ ...others, META: meta, LOCK: lock })
  const requests = rows.flatMap(([sk, row]) =>
    row ? [{ PutRequest: { Item: { ...row, pk: S(pk), sk: S(sk) } } }] : [],
  )
  if (requests.length === 0) return
  const { UnprocessedItems } = await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }))
  expect(UnprocessedItems).toEqual({})
}

/** All rows of the partition, by sort key. */
async function read(pk: string): Promise<Record<string, Item>> {
  const query = {
    TableName: table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': S(pk) },
    ConsistentRead: true,
  }
  const rows: Record<string, Item> = {}
  for await (const { Items = [] } of paginateQuery({ client: dynamodb }, query)) {
    for (const { pk: _, sk, ...row } of Items) rows[sk?.S ?? ''] = row
  }
  return rows
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const finite = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)

function expectDocumented(record: IsrMetaRecord, cacheKey: string): void {
  expect(record).toEqual({
    cacheKey,
    htmlPointer: record.htmlPointer === null ? null : expect.toSatisfy(isText),
    generatedAt: expect.toSatisfy(finite),
    revalidateSeconds: expect.toSatisfy((value: number) => finite(value) && value >= 0),
    status: expect.toSatisfy((value: number) => Number.isInteger(value) && value >= 100 && value <= 599),
    contentType: expect.stringMatching(/\S/),
    contentSecurityPolicy: record.contentSecurityPolicy === null ? null : expect.any(String),
    strictCspPolicy: record.strictCspPolicy === null ? null : expect.any(Object),
    etag: record.etag === null ? null : expect.any(String),
    leaseOwner: record.leaseOwner === null ? null : expect.any(String),
    leaseToken: record.leaseToken === null ? null : expect.toSatisfy(isText),
    leaseExpiresAt: expect.toSatisfy(finite),
  })
  for (const [name, value] of Object.entries(record.strictCspPolicy ?? {})) {
    expect(['inlineScripts', 'inlineStyles']).toContain(name)
    expect(value).toBe(false)
  }
}

function expectPage(record: IsrMetaRecord, meta: Item | undefined): void {
  const generated = generationTime(meta)
  expect(record.htmlPointer).toBe(generated === null ? null : textIn(meta, 's3_key'))
  expect(generated?.readings ?? [0]).toContain(record.generatedAt)
}

function expectLease(record: IsrMetaRecord, lock: Item | undefined): void {
  const end = leaseEnd(lock)
  expect(record.leaseToken).toBe(end === null ? null : textIn(lock, 'lease_token'))
  expect(record.leaseOwner).toBe(end === null ? null : textIn(lock, 'lease_owner'))
  expect(end?.readings ?? [0]).toContain(record.leaseExpiresAt)
}

const outcomes = { acquired: 0, held: 0, nothing: 0, published: 0 }

test('get shows usable random rows, acquire succeeds exactly when their lease is free, and commit replaces them', {
  timeout,
}, async () => {
  const property = fc.asyncProperty(partitions, clocks, async (partition, nowMs) => {
    const { meta, lock, others } = partition
    const cacheKey = newKey()
    const pk = pkOf(cacheKey)
    await write(pk, partition)
    const { META: _, LOCK: __, ...strangersBefore } = await read(pk)

    const record = await store.get(cacheKey)
    const isThere = generationTime(meta) !== null || leaseEnd(lock) !== null
    expect(record === null).toBe(!isThere)
    if (record === null) {
      outcomes.nothing += 1
    } else {
      expectDocumented(record, cacheKey)
      expectPage(record, meta)
      expectLease(record, lock)
    }

    // `taker` has not just read the key, so the condition of its put decides, which is exact.
    const attempt = await acquire(taker, cacheKey, { nowMs, fallbackRevalidateSeconds: 7 })
    expectDocumented(attempt.record, cacheKey)
    expectPage(attempt.record, meta)
    expect(attempt.acquired).toBe(leaseIsFree(leaseIn(lock), { leaseOwner: 'owner', nowMs }))
    expect(attempt.leaseToken).toBe(attempt.acquired ? attempt.record.leaseToken : null)
    if (attempt.acquired) {
      expect(attempt.record).toMatchObject({ leaseOwner: 'owner', leaseExpiresAt: nowMs + 5_000 })
    } else {
      expectLease(attempt.record, lock)
    }
    outcomes[attempt.acquired ? 'acquired' : 'held'] += 1

    // The holder of the lease publishes, and nothing of the former META row remains.
    const { leaseToken, leaseOwner } = attempt.record
    if (leaseOwner !== '') {
      const page = { htmlPointer: 'new', etag: null, generatedAt: nowMs, nowMs, leaseOwner: leaseOwner ?? 'anybody' }
      await commit(store, cacheKey, leaseToken ?? '', page)
      const { META, ...rest } = await read(pk)
      expect(Object.keys(META ?? {}).toSorted()).toEqual([
        'cache_key',
        'content_type',
        'generated_at',
        'generated_at_ms',
        'revalidate_ms',
        'revalidate_seconds',
        's3_key',
        'status',
      ])
      expect(META).toMatchObject({ s3_key: S('new'), cache_key: S(cacheKey) })
      expect(await store.get(cacheKey)).toMatchObject({
        htmlPointer: 'new',
        generatedAt: nowMs,
        etag: null,
        leaseToken: null,
      })
      expect(rest).toEqual(strangersBefore)
      outcomes.published += 1
    }
    expect(Object.keys(strangersBefore).toSorted()).toEqual(Object.keys(others).toSorted())
  })
  await fc.assert(property, { numRuns })
  // Rows that are all unusable, or all usable, would prove little.
  for (const [outcome, times] of Object.entries(outcomes)) expect(times, outcome).toBeGreaterThan(numRuns / 20)
})
