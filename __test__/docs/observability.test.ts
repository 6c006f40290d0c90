// The listeners in examples/observability.ts, with a store.
import { expect, test } from 'vitest'

import { toCloudWatch, toFaceTheory } from '../../examples/observability.js'
import { get } from '../support/calls.js'
import { answersOf, fault, storeAt, succeed, withStub } from '../support/stub/stub.js'

test("FaceTheory's metrics get the time and the requests of each call", () =>
  withStub(succeed, async (stub) => {
    const records: unknown[] = []
    await get.run(storeAt(stub, { onOperation: toFaceTheory((record) => records.push(record)) }), 'key')
    const tags = { operation: 'get', outcome: 'success', code: 'none', shared: 'false' }
    expect(records).toEqual([
      { name: 'tabletheory_isr.operation_ms', value: expect.any(Number), tags },
      { name: 'tabletheory_isr.requests', value: 1, tags },
    ])
  }))

test('CloudWatch gets a line for each call, in which every metric and dimension has its value', () =>
  withStub(answersOf('Query', fault('AccessDeniedException')), async (stub) => {
    const lines: string[] = []
    const store = storeAt(stub, { onOperation: toCloudWatch((line) => lines.push(line)) })
    await expect(store.get('key')).rejects.toMatchObject({ code: 'ErrAccessDenied' })
    expect(lines).toHaveLength(1)
    const { _aws, ...values } = JSON.parse(lines[0] ?? '')
    expect(values).toEqual({
      Operation: 'get',
      Outcome: 'ErrAccessDenied',
      Duration: expect.any(Number),
      Requests: 1,
    })
    const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics
    const named = [...Dimensions.flat(), ...Metrics.map(({ Name }: { Name: string }) => Name)]
    expect(named.sort()).toEqual(Object.keys(values).sort())
  }))
