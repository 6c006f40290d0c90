// The store behaves like the in-memory model, for random operations.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { ModelStore } from '../support/model/model-store.js'
import { sequence } from '../support/model/sequences.js'
import { type Bench, performAll, summary, Tokens } from '../support/model/steps.js'
import { makeTable, newKey, storeOf } from '../support/store.js'

const numRuns = 150

let bench: Omit<Bench, 'prefix'>

beforeAll(async () => {
  const tokens = new Tokens()
  bench = { store: storeOf(await makeTable(), { leaseToken: tokens.draw }), tokens }
})

test('random sequences of operations give the results of the in-memory model', { timeout: 120_000 }, async () => {
  const outcomes: string[] = []
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      const prefix = newKey()
      const tokens = new Tokens()
      const expected = await performAll({ store: new ModelStore(tokens.draw), tokens, prefix }, steps)
      expect(await performAll({ ...bench, prefix }, steps)).toStrictEqual(expected)
      const ends = expected.map(summary)
      outcomes.push(...steps.map((step, index) => `${step.op}: ${ends[index]}`))
    }),
    { numRuns },
  )
  // Sequences without a held lease or a published page would prove nothing.
  for (const kind of ['acquire: acquired', 'acquire: held', 'commit: done', 'commit: lost']) {
    expect(outcomes.filter((outcome) => outcome === kind).length, kind).toBeGreaterThan(numRuns / 10)
  }
})
