// Measures load, construct and first `get` in a fresh process, less the median of a Node.js that does nothing.
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { alternate, median, row } from '../figures.mjs'
import { clientEnv } from '../servers.mjs'

const execute = promisify(execFile)
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const program = file('../cold-child.mjs')

const bare = 'bare'

/** Each peer's rounds, less the median of bare Node.js. */
function overBare({ [bare]: nothing, ...results }, figure) {
  const base = median(nothing.map(figure))
  const over = (rounds) => rounds.map((one) => figure(one) - base)
  return Object.fromEntries(Object.entries(results).map(([name, rounds]) => [name, over(rounds)]))
}

/** The parts of the time over TLS, each between two marks of the child. */
const shares = {
  load: ({ began, loaded }) => loaded.wallMs - began.wallMs,
  construct: ({ loaded, constructed }) => constructed.wallMs - loaded.wallMs,
  // The work that the first `get` does and the second does not.
  handshake: ({ constructed, answered, answeredAgain }) =>
    answered.wallMs - constructed.wallMs - (answeredAgain.wallMs - answered.wallMs),
  request: ({ answered, answeredAgain }) => answeredAgain.wallMs - answered.wallMs,
}

const titles = {
  load: 'load',
  construct: 'construct',
  handshake: 'connect and handshake, with all else that is done once',
  request: 'request',
}

export async function measureCold({ setting, names, peers, servers, tableName }) {
  const { NODE_EXTRA_CA_CERTS: _, ...plainEnv } = clientEnv
  const measureAt = (endpoint, env) =>
    alternate(setting.rounds, [bare, ...names], async (name) => {
      const modules = peers.filter((peer) => peer.name === name).map((peer) => pathToFileURL(peer.module).href)
      const args = [program, endpoint, tableName, ...modules]
      return JSON.parse((await execute(process.execPath, args, { env })).stdout)
    })
  const plain = await measureAt(servers.stub.endpoint, plainEnv)
  const encrypted = await measureAt(servers.stub.tls.endpoint, clientEnv)

  const rowOver = (id, title, unit, results, figure) => ({
    ...row({ id, title: `load, construct, first \`get\`: ${title}`, unit }, overBare(results, figure), (one) => one),
    bare: { median: median(results[bare].map(figure)), rounds: results[bare].map(figure) },
  })
  const ofPeers = Object.fromEntries(names.map((name) => [name, encrypted[name]]))
  const shareRows = Object.entries(shares).map(([share, read]) =>
    row(
      { id: `cold-tls-${share}`, title: `of the time over TLS: ${titles[share]}`, unit: 'ms' },
      ofPeers,
      ({ marks }) => read(marks),
    ),
  )
  return [
    rowOver('cold-wall', 'time', 'ms', plain, (one) => one.wallMs),
    rowOver('cold-cpu', 'CPU', 'ms', plain, (one) => one.cpuMs),
    rowOver('cold-tls-wall', 'time over TLS', 'ms', encrypted, (one) => one.wallMs),
    rowOver('cold-tls-cpu', 'CPU over TLS', 'ms', encrypted, (one) => one.cpuMs),
    ...shareRows,
    rowOver('cold-rss', 'memory', 'MB', plain, (one) => one.rssMb),
    rowOver('cold-peak-rss', 'memory, peak', 'MB', plain, (one) => one.peakRssMb),
  ]
}
