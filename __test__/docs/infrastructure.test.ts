// The templates in docs/infrastructure: each makes the same table, and grants the IAM permissions that the store needs.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { CreateTableCommand, DescribeTimeToLiveCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb'
import { parse } from '@cdktf/hcl2json'
import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, test } from 'vitest'

import createTable from '../../docs/infrastructure/create-table.json' with { type: 'json' }
import policy from '../../docs/infrastructure/policy.json' with { type: 'json' }
import { isrTable } from '../../docs/infrastructure/stack.js'
import template from '../../docs/infrastructure/table.json' with { type: 'json' }
import { acquire, commit, get, invalidate, release } from '../support/calls.js'
import { dynamodb, storeOf } from '../support/store.js'
import { storeAt, succeed, withStub } from '../support/stub/stub.js'

const timeToLive = { AttributeName: 'ttl', Enabled: true }

/** The IAM permissions of requests with another name. A transaction needs those of its parts. */
const permissions: Record<string, string[]> = { TransactWriteItems: ['PutItem', 'DeleteItem'] }

describe('the IAM permissions', () => {
  const granted = policy.Statement.flatMap(({ Action }) => Action)

  test('are those of the requests that the five operations send, and no others', () =>
    withStub(succeed, async (stub) => {
      for (const { run } of [get, acquire, commit, release, invalidate]) await run(storeAt(stub), 'key')
      const needed = stub.operations().flatMap((operation) => permissions[operation] ?? [operation])
      expect([...new Set(needed)].map((permission) => `dynamodb:${permission}`).sort()).toEqual(granted)
    }))

  test('are the same in every template', async () => {
    const [statement] = template.Resources.IsrPolicy.Properties.PolicyDocument.Statement
    expect(statement?.Action).toEqual(granted)
    const { data } = await terraform()
    expect(data.aws_iam_policy_document.isr[0].statement[0].actions).toEqual(granted)
    synthesized().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [Match.objectLike({ Action: granted, Effect: 'Allow' })] },
    })
  })
})

describe('the table', () => {
  const { KeySchema, AttributeDefinitions, BillingMode } = createTable

  test('of the command line is accepted by ensureTable without a change', async () => {
    const TableName = `isr-${randomUUID()}`
    const input = { ...createTable, TableName } as CreateTableCommand['input']
    await dynamodb.send(new CreateTableCommand(input))
    await dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: timeToLive }))
    await storeOf(TableName).ensureTable()
    expect(await storeOf(TableName).get('key')).toBeNull()
    const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName }))
    expect(TimeToLiveDescription).toMatchObject({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' })
  })

  test('of CloudFormation and of CDK is the same', () => {
    const { Properties } = template.Resources.IsrTable
    const same = { KeySchema, AttributeDefinitions, BillingMode, TimeToLiveSpecification: timeToLive }
    expect(Properties).toEqual({ ...same, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false } })
    synthesized().hasResourceProperties('AWS::DynamoDB::GlobalTable', same)
  })

  test('of Terraform is the same', async () => {
    const { resource } = await terraform()
    const [table] = resource.aws_dynamodb_table.isr
    expect(table).toMatchObject({
      billing_mode: BillingMode,
      hash_key: KeySchema[0]?.AttributeName,
      range_key: KeySchema[1]?.AttributeName,
      attribute: AttributeDefinitions.map(({ AttributeName: name, AttributeType: type }) => ({ name, type })),
      ttl: [{ attribute_name: timeToLive.AttributeName, enabled: true }],
      point_in_time_recovery: [{ enabled: false }],
    })
  })
})

function synthesized(): Template {
  const stack = new Stack(new App(), 'Isr')
  isrTable(stack, new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
  return Template.fromStack(stack)
}

async function terraform() {
  const path = fileURLToPath(new URL('../../docs/infrastructure/table.tf', import.meta.url))
  return parse('table.tf', await readFile(path, 'utf8'))
}
