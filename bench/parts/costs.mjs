// Counts requests, round trips and capacity units of each operation.
import { startMeter } from '../meter.mjs'
import { cacheKeyOf, generation, leaseRequest, regenerate, takeLease } from '../pages.mjs'

/** `before` writes the rows, and `run` makes the metered call. */
const scenarios = {
  '`get`, nothing there': {
    run: (store, key) => store.get(key),
  },
  '`get`, a page': {
    before: (store, key) => regenerate(store, key, 'the first'),
    run: (store, key) => store.get(key),
  },
  '`get`, a page that is being regenerated': {
    before: async (store, key) => {
      await regenerate(store, key, 'the first')
      await takeLease(store, key, 'the holder')
    },
    run: (store, key) => store.get(key),
  },
  '`tryAcquireLease`, free': {
    before: (store, key) => regenerate(store, key, 'the first'),
    run: (store, key) => takeLease(store, key, 'the holder'),
  },
  '`tryAcquireLease`, held by another': {
    before: async (store, key) => {
      await regenerate(store, key, 'the first')
      await takeLease(store, key, 'the holder')
    },
    run: (store, key) => store.tryAcquireLease(leaseRequest(key, 'another')),
  },
  '`commitGeneration`': {
    before: (store, key) => takeLease(store, key, 'the holder'),
    run: (store, _key, lease) => store.commitGeneration(generation(lease)),
  },
  '`releaseLease` after the commit': {
    before: async (store, key) => {
      const lease = await takeLease(store, key, 'the holder')
      await store.commitGeneration(generation(lease))
      return lease
    },
    run: (store, _key, lease) => store.releaseLease(lease),
  },
  '`releaseLease` without a commit': {
    before: (store, key) => takeLease(store, key, 'the holder'),
    run: (store, _key, lease) => store.releaseLease(lease),
  },
  '`invalidate`': {
    without: ['sdk-bundled'],
    before: (store, key) => regenerate(store, key, 'the first'),
    run: (store, key) => store.invalidate(key),
  },
  'a regeneration': {
    before: (store, key) => regenerate(store, key, 'the first'),
    run: (store, key) => regenerate(store, key, 'the holder'),
  },
}

const methods = ['get', 'invalidate', 'tryAcquireLease', 'commitGeneration', 'releaseLease']

export async function measureCosts({ servers, tableName, children }) {
  const meter = await startMeter(servers.dynamodb.endpoint)
  const at = { endpoint: meter.endpoint, tableName }
  const storeOf = (name) =>
    Object.fromEntries(methods.map((method) => [method, (input) => children.ask(name, 'call', at, { method, input })]))

  const costs = []
  for (const [title, { without = [], before = async () => {}, run }] of Object.entries(scenarios)) {
    const values = {}
    for (const name of ['ours', 'sdk-bundled']) {
      if (without.includes(name)) continue
      const store = storeOf(name)
      const key = cacheKeyOf(`costs-${name}-${costs.length}`)
      let prepared
      await meter.metered(async () => {
        prepared = await before(store, key)
      })
      values[name] = await meter.metered(() => run(store, key, prepared))
    }
    costs.push({ title, values })
  }
  meter.stop()
  return costs
}
