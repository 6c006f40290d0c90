// doctor: what it finds, on DynamoDB Local, and on a stub for what DynamoDB Local has not.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  CreateTableCommand,
  type KeyType,
  type ScalarAttributeType,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'

import { clockCheck } from '../cli/clock.mjs'
import policy from '../docs/infrastructure/policy.json' with { type: 'json' }
import { cli, jsonLines } from './support/cli.js'
import { publish } from './support/rows.js'
import { dynamodb, endpoint, makeTable, storeOf } from './support/store.js'
import { type Answer, cancelled, closedEndpoint, fault, json, type Script, withStub } from './support/stub.js'

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']

interface Check {
  check: string
  status: 'ok' | 'warning' | 'failure'
  message: string
  remedy?: string | null
}

interface Report {
  code: number
  checks: Record<string, Check>
}

async function doctor(at: string, tableName = 'isr-stub', ...more: string[]): Promise<Report> {
  const ended = await cli(['doctor', '--json', '-t', tableName, '--endpoint', at, ...patience, ...more])
  const [{ ok, checks }] = jsonLines(ended)
  expect(ok).toBe(ended.code === 0)
  return { code: ended.code, checks: Object.fromEntries(checks.map((check: Check) => [check.check, check])) }
}

const rights = ['Query', 'GetItem', 'PutItem', 'DeleteItem', 'TransactWriteItems']

describe('on DynamoDB Local', () => {
  test('a table that ensureTable made is in order, and stays as it was', async () => {
    const table = `isr-${randomUUID()}`
    await storeOf(table).ensureTable()
    const { code, checks } = await doctor(endpoint, table)
    const all = ['connection', 'table', 'keys', 'ttl', ...rights, 'clock', 'round trip']
    expect(Object.keys(checks)).toEqual(all)
    // A busy machine may be slow, which is only a warning.
    expect(Object.values(checks).filter(({ status, check }) => status !== 'ok' && check !== 'round trip')).toEqual([])
    expect(code).toBe(0)
    expect(checks.connection?.message).toBe(`table "${table}" in endpoint ${endpoint}`)
    const { stdout } = await cli(['list', '--json', '-t', table, '--endpoint', endpoint, '--pk-prefix', ''])
    expect(stdout).toBe('')
  })

  test('people read the same in lines, with what to do below', async () => {
    const { code, stdout } = await cli(['doctor', '-t', 'no-such-table', '--endpoint', endpoint, ...patience])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ok {7}connection +there is an answer$/m)
    expect(stdout).toMatch(/^failure {2}table .*there is no table "no-such-table".*\n +→ check table name and region/m)
    expect(stdout).not.toContain('\u001b')
  })

  test('a table with other keys is a failure', async () => {
    const TableName = `isr-${randomUUID()}`
    const key = (AttributeName: string, type: KeyType) => ({ AttributeName, KeyType: type })
    const KeySchema = [key('id', 'HASH'), key('sk', 'RANGE')]
    const AttributeDefinitions = KeySchema.map(({ AttributeName }) => ({
      AttributeName,
      AttributeType: 'S' as ScalarAttributeType,
    }))
    const input = { TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' } as const
    await dynamodb.send(new CreateTableCommand(input))
    const { code, checks } = await doctor(endpoint, TableName)
    expect(code).toBe(1)
    expect(checks.keys).toMatchObject({
      status: 'failure',
      message: 'HASH id (S), RANGE sk (S); needed are HASH pk (S), RANGE sk (S)',
    })
    expect(checks.PutItem?.status).toBe('failure')
  })

  test('an index that has one of our attributes with another type is a failure', async () => {
    const TableName = `isr-${randomUUID()}`
    const key = (AttributeName: string, type: KeyType) => ({ AttributeName, KeyType: type })
    const AttributeDefinitions = ['pk', 'sk', 'status'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S' as ScalarAttributeType,
    }))
    const Projection = { ProjectionType: 'ALL' } as const
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
        AttributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexes: [{ IndexName: 'byStatus', KeySchema: [key('status', 'HASH')], Projection }],
      }),
    )
    const { code, checks } = await doctor(endpoint, TableName)
    expect(code).toBe(1)
    expect(checks.indexes).toMatchObject({ status: 'failure', message: expect.stringMatching(/: status \(S\)$/) })
    await expect(publish(storeOf(TableName), 'key')).rejects.toMatchObject({ code: 'ErrUnexpected' })
  })

  test('a layout that does not take any key is asked for one that it takes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-doctor-'))
    const config = join(folder, 'isr.config.mjs')
    const layout = "(key) => { if (!key.includes('::')) throw new Error('no tenant'); return key }"
    await writeFile(config, `export default { tableName: '${await makeTable()}', pkFromCacheKey: ${layout} }`)
    const args = ['doctor', '--config', config, '--endpoint', endpoint, ...patience]
    expect(await cli(args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('pkFromCacheKey threw'),
    })
    expect((await cli([...args, '--key', 'tenant::key'])).code).toBe(0)
    await rm(folder, { recursive: true })
  })

  test('TTL that is off, or on another attribute, is a warning', async () => {
    const table = await makeTable()
    const off = await doctor(endpoint, table)
    expect(off.checks.ttl).toMatchObject({ status: 'warning', message: 'off: the rows of ended leases stay' })
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expires' }
    await dynamodb.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }))
    const other = await doctor(endpoint, table)
    expect(other.checks.ttl).toMatchObject({ status: 'warning', message: 'on "expires", and not on ttl' })
    expect([off.code, other.code]).toEqual([0, 0])
  })
})

const Table = {
  TableStatus: 'ACTIVE',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
}
const refusal = fault('ConditionalCheckFailedException')
const healthy: Record<string, Answer> = {
  DescribeTable: json({ Table }),
  DescribeTimeToLive: json({ TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' } }),
  Query: json({ Items: [], Count: 0 }),
  GetItem: json({}),
  PutItem: refusal,
  DeleteItem: refusal,
  TransactWriteItems: cancelled('ConditionalCheckFailed', 'ConditionalCheckFailed'),
}
const denied = fault('AccessDeniedException', 'User is not authorized')
const but =
  (answers: Record<string, Answer>): Script =>
  ({ operation }) =>
    answers[operation] ?? healthy[operation] ?? denied

/** What it finds where one thing is not as it should be. */
const found = (answers: Record<string, Answer>, use: (report: Report) => void, ...more: string[]): Promise<void> =>
  withStub(but(answers), async (stub) => use(await doctor(stub.endpoint, 'isr-stub', ...more)))

describe('on a stub', () => {
  test('a request that is not let through is a failure, and the policy the remedy', async () => {
    for (const right of rights) {
      await found({ [right]: denied }, ({ code, checks }) => {
        expect(code).toBe(1)
        const failures = Object.values(checks).filter(({ status }) => status === 'failure')
        expect(failures).toMatchObject([{ check: right, remedy: expect.stringContaining('docs/operations.md') }])
      })
    }
  })

  test('it needs no more rights than the store has', () =>
    withStub(but({ DescribeTable: denied, DescribeTimeToLive: denied }), async (stub) => {
      const { code, checks } = await doctor(stub.endpoint)
      expect(code).toBe(0)
      expect([checks.table?.status, checks.ttl?.status]).toEqual(['warning', 'warning'])
      const granted = policy.Statement.flatMap(({ Action }) => Action).map((action) => action.replace('dynamodb:', ''))
      const sent = new Set(stub.operations().filter((operation) => !/^(Describe|Transact)/.test(operation)))
      expect([...sent].sort()).toEqual(granted)
    }))

  test('it writes only under a condition that never holds, in the store’s own partitions', () =>
    withStub(but({}), async (stub) => {
      await doctor(stub.endpoint, 'isr-stub', '--pk-prefix', 'TENANT#1#')
      const writes = stub.requests.flatMap(({ operation, body }) =>
        operation === 'TransactWriteItems'
          ? (body.TransactItems as Record<string, Record<string, unknown>>[]).flatMap((item) => Object.values(item))
          : /^(Put|Delete)Item$/.test(operation)
            ? [body]
            : [],
      )
      expect(writes).toHaveLength(4)
      for (const write of writes) {
        expect(write.ConditionExpression).toBe('attribute_exists(pk) AND attribute_not_exists(pk)')
        expect(write.Key ?? write.Item).toMatchObject({ pk: { S: 'TENANT#1#tabletheory-isr doctor' } })
      }
    }))

  test('a server that does not heed conditions is a failure', () =>
    found({ PutItem: json({}), TransactWriteItems: json({}) }, ({ checks }) => {
      expect(checks.PutItem).toMatchObject({ status: 'failure', message: expect.stringContaining('not safe') })
      expect(checks.TransactWriteItems?.status).toBe('failure')
    }))

  test('a table that is not active is a failure, and a global one a warning', async () => {
    await found({ DescribeTable: json({ Table: { ...Table, TableStatus: 'CREATING' } }) }, ({ checks }) =>
      expect(checks.table).toMatchObject({ status: 'failure', message: 'it is CREATING' }),
    )
    const creating = { DescribeTable: json({ Table: { ...Table, TableStatus: 'CREATING' } }) }
    // While it is being made, requests do not find it.
    await found({ ...creating, Query: fault('ResourceNotFoundException') }, ({ code, checks }) => {
      expect(code).toBe(1)
      expect(checks.table).toMatchObject({ status: 'failure', message: 'it is CREATING' })
    })
    const Replicas = [{ RegionName: 'eu-west-1' }, { RegionName: 'us-east-1' }]
    await found({ DescribeTable: json({ Table: { ...Table, Replicas } }) }, ({ code, checks }) => {
      expect(code).toBe(0)
      expect(checks.regions).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('eu-west-1, us-east-1'),
      })
    })
  })

  test('TTL that is being turned on counts as on, and one that is being turned off as off', async () => {
    for (const [status, expected] of [
      ['ENABLING', 'ok'],
      ['DISABLING', 'warning'],
      ['DISABLED', 'warning'],
    ] as const) {
      const TimeToLiveDescription = { TimeToLiveStatus: status, AttributeName: 'ttl' }
      await found({ DescribeTimeToLive: json({ TimeToLiveDescription }) }, ({ checks }) =>
        expect(checks.ttl?.status).toBe(expected),
      )
    }
  })

  test('where nothing answers, that is all that it says', async () => {
    const { code, checks } = await doctor(closedEndpoint, 'isr-stub', '--max-attempts', '1')
    expect(code).toBe(1)
    expect(Object.values(checks)).toMatchObject([
      { check: 'connection', status: 'failure', remedy: 'check endpoint and network' },
    ])
  })

  test('a request that is throttled is no broken connection', async () => {
    await withStub(but({ Query: fault('ThrottlingException') }), async (stub) => {
      const { code, checks } = await doctor(stub.endpoint, 'isr-stub', '--max-attempts', '1')
      expect(code).toBe(1)
      expect([checks.connection?.status, checks.Query?.status, checks.PutItem?.status]).toEqual(['ok', 'failure', 'ok'])
    })
  })

  test('so it is where the credentials are refused', () => {
    const refused = fault('UnrecognizedClientException')
    return found({ Query: refused }, ({ code, checks }) => {
      expect(code).toBe(1)
      expect(Object.keys(checks)).toEqual(['connection'])
    })
  })

  test('a clock that is ten minutes off is a failure, though AWS refuses its first signature', () => {
    const ahead =
      (answer: Answer): Answer =>
      (response) => {
        response.sendDate = false
        answer(response.setHeader('date', new Date(Date.now() + 600_000).toUTCString()))
      }
    const script: Script = (request, index) =>
      ahead(
        request.operation === 'Query' && index === 0
          ? fault('InvalidSignatureException', 'Signature expired')
          : (healthy[request.operation] ?? denied),
      )
    return withStub(script, async (stub) => {
      const { code, checks } = await doctor(stub.endpoint)
      expect(code).toBe(1)
      expect(checks.clock).toMatchObject({ status: 'failure' })
      expect(checks.clock?.message).toMatch(/^behind the server’s by 10 min at least$/)
    })
  })

  test('answers without a date leave the clock unchecked', () => {
    const dateless =
      (answer: Answer): Answer =>
      (response) => {
        response.sendDate = false
        answer(response)
      }
    return found({ Query: dateless(json({ Items: [], Count: 0 })) }, ({ checks }) => {
      expect(checks.clock).toMatchObject({ status: 'warning', message: expect.stringContaining('have no date') })
    })
  })
})

describe('the clocks’ difference', () => {
  const probe = (sentAt: number, receivedAt: number, serverAt: number | null) => ({ sentAt, receivedAt, serverAt })

  test('is bounded by each answer’s whole second, and better by all of them', () => {
    // The server is 200 ms ahead.
    const early = probe(10_000, 10_010, 10_000)
    const late = probe(10_790, 10_810, 11_000)
    expect(clockCheck([early])).toMatchObject({ status: 'ok', message: 'within 1 s of the server’s' })
    expect(clockCheck([early, late])).toMatchObject({
      status: 'warning',
      message: 'behind the server’s by 190 ms at least',
    })
  })

  test('is not known where answers contradict each other', () => {
    const probes = [probe(2_000, 2_010, 0), probe(2_000, 2_010, 3_000)]
    expect(clockCheck(probes)).toMatchObject({ status: 'warning', message: expect.stringContaining('contradict') })
  })

  test.each([
    ['ok', 10_000, 10_000],
    ['warning', 12_500, 10_000],
    ['failure', 16_100, 10_000],
    ['failure', 10_000, 15_100],
  ])('%s: sent at %d, the server’s second %d', (status, local, server) => {
    expect(clockCheck([probe(local, local + 10, server)]).status).toBe(status)
  })
})
