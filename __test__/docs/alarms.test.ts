// The template of alarms is valid for CloudFormation's types, uses metrics of CloudWatch, and has the documented thresholds.
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { describe, expect, test } from 'vitest'

import { acquire, commit, get, invalidate, release } from '../support/calls.js'
import { read, root } from '../support/documents.js'
import { storeAt, succeed, withStub } from '../support/stub/stub.js'

/** CloudWatch has a series under exactly these dimensions. Under fewer it has none. */
const dimensionsOf: Record<string, string[]> = {
  ThrottledRequests: ['TableName', 'Operation'],
  SystemErrors: ['TableName', 'Operation'],
  ConditionalCheckFailedRequests: ['TableName'],
  TransactionConflict: ['TableName'],
}

interface Metric {
  MetricName: string
  Dimensions: { Name: string; Value: unknown }[]
}

interface Alarm extends Metric {
  Threshold: number
  Metrics?: { MetricStat?: { Metric: Metric } }[]
}

const alarms = (): Alarm[] => {
  const stack = new Stack(new App(), 'Alarms')
  new CfnInclude(stack, 'Template', { templateFile: `${root}docs/infrastructure/alarms.json` })
  const found = Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')
  return Object.values(found).map(({ Properties }) => Properties as Alarm)
}

const metrics = (): Metric[] =>
  alarms().flatMap((alarm) => alarm.Metrics?.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) ?? [alarm])

// Loading the types of CloudFormation takes most of this time.
describe('the alarms', { timeout: 180_000 }, () => {
  test('name every dimension of their metrics', () => {
    const named = metrics().map(({ MetricName, Dimensions }) => [MetricName, Dimensions.map(({ Name }) => Name)])
    expect(named.length).toBeGreaterThan(6)
    for (const [name, dimensions] of named) expect(dimensions).toEqual(dimensionsOf[String(name)])
  })

  test('watch throttling of every operation that the store sends', () =>
    withStub(succeed, async (stub) => {
      for (const { run } of [get, acquire, commit, release, invalidate]) await run(storeAt(stub), 'key')
      const watched = metrics()
        .filter(({ MetricName }) => MetricName === 'ThrottledRequests')
        .flatMap(({ Dimensions }) => Dimensions.filter(({ Name }) => Name === 'Operation').map(({ Value }) => Value))
      expect(watched.sort()).toEqual([...new Set(stub.operations())].sort())
    }))

  test('have the thresholds of the documentation', () => {
    const rows = read('docs/operations.md').split('\n')
    for (const { Threshold, Metrics, MetricName } of alarms()) {
      const name = Metrics === undefined ? MetricName : 'ThrottledRequests'
      const row = rows.find((line) => line.startsWith(`| \`${name}\``))
      expect(row).toContain(` ${Threshold.toLocaleString('en')} in a minute`)
    }
  })
})
