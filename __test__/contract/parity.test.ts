// The store behaves like the in-memory model, for operations in sequence and for two concurrent operations.
import { beforeAll, describe, expect, test } from 'vitest'

import { ModelStore } from '../support/model/model-store.js'
import { allowedResults, pairs, race, starts } from '../support/model/races.js'
import { scenarios } from '../support/model/scenarios.js'
import { type Bench, performAll, summary, Tokens } from '../support/model/steps.js'
import { makeTable, newKey, storeOf } from '../support/store.js'

/** Races of each pair of operations, each on a key of its own. */
const repetitions = 4

let bench: Omit<Bench, 'prefix'>

beforeAll(async () => {
  const tokens = new Tokens()
  bench = { store: storeOf(await makeTable(), { leaseToken: tokens.draw }), tokens }
})

describe('operations in sequence give the results of the in-memory model', () => {
  for (const { name, steps, ends } of scenarios) {
    test(name, async () => {
      const prefix = newKey()
      const tokens = new Tokens()
      const expected = await performAll({ store: new ModelStore(tokens.draw), tokens, prefix }, steps)
      expect(expected.map(summary)).toEqual(ends)
      expect(await performAll({ ...bench, prefix }, steps)).toStrictEqual(expected)
    })
  }
})

for (const { on, start } of starts) {
  describe(`two concurrent operations on ${on} end as if one ran after the other`, () => {
    for (const { meeting, pair } of pairs) {
      test(meeting, async () => {
        const raceOnce = async () => {
          const prefix = newKey()
          const allowed = await allowedResults(prefix, start, pair)
          expect(allowed).toContainEqual(await race({ ...bench, prefix }, start, pair))
        }
        await Promise.all(Array.from({ length: repetitions }, raceOnce))
      })
    }
  })
}
