// ensureTable creates a missing table, turns its TTL on, changes nothing else, and resolves when the table is usable.
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type TableDescription,
  type TimeToLiveDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'

import { expectCode, rejectionOf } from '../support/failure.js'
import { publish } from '../support/rows.js'
import { dynamodb, makeTable, newKey, storeOf } from '../support/store.js'
import { type Answer, fault, hangUp, json, type Script, storeAt, withStub } from '../support/stub/stub.js'

const newName = (): string => `isr-${crypto.randomUUID()}`

async function described(TableName: string): Promise<{ table: TableDescription; ttl: TimeToLiveDescription }> {
  const { Table = {} } = await dynamodb.send(new DescribeTableCommand({ TableName }))
  const { TimeToLiveDescription = {} } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName }))
  return { table: Table, ttl: TimeToLiveDescription }
}

const setTtl = (TableName: string, AttributeName: string, Enabled: boolean): Promise<unknown> =>
  dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName, Enabled } }))

/** Name, type and role of each key. */
type Key = [name: string, type: 'S' | 'N' | 'B', role: 'HASH' | 'RANGE']

const keySchema = (keys: Key[]) => ({
  KeySchema: keys.map(([AttributeName, , KeyType]) => ({ AttributeName, KeyType })),
  AttributeDefinitions: keys.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
})

const ourKeys: Key[] = [
  ['pk', 'S', 'HASH'],
  ['sk', 'S', 'RANGE'],
]

describe('ensureTable on DynamoDB Local', () => {
  test('creates a table with the string keys pk and sk, billed on demand, with TTL on the attribute ttl', async () => {
    const name = newName()
    await storeOf(name).ensureTable()
    const { table, ttl } = await described(name)
    expect(table).toMatchObject({
      ...keySchema(ourKeys),
      TableStatus: 'ACTIVE',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    })
    expect(table.GlobalSecondaryIndexes ?? []).toEqual([])
    expect(ttl).toEqual({ AttributeName: 'ttl', TimeToLiveStatus: 'ENABLED' })
  })

  test('leaves a usable table and its rows unchanged', async () => {
    const name = newName()
    const store = storeOf(name)
    const cacheKey = newKey()
    await store.ensureTable()
    const before = await described(name)
    await publish(store, cacheKey)
    for (const again of [store, storeOf(name)]) await again.ensureTable()
    expect(await store.get(cacheKey)).toMatchObject({ htmlPointer: 'pages/1.html' })
    const { table, ttl } = await described(name)
    expect(table.CreationDateTime).toEqual(before.table.CreationDateTime)
    expect(ttl).toEqual(before.ttl)
  })

  test('turns TTL on when it is off', async () => {
    const name = await makeTable()
    expect((await described(name)).ttl).toEqual({ TimeToLiveStatus: 'DISABLED' })
    await storeOf(name).ensureTable()
    expect((await described(name)).ttl).toEqual({ AttributeName: 'ttl', TimeToLiveStatus: 'ENABLED' })
  })

  test('succeeds for six concurrent calls of three stores', async () => {
    const name = newName()
    const stores = [storeOf(name), storeOf(name), storeOf(name)]
    await Promise.all(stores.flatMap((store) => [store.ensureTable(), store.ensureTable()]))
    expect(await Promise.all(stores.map((store) => store.get(newKey())))).toEqual([null, null, null])
    expect((await described(name)).ttl).toEqual({ AttributeName: 'ttl', TimeToLiveStatus: 'ENABLED' })
  })

  test.each<[string, Key[]]>([
    ['no sort key', [['pk', 'S', 'HASH']]],
    [
      'a number as its sort key',
      [
        ['pk', 'S', 'HASH'],
        ['sk', 'N', 'RANGE'],
      ],
    ],
    [
      'bytes as its sort key',
      [
        ['pk', 'S', 'HASH'],
        ['sk', 'B', 'RANGE'],
      ],
    ],
    [
      'a number as its partition key',
      [
        ['pk', 'N', 'HASH'],
        ['sk', 'S', 'RANGE'],
      ],
    ],
    [
      'its two keys swapped',
      [
        ['sk', 'S', 'HASH'],
        ['pk', 'S', 'RANGE'],
      ],
    ],
    [
      'keys with other names',
      [
        ['PK', 'S', 'HASH'],
        ['SK', 'S', 'RANGE'],
      ],
    ],
  ])(
    'rejects with ErrConfig for a table with %s, names the keys that it needs, and changes nothing',
    async (_, keys) => {
      const TableName = newName()
      await dynamodb.send(new CreateTableCommand({ TableName, BillingMode: 'PAY_PER_REQUEST', ...keySchema(keys) }))
      const error = await rejectionOf(() => storeOf(TableName).ensureTable())
      expectCode(error, 'ErrConfig')
      expect(error.message).toMatch(new RegExp(`^ensureTable: table "${TableName}" .*pk.*sk.*strings`))
      expect((await described(TableName)).ttl).toEqual({ TimeToLiveStatus: 'DISABLED' })
    },
  )

  test('rejects with ErrConfig for TTL on another attribute, names both attributes, and changes nothing', async () => {
    const name = await makeTable()
    await setTtl(name, 'expires', true)
    const error = await rejectionOf(() => storeOf(name).ensureTable())
    expectCode(error, 'ErrConfig')
    expect(error.message).toMatch(new RegExp(`^ensureTable: table "${name}" .*"expires".*"ttl"`))
    expect((await described(name)).ttl).toEqual({ AttributeName: 'expires', TimeToLiveStatus: 'ENABLED' })
  })
})

const missing = fault('ResourceNotFoundException')
const table = (TableStatus: string, keys = ourKeys): Answer =>
  json({ Table: { TableName: 'isr-stub', TableStatus, ...keySchema(keys) } })
const ttl = (TimeToLiveStatus: string, AttributeName?: string): Answer =>
  json({ TimeToLiveDescription: { TimeToLiveStatus, AttributeName } })

/** Answers for a table that is created without a fault. */
const usual = {
  DescribeTable: [missing, table('ACTIVE')],
  CreateTable: [json({})],
  DescribeTimeToLive: [ttl('DISABLED'), ttl('ENABLED', 'ttl')],
  UpdateTimeToLive: [json({})],
}

type Operation = keyof typeof usual

const operations = Object.keys(usual) as Operation[]

/** Gives the answers of each operation in order, and repeats the last one. */
const answering = (answers: Partial<Record<Operation, Answer[]>>): Script => {
  const all: Record<string, Answer[]> = { ...usual, ...answers }
  return ({ operation }, index) => all[operation]?.slice(0, index + 1).at(-1) ?? fault('UnknownOperationException')
}

describe.concurrent('ensureTable on a stub', () => {
  test('describes and creates the table, describes it until it is active, and does the same for its TTL', () =>
    withStub(answering({}), async (stub) => {
      await storeAt(stub).ensureTable()
      expect(stub.operations()).toEqual([
        'DescribeTable',
        'CreateTable',
        'DescribeTable',
        'DescribeTimeToLive',
        'UpdateTimeToLive',
        'DescribeTimeToLive',
      ])
    }))

  test('sends only the two describe requests for a usable table', () =>
    withStub(
      answering({ DescribeTable: [table('ACTIVE')], DescribeTimeToLive: [ttl('ENABLED', 'ttl')] }),
      async (stub) => {
        await storeAt(stub).ensureTable()
        expect(stub.operations()).toEqual(['DescribeTable', 'DescribeTimeToLive'])
      },
    ))

  test('waits for a table that is being created, even with an operationTimeoutMs of 1', () =>
    withStub(
      answering({ DescribeTable: [missing, missing, table('CREATING'), table('CREATING'), table('ACTIVE')] }),
      async (stub) => {
        await storeAt(stub, { operationTimeoutMs: 1 }).ensureTable()
        const [first, create, ...others] = stub.operations()
        expect([first, create]).toEqual(['DescribeTable', 'CreateTable'])
        expect(others.slice(0, 4)).toEqual(Array(4).fill('DescribeTable'))
        expect(others.slice(4)).toEqual(['DescribeTimeToLive', 'UpdateTimeToLive', 'DescribeTimeToLive'])
      },
    ))

  test('waits for a table that is being deleted, and creates it again', () =>
    withStub(answering({ DescribeTable: [table('DELETING'), missing, table('ACTIVE')] }), async (stub) => {
      await storeAt(stub).ensureTable()
      expect(stub.operations().slice(0, 4)).toEqual(['DescribeTable', 'DescribeTable', 'CreateTable', 'DescribeTable'])
    }))

  test('waits for TTL that is being turned off, and does not wait for TTL that is being turned on', () =>
    withStub(
      answering({
        DescribeTable: [table('ACTIVE')],
        DescribeTimeToLive: [ttl('DISABLING', 'ttl'), ttl('DISABLED'), ttl('ENABLING', 'ttl'), missing],
      }),
      async (stub) => {
        await storeAt(stub).ensureTable()
        const asked = 'DescribeTimeToLive'
        expect(stub.operations()).toEqual(['DescribeTable', asked, asked, 'UpdateTimeToLive', asked])
      },
    ))

  test('rejects with ErrConfig for TTL that is being turned on for another attribute', () =>
    withStub(
      answering({ DescribeTable: [table('ACTIVE')], DescribeTimeToLive: [ttl('ENABLING', 'expires')] }),
      async (stub) => {
        expectCode(await rejectionOf(() => storeAt(stub).ensureTable()), 'ErrConfig')
        expect(stub.operations()).toEqual(['DescribeTable', 'DescribeTimeToLive'])
      },
    ))

  test('accepts a table that another process creates meanwhile, and rejects with ErrConfig for wrong keys', () =>
    withStub(answering({ CreateTable: [fault('ResourceInUseException')] }), async (stub) => {
      await storeAt(stub).ensureTable()
      expect(stub.count('CreateTable')).toBe(1)
      stub.play(
        answering({
          CreateTable: [fault('ResourceInUseException')],
          DescribeTable: [missing, table('CREATING', [['pk', 'S', 'HASH']])],
        }),
      )
      expectCode(await rejectionOf(() => storeAt(stub).ensureTable()), 'ErrConfig')
    }))

  test.each<[Operation, Answer[]]>([
    ['DescribeTable', [hangUp, ...usual.DescribeTable]],
    ['CreateTable', [hangUp, fault('ResourceInUseException')]],
    ['DescribeTimeToLive', [hangUp, ...usual.DescribeTimeToLive]],
    ['UpdateTimeToLive', [hangUp, fault('ValidationException', 'TimeToLive is already enabled')]],
  ])('succeeds after a lost answer to %s, also when the request took effect', (operation, answers) =>
    withStub(answering({ [operation]: answers }), async (stub) => {
      await storeAt(stub).ensureTable()
      expect(stub.count(operation)).toBe(1 + usual[operation].length)
    }),
  )

  test.each(operations)('rejects with ErrAccessDenied when %s is denied, and names the action', (operation) => {
    const message = `not authorized to perform: dynamodb:${operation}`
    return withStub(answering({ [operation]: [fault('AccessDeniedException', message)] }), async (stub) => {
      const error = await rejectionOf(() => storeAt(stub).ensureTable())
      expectCode(error, 'ErrAccessDenied')
      for (const part of ['ensureTable', '"isr-stub"', stub.endpoint, message]) expect(error.message).toContain(part)
      expect(stub.count(operation)).toBe(1)
    })
  })

  test.each(operations)('repeats a throttled %s until it is answered', (operation) => {
    const throttles = Array.from({ length: 4 }, () => fault('ThrottlingException'))
    return withStub(answering({ [operation]: [...throttles, ...usual[operation]] }), async (stub) => {
      await storeAt(stub).ensureTable()
      expect(stub.count(operation)).toBe(4 + usual[operation].length)
    })
  })
})
