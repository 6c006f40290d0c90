// Measures many environments on one page, on DynamoDB Local behind the limits of a partition.
import { cacheKeyOf } from '../pages.mjs'
import { startPartitions } from '../servers.mjs'

/** The units a second that DynamoDB gives a partition. */
const limits = { read: 3_000, write: 1_000 }

/** The options that the documentation recommends for a page with many views. */
const recommended = { maxStalenessMs: 5_000, staleIfErrorMs: 60_000 }

const ours = { id: 'ours', title: 'ours', peer: 'ours' }
const oursRecommended = {
  id: 'ours-recommended',
  title: 'ours, recommended options',
  peer: 'ours',
  options: recommended,
}
const sdk = { id: 'sdk-bundled', title: 'AWS SDK', peer: 'sdk-bundled' }

const scenarios = [
  { id: 'cold', title: 'never rendered', views: 1, spreads: [1_000, 50], variants: [ours, sdk] },
  { id: 'expired', title: 'expired', before: 'publishStale', views: 1, spreads: [1_000, 50], variants: [ours, sdk] },
  {
    id: 'hot',
    title: 'fresh, 10 views a second each',
    before: 'publishFresh',
    intervalMs: 100,
    spreads: [1_000],
    variants: [ours, oursRecommended, sdk],
  },
]

/** Runs one fleet on one page. Its units and requests are scaled to the environments that the stores stand for. */
async function run({ scenario, variant, spreadMs, scale, slug, sizes, at, unlimited, limited, children }) {
  const ask = (task, where, input) => children.ask(variant.peer, task, where, input)
  if (scenario.before) await ask(scenario.before, unlimited, { slug })
  const options = await ask('fleetOptions', at, variant.options ?? {})
  const { views = sizes.views, intervalMs = 0 } = scenario
  const { stores, renderMs } = sizes
  const outcome = await ask('fleet', at, { slug, options, stores, spreadMs, renderMs, views, intervalMs })
  const used = await limited.usedBy(`CACHE#${cacheKeyOf(slug)}`)
  const scaled = Object.fromEntries(Object.entries(used).map(([name, units]) => [name, units * scale]))
  return { ...outcome, ...scaled, options: Object.keys(options) }
}

export async function measureFleet({ setting, servers, programs, tableName, children }) {
  const sizes = setting.sizes.fleet
  const fleets = []
  for (const environments of sizes.environments) {
    const scale = environments / sizes.stores
    const scaled = { read: limits.read / scale, write: limits.write / scale }
    const limited = await startPartitions(programs.partition, servers.dynamodb.endpoint, scaled)
    const at = { endpoint: limited.endpoint, tableName }
    const unlimited = { endpoint: servers.relay.endpoint, tableName }
    for (const scenario of scenarios) {
      for (const spreadMs of scenario.spreads) {
        const { id, title, variants } = scenario
        const values = Object.fromEntries(variants.map((variant) => [variant.id, { title: variant.title, rounds: [] }]))
        for (let round = 0; round < sizes.rounds; round += 1) {
          for (const variant of variants) {
            const slug = `fleet-${id}-${variant.id}-${environments}-${spreadMs}-${round}`
            const work = { scenario, variant, spreadMs, scale, slug, sizes, at, unlimited, limited, children }
            values[variant.id].rounds.push(await run(work))
          }
        }
        fleets.push({ id, title, environments, spreadMs, values })
      }
    }
    limited.stop()
  }
  return fleets
}
