// `get` on the stub: one at a time, and 32 at a time.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { alternate, row } from '../figures.mjs'

const execute = promisify(execFile)

async function runFloor(floor, endpoint, { get, many }) {
  const args = [new URL(endpoint).host, get.warmUp, get.calls, many.atOnce, many.ofEach]
  return JSON.parse((await execute(floor, args.map(String))).stdout)
}

export async function measureGet({ setting, names, servers, programs, tableName, children }) {
  const { sizes, rounds } = setting
  const at = { endpoint: servers.stub.endpoint, tableName }

  const results = await alternate(rounds, [...names, 'floor'], async (name, round) => {
    if (name === 'floor') return runFloor(programs.floor, at.endpoint, sizes)
    // Connections close while others are measured, and code is compiled once.
    const get = round === 0 ? sizes.get : { ...sizes.get, warmUp: Math.ceil(sizes.get.warmUp / 10) }
    const { medianUs: latencyUs, p95Us } = await children.ask(name, 'getOneAtATime', at, get)
    return { latencyUs, p95Us, ...(await children.ask(name, 'getManyAtATime', at, sizes.many)) }
  })
  const many = `\`get\`, ${sizes.many.atOnce} at a time`
  return [
    row({ id: 'get-latency', title: '`get`, one at a time, median', unit: 'µs' }, results, (one) => one.latencyUs),
    row({ id: 'get-p95', title: '`get`, one at a time, 95th percentile', unit: 'µs' }, results, (one) => one.p95Us),
    row({ id: 'get-rate', title: many, unit: 'calls/s', more: true }, results, (one) => one.callsPerSecond),
    row({ id: 'get-cpu', title: `${many}, CPU of each`, unit: 'µs' }, results, (one) => one.cpuUs),
  ]
}
