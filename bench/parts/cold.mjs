// Load, construct and first `get` in a fresh process, over a Node.js that does nothing.
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { alternate, median, row } from '../figures.mjs'

const execute = promisify(execFile)
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const program = file('../cold-child.mjs')
const authority = file('../../__test__/fixtures/tls/authority.pem')

const bare = 'bare'

/** Each peer's rounds, less the median of bare Node.js. */
function overBare({ [bare]: nothing, ...results }, figure) {
  const base = median(nothing.map(figure))
  const over = (rounds) => rounds.map((one) => figure(one) - base)
  return Object.fromEntries(Object.entries(results).map(([name, rounds]) => [name, over(rounds)]))
}

export async function measureCold({ setting, names, peers, servers, tableName }) {
  const measureAt = (endpoint, variables) =>
    alternate(setting.rounds, [bare, ...names], async (name) => {
      const modules = peers.filter((peer) => peer.name === name).map((peer) => pathToFileURL(peer.module).href)
      const env = { ...process.env, ...variables }
      const args = [program, endpoint, tableName, ...modules]
      return JSON.parse((await execute(process.execPath, args, { env })).stdout)
    })
  const plain = await measureAt(servers.stub.endpoint, {})
  const encrypted = await measureAt(servers.tls.endpoint, { NODE_EXTRA_CA_CERTS: authority })

  const rowOver = (id, title, unit, results, figure) => ({
    ...row({ id, title: `load, construct, first \`get\`: ${title}`, unit }, overBare(results, figure), (one) => one),
    bare: { median: median(results[bare].map(figure)), rounds: results[bare].map(figure) },
  })
  return [
    rowOver('cold-wall', 'time', 'ms', plain, (one) => one.wallMs),
    rowOver('cold-cpu', 'CPU', 'ms', plain, (one) => one.cpuMs),
    rowOver('cold-tls-wall', 'time over TLS', 'ms', encrypted, (one) => one.wallMs),
    rowOver('cold-tls-cpu', 'CPU over TLS', 'ms', encrypted, (one) => one.cpuMs),
    rowOver('cold-rss', 'memory', 'MB', plain, (one) => one.rssMb),
    rowOver('cold-peak-rss', 'memory, peak', 'MB', plain, (one) => one.peakRssMb),
  ]
}
