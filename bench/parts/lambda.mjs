// Measures a function of Lambda: loaded and constructed at full speed, then one view after the other under its CPU quota.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { createQuota, quotaFailure } from '../cpu-quota.mjs'
import { alternate, median, row } from '../figures.mjs'
import { clientEnv } from '../servers.mjs'

const program = fileURLToPath(new URL('../lambda-child.mjs', import.meta.url))

/** AWS gives a whole core at 1,769 MB. The kernel's default period is 100 ms. Lambda's period is reportedly 20 ms. */
const functions = [
  { id: '128', title: '128 MB', share: 0.072, periodMs: 100 },
  { id: '128-short', title: '128 MB, period of 20 ms', share: 0.072, periodMs: 20 },
  { id: '512', title: '512 MB', share: 0.289, periodMs: 100 },
  { id: '1024', title: '1,024 MB', share: 0.578, periodMs: 100 },
]

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

/** Runs one environment from its start to its last view. It prints a line when it is ready, and waits for one. */
async function serveViews(command, args, quota) {
  const child = spawn(command, args, { env: clientEnv, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  await lines.next()
  if (child.exitCode === null) quota.add(child.pid)
  child.stdin.end('\n')
  const { value } = await lines.next()
  // A control group can be removed only when it is empty.
  await ended
  if (value === undefined) throw new Error(`${[command, ...args].join(' ')} ended early`)
  return JSON.parse(value)
}

export async function measureLambda({ setting, names, peers, servers, programs, tableName }) {
  const failure = quotaFailure()
  if (failure !== undefined) {
    console.error(`skipped the part "lambda": a CPU quota cannot be set (${failure})`)
    return []
  }
  const { views } = setting.sizes.lambda
  const { endpoint } = servers.distant
  const serve = (name, quota) => {
    if (name === 'floor') return serveViews(programs.floor, ['views', endpoint, String(views)], quota)
    const { module } = peers.find((peer) => peer.name === name)
    const args = [program, endpoint, tableName, pathToFileURL(module).href, String(views)]
    return serveViews(process.execPath, args, quota)
  }

  const rows = []
  for (const { id, title, share, periodMs } of functions) {
    const quota = createQuota({ share, periodMs })
    const results = await alternate(setting.rounds, [...names, 'floor'], (name) => serve(name, quota)).finally(
      quota.remove,
    )
    const of = (figure, about, unit, read) =>
      row({ id: `lambda-${id}-${figure}`, title: `function of ${title}: ${about}`, unit }, results, read)
    rows.push(
      of('first', 'first view', 'ms', ({ times }) => times[0]),
      of('median', 'median of a view', 'ms', ({ times }) => median(times)),
      of('sum', `${views} views together`, 'ms', ({ times }) => sum(times)),
      of('first-cpu', 'CPU of the first view', 'ms', ({ cpu }) => cpu[0]),
      of('cpu', 'CPU of each later view', 'ms', ({ cpu }) => sum(cpu.slice(1)) / (cpu.length - 1)),
      of('rss', 'memory', 'MB', ({ rssMb }) => rssMb),
    )
  }
  return rows
}
