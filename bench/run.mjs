// Measures the store and its peers in one run. README.md describes the measurements.
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { installNewestSdk } from '../scripts/prepare.mjs'
import { buildAddon, buildPrograms, bundle } from './build.mjs'
import { chart } from './chart.mjs'
import { check } from './check.mjs'
import { startChildren } from './children.mjs'
import { measureCold } from './parts/cold.mjs'
import { measureCosts } from './parts/costs.mjs'
import { measureCrowd } from './parts/crowd.mjs'
import { measureFleet } from './parts/fleet.mjs'
import { measureGet } from './parts/get.mjs'
import { measureLambda } from './parts/lambda.mjs'
import { measureRegeneration } from './parts/regeneration.mjs'
import { measureSize } from './parts/size.mjs'
import { startServers } from './servers.mjs'
import { describeMachine, readSetting } from './setting.mjs'
import { report } from './table.mjs'

const parts = {
  lambda: measureLambda,
  get: measureGet,
  regeneration: measureRegeneration,
  crowd: measureCrowd,
  cold: measureCold,
  size: measureSize,
}

/** Parts that have their own table in the results. */
const partsWithTables = { fleet: measureFleet, costs: measureCosts }

const say = (message) => console.error(`${new Date().toTimeString().slice(0, 8)} ${message}`)

const setting = readSetting()
if (setting.build) await buildAddon()
const programs = await buildPrograms()
await installNewestSdk()
const bundles = await bundle()

const moduleOf = (name) => fileURLToPath(new URL(`peers/${name}.mjs`, import.meta.url))
const peers = [
  { name: 'ours', title: 'ours', module: moduleOf('ours') },
  { name: 'sdk-bundled', title: `AWS SDK ${bundles.version}, bundled`, module: bundles.file },
  { name: 'sdk-newest', title: `AWS SDK ${bundles.newest.version}, bundled`, module: bundles.newest.file },
  { name: 'sdk', title: `AWS SDK ${bundles.version}, as installed`, module: moduleOf('sdk') },
  { name: 'lean', title: '`node:http` by hand', module: moduleOf('lean') },
]
const names = peers.map((peer) => peer.name)

const machine = describeMachine()
const date = new Date().toISOString()
const servers = await startServers(programs)
const children = await startChildren(peers)

async function measureAll() {
  const tableName = `bench-${randomUUID()}`
  // Imported only here, because the package has just been built.
  const { FaceTheoryIsrMetaStore } = await import('@theory-cloud/tabletheory-isr')
  // Java is slow at the first request of each kind.
  const patience = { requestTimeoutMs: 30_000, operationTimeoutMs: 60_000 }
  const patient = new FaceTheoryIsrMetaStore(tableName, { endpoint: servers.dynamodb.endpoint, ...patience })
  await patient.ensureTable()
  await check(patient)
  for (const name of names) await children.ask(name, 'check', { endpoint: servers.relay.endpoint, tableName })

  const bench = { setting, peers, names, programs, servers, children, tableName }
  const rows = []
  for (const [part, measure] of Object.entries(parts)) {
    if (!setting.only.includes(part)) continue
    say(part)
    rows.push(...(await measure(bench)))
  }
  const figures = { rows }
  for (const [part, measure] of Object.entries(partsWithTables)) {
    if (!setting.only.includes(part)) continue
    say(part)
    figures[part] = await measure(bench)
  }
  return figures
}

const figures = await measureAll().finally(async () => {
  children.stop()
  await servers.stop()
  await bundles.remove()
})

const results = {
  date,
  command: setting.command,
  machine,
  rounds: setting.rounds,
  sizes: setting.sizes,
  peers: [...peers.map(({ name, title }) => ({ name, title })), { name: 'floor', title: 'floor' }],
  ...figures,
}
mkdirSync(setting.output, { recursive: true })
writeFileSync(join(setting.output, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
writeFileSync(join(setting.output, 'chart.svg'), chart(results))
writeFileSync(join(setting.output, 'results.md'), `${report(results)}\n`)
console.log(report(results))
