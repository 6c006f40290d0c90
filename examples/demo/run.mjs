// Sets the stage, and plays or serves. Nothing that is started here needs to be stopped: child processes end with this
// process, even if it is killed.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { play } from './acts.mjs'
import { startFront } from './front.mjs'
import { startOrigin } from './origin.mjs'
import { CannotStart, processNames, startDatabase, startServers } from './processes.mjs'
import { createReport } from './report.mjs'
import { playTiming, serveTiming, storeOptions } from './setting.mjs'

const restartDelayMs = 1_500
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** @param {{ serving: boolean }} options */
export async function run({ serving }) {
  for (const [signal, code] of Object.entries(signals)) {
    // A server ends this way in normal use.
    process.on(signal, () => process.exit(serving ? 0 : code))
  }
  try {
    const stage = await setStage(serving ? serveTiming : playTiming, serving ? { restartDelayMs } : {})
    if (serving) {
      const { url } = await startFront(stage)
      console.log(`\nOpen ${url} in a browser. Ctrl-C ends everything.`)
      return
    }
    process.exitCode = (await play({ ...stage, report: createReport() })) ? 0 : 1
  } catch (error) {
    process.exitCode = 1
    console.error(error instanceof CannotStart ? `\n${error.message}` : error)
  }
  // Exits after the output, which some systems write asynchronously.
  process.stdout.write('\n', () => process.exit())
}

/** @param {import('./setting.mjs').Timing} timing @param {{ restartDelayMs?: number }} options */
async function setStage(timing, options) {
  const endpoint = await startDatabase()
  const tableName = `isr-demo-${randomUUID().slice(0, 8)}`
  const metaStore = new FaceTheoryIsrMetaStore(tableName, storeOptions(endpoint))
  await metaStore.ensureTable().catch((error) => {
    throw new CannotStart(`The table cannot be made at ${endpoint}: ${error.message}`)
  })
  const folder = mkdtempSync(join(tmpdir(), 'isr-demo-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const origin = await startOrigin(timing)
  const servers = await startServers({ tableName, endpoint, folder, originUrl: origin.url, timing }, options)
  console.log(`\nDynamoDB at ${endpoint}, table ${tableName}; server processes ${processNames.join(', ')}.`)
  return { servers, origin, metaStore, timing }
}
