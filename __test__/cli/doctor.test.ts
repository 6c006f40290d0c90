// doctor on DynamoDB Local, and on a stub for faults that DynamoDB Local does not have.
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

import { clockCheck } from '../../cli/clock.mjs'
import policy from '../../docs/infrastructure/policy.json' with { type: 'json' }
import { cli, jsonLines } from '../support/cli.js'
import { publish } from '../support/rows.js'
import { dynamodb, endpoint, makeTable, storeOf } from '../support/store.js'
import { type Answer, cancelled, closedEndpoint, fault, json, type Script, withStub } from '../support/stub/stub.js'

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']

interface Check {
  check: string
  status: 'ok' | 'warning' | 'failure'
  message: string
  fix?: string | null
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

const requests = ['Query', 'GetItem', 'PutItem', 'DeleteItem', 'TransactWriteItems']

describe('doctor on DynamoDB Local', () => {
  test('reports no fault on a table that ensureTable made, and leaves it unchanged', async () => {
    const table = `isr-${randomUUID()}`
    await storeOf(table).ensureTable()
    const { code, checks } = await doctor(endpoint, table)
    const all = ['connection', 'table', 'keys', 'ttl', 'page ttl', ...requests, 'clock', 'latency']
    expect(Object.keys(checks)).toEqual(all)
    // A busy machine may be slow, which is only a warning.
    expect(Object.values(checks).filter(({ status, check }) => status !== 'ok' && check !== 'latency')).toEqual([])
    expect(code).toBe(0)
    expect(checks.connection?.message).toBe(`table "${table}" in endpoint ${endpoint}`)
    const { stdout } = await cli(['list', '--json', '-t', table, '--endpoint', endpoint, '--pk-prefix', ''])
    expect(stdout).toBe('')
  })

  test('prints a line for each check, with the fix below it', async () => {
    const { code, stdout } = await cli(['doctor', '-t', 'no-such-table', '--endpoint', endpoint, ...patience])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ok {7}connection +the server answers$/m)
    expect(stdout).toMatch(
      /^failure {2}table .*table "no-such-table" does not exist.*\n +→ check --table-name and --region/m,
    )
    expect(stdout).not.toContain('\u001b')
  })

  test('reports a table with other keys as a failure', async () => {
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
      message: 'partition key id (S), sort key sk (S); the store needs partition key pk (S), sort key sk (S)',
    })
    expect(checks.PutItem?.status).toBe('failure')
  })

  test('reports an index that declares an attribute with another type as a failure', async () => {
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

  test('probes the key in --key, for a layout that refuses other keys', async () => {
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

  test('reports TTL that is off, or on another attribute, as a warning', async () => {
    const table = await makeTable()
    const off = await doctor(endpoint, table)
    expect(off.checks.ttl).toMatchObject({ status: 'warning', message: 'off: the rows of expired leases stay' })
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expires' }
    await dynamodb.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }))
    const other = await doctor(endpoint, table)
    expect(other.checks.ttl).toMatchObject({
      status: 'warning',
      message: 'on "expires" instead of ttl',
      fix: expect.stringContaining('turn TTL off for "expires", wait until it is off'),
    })
    expect([off.code, other.code]).toEqual([0, 0])
  })
})

describe('the doctor check "page ttl"', () => {
  test('warns when pages have no ttl, and is ok when each page has one', async () => {
    const table = await makeTable()
    const pageTtl = async () => (await doctor(endpoint, table)).checks['page ttl']
    expect(await pageTtl()).toMatchObject({ status: 'ok', message: 'no pages to check' })
    await publish(storeOf(table, { metaTtlSeconds: 3_600 }), 'with')
    expect(await pageTtl()).toMatchObject({ status: 'ok', message: 'on each of 1 page' })
    await publish(storeOf(table), 'without')
    await publish(storeOf(table, { pkPrefix: 'OTHER#' }), 'of another store')
    expect(await pageTtl()).toMatchObject({
      status: 'warning',
      message: '1 of 2 pages without a ttl: DynamoDB never deletes them',
      fix: expect.stringContaining('set metaTtlSeconds in the app, for example to 1209600 (14 days)'),
    })
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
  Scan: json({ Items: [], Count: 0, ScannedCount: 0 }),
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

/** Passes the report on a healthy table to `use`, with `answers` in place of some of its answers. */
const found = (answers: Record<string, Answer>, use: (report: Report) => void, ...more: string[]): Promise<void> =>
  withStub(but(answers), async (stub) => use(await doctor(stub.endpoint, 'isr-stub', ...more)))

describe('doctor on a stub', () => {
  test('reports a denied request as a failure, with the policy as its fix', async () => {
    for (const request of requests) {
      await found({ [request]: denied }, ({ code, checks }) => {
        expect(code).toBe(1)
        const failures = Object.values(checks).filter(({ status }) => status === 'failure')
        expect(failures).toMatchObject([{ check: request, fix: expect.stringContaining('docs/operations.md') }])
      })
    }
  })

  test('needs no IAM permissions beyond the store’s', () =>
    withStub(but({ DescribeTable: denied, DescribeTimeToLive: denied, Scan: denied }), async (stub) => {
      const { code, checks } = await doctor(stub.endpoint)
      expect(code).toBe(0)
      expect([checks.table, checks.ttl, checks['page ttl']]).toMatchObject(
        Array.from({ length: 3 }, () => ({ status: 'warning', message: expect.stringContaining('not checked') })),
      )
      const granted = policy.Statement.flatMap(({ Action }) => Action).map((action) => action.replace('dynamodb:', ''))
      const sent = new Set(stub.operations().filter((operation) => !/^(Describe|Transact|Scan)/.test(operation)))
      expect([...sent].sort()).toEqual(granted)
    }))

  test('writes only under a condition that never holds, in the partition of its key', () =>
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

  test('checks UpdateItem only when soft invalidation is on', async () => {
    await found({ UpdateItem: refusal }, ({ code, checks }) => {
      expect(code).toBe(0)
      expect(checks).not.toHaveProperty('UpdateItem')
    })
    await found({ UpdateItem: refusal }, ({ checks }) => expect(checks.UpdateItem?.status).toBe('ok'), '--soft')
    await found({}, ({ checks }) => expect(checks.UpdateItem?.status).toBe('failure'), '--soft')
  })

  test('reports a server without transactions as a failure, with other servers as its fix', () =>
    found({ TransactWriteItems: fault('UnknownOperationException') }, ({ code, checks }) => {
      expect(code).toBe(1)
      expect(checks.TransactWriteItems).toMatchObject({
        status: 'failure',
        fix: expect.stringContaining('use DynamoDB, DynamoDB Local or moto'),
      })
    }))

  test('reports a server that ignores conditions as a failure', () =>
    found({ PutItem: json({}), TransactWriteItems: json({}) }, ({ checks }) => {
      expect(checks.PutItem).toMatchObject({ status: 'failure', message: expect.stringContaining('not safe') })
      expect(checks.TransactWriteItems?.status).toBe('failure')
    }))

  test('reports a table that is not active as a failure, and a global table as a warning', async () => {
    await found({ DescribeTable: json({ Table: { ...Table, TableStatus: 'CREATING' } }) }, ({ checks }) =>
      expect(checks.table).toMatchObject({ status: 'failure', message: 'its status is "CREATING"' }),
    )
    const creating = { DescribeTable: json({ Table: { ...Table, TableStatus: 'CREATING' } }) }
    // Requests do not find a table while it is being created.
    await found({ ...creating, Query: fault('ResourceNotFoundException') }, ({ code, checks }) => {
      expect(code).toBe(1)
      expect(checks.table).toMatchObject({ status: 'failure', message: 'its status is "CREATING"' })
    })
    const deleting = { DescribeTable: json({ Table: { ...Table, TableStatus: 'DELETING' } }) }
    await found(deleting, ({ checks }) =>
      expect(checks.table).toMatchObject({
        message: 'its status is "DELETING"',
        fix: expect.stringContaining('template'),
      }),
    )
    const Replicas = [{ RegionName: 'eu-west-1' }, { RegionName: 'us-east-1' }]
    await found({ DescribeTable: json({ Table: { ...Table, Replicas } }) }, ({ code, checks }) => {
      expect(code).toBe(0)
      expect(checks.regions).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('eu-west-1, us-east-1'),
      })
    })
  })

  test('reports TTL that is being turned on as ok, and TTL that is being turned off as a warning', async () => {
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

  test('stops after a failed connection', async () => {
    const { code, checks } = await doctor(closedEndpoint, 'isr-stub', '--max-attempts', '1')
    expect(code).toBe(1)
    expect(Object.values(checks)).toMatchObject([
      { check: 'connection', status: 'failure', fix: 'check --endpoint and the network' },
    ])
  })

  test('reports the connection as ok when requests are throttled', async () => {
    await withStub(but({ Query: fault('ThrottlingException') }), async (stub) => {
      const { code, checks } = await doctor(stub.endpoint, 'isr-stub', '--operation-timeout-ms', '300')
      expect(code).toBe(1)
      expect([checks.connection?.status, checks.Query?.status, checks.PutItem?.status]).toEqual(['ok', 'failure', 'ok'])
    })
  })

  test('reports a failed connection when credentials are refused', () => {
    const refused = fault('UnrecognizedClientException')
    return found({ Query: refused }, ({ code, checks }) => {
      expect(code).toBe(1)
      expect(Object.keys(checks)).toEqual(['connection'])
    })
  })

  test('reports a clock that is ten minutes behind as a failure, although the server refuses its first signature', () => {
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
      expect(checks.clock?.message).toMatch(/^behind the server’s clock by at least 10 min$/)
    })
  })

  test('reports the clock as unchecked when responses have no date', () => {
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

describe('the clock skew in the report of doctor', () => {
  const probe = (sentAt: number, receivedAt: number, serverAt: number | null) => ({ sentAt, receivedAt, serverAt })

  test('is bounded by the whole second of each response, and more closely by several together', () => {
    // The server is 200 ms ahead.
    const early = probe(10_000, 10_010, 10_000)
    const late = probe(10_790, 10_810, 11_000)
    expect(clockCheck([early])).toMatchObject({ status: 'ok', message: 'within 1 s of the server’s clock' })
    expect(clockCheck([early, late])).toMatchObject({
      status: 'warning',
      message: 'behind the server’s clock by at least 190 ms',
    })
  })

  test('is not known when responses contradict each other', () => {
    const probes = [probe(2_000, 2_010, 0), probe(2_000, 2_010, 3_000)]
    expect(clockCheck(probes)).toMatchObject({ status: 'warning', message: expect.stringContaining('contradict') })
  })

  test.each([
    ['ok', 10_000, 10_000],
    ['warning', 12_500, 10_000],
    ['failure', 16_100, 10_000],
    ['failure', 10_000, 15_100],
  ])('has the status %s at the local time %d and the server’s second %d', (status, local, server) => {
    expect(clockCheck([probe(local, local + 10, server)]).status).toBe(status)
  })
})
