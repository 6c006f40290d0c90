// The store beside its peers, in one run. README.md says what is measured.
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { buildAddon, buildPrograms, bundle } from './build.mjs'
import { chart } from './chart.mjs'
import { startChildren } from './children.mjs'
import { measureCold } from './parts/cold.mjs'
import { measureCosts } from './parts/costs.mjs'
import { measureCrowd } from './parts/crowd.mjs'
import { measureGet } from './parts/get.mjs'
import { measureRegeneration } from './parts/regeneration.mjs'
import { measureSize } from './parts/size.mjs'
import { startServers } from './servers.mjs'
import { describeMachine, readSetting } from './setting.mjs'
import { report } from './table.mjs'

const parts = {
  get: measureGet,
  regeneration: measureRegeneration,
  crowd: measureCrowd,
  cold: measureCold,
  size: measureSize,
}

const say = (what) => console.error(`${new Date().toTimeString().slice(0, 8)} ${what}`)

const setting = readSetting()
if (setting.build) await buildAddon()
const programs = await buildPrograms()
const bundled = await bundle()

const moduleOf = (name) => fileURLToPath(new URL(`peers/${name}.mjs`, import.meta.url))
const peers = [
  { name: 'ours', title: 'ours', module: moduleOf('ours') },
  { name: 'sdk-bundled', title: 'AWS SDK, bundled', module: bundled.file },
  { name: 'sdk', title: 'AWS SDK, as installed', module: moduleOf('sdk') },
  { name: 'lean', title: '`node:http` by hand', module: moduleOf('lean') },
]
const names = peers.map((peer) => peer.name)

const machine = describeMachine()
const date = new Date().toISOString()
const servers = await startServers(programs)
const children = await startChildren(peers)

async function measureAll() {
  const tableName = `bench-${randomUUID()}`
  // Not before it is built.
  const { FaceTheoryIsrMetaStore } = await import('@theory-cloud/tabletheory-isr')
  await new FaceTheoryIsrMetaStore(tableName, { endpoint: servers.dynamodb.endpoint }).ensureTable()
  for (const name of names) await children.ask(name, 'check', { endpoint: servers.relay.endpoint, tableName })

  const bench = { setting, peers, names, programs, servers, children, tableName }
  const rows = []
  for (const [part, measure] of Object.entries(parts)) {
    if (!setting.only.includes(part)) continue
    say(part)
    rows.push(...(await measure(bench)))
  }
  if (!setting.only.includes('costs')) return { rows, costs: [] }
  say('costs')
  return { rows, costs: await measureCosts(bench) }
}

const figures = await measureAll().finally(async () => {
  children.stop()
  await servers.stop()
  await bundled.remove()
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
