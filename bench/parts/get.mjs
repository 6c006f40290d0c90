// Measures `get` on the stub: one at a time, and 32 at a time.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { alternate, row } from '../figures.mjs'
import { clientEnv } from '../servers.mjs'

const execute = promisify(execFile)

async function runFloor(floor, endpoint, { get, many }) {
  const args = ['get', endpoint, get.warmUp, get.calls, many.atOnce, many.ofEach]
  return JSON.parse((await execute(floor, args.map(String), { env: clientEnv })).stdout)
}

export async function measureGet({ setting, names, servers, programs, tableName, children }) {
  const { sizes, rounds } = setting

  const measureAt = async (endpoint, id, over) => {
    const at = { endpoint, tableName }
    const results = await alternate(rounds, [...names, 'floor'], async (name, round) => {
      if (name === 'floor') return runFloor(programs.floor, endpoint, sizes)
      // Only the first round compiles code. Later rounds warm up connections, which close while other peers are measured.
      const get = round === 0 ? sizes.get : { ...sizes.get, warmUp: Math.ceil(sizes.get.warmUp / 10) }
      const one = await children.ask(name, 'getOneAtATime', at, get)
      return { ...one, ...(await children.ask(name, 'getManyAtATime', at, sizes.many)) }
    })
    const one = `\`get\`${over}, one at a time`
    const many = `\`get\`${over}, ${sizes.many.atOnce} at a time`
    return [
      row({ id: `${id}-latency`, title: `${one}, median`, unit: 'µs' }, results, (of) => of.latencyUs),
      row({ id: `${id}-p99`, title: `${one}, 99th percentile`, unit: 'µs' }, results, (of) => of.p99Us),
      row({ id: `${id}-one-cpu`, title: `${one}, CPU of each`, unit: 'µs' }, results, (of) => of.oneCpuUs),
      row({ id: `${id}-rate`, title: many, unit: 'calls/s', more: true }, results, (of) => of.callsPerSecond),
      row({ id: `${id}-cpu`, title: `${many}, CPU of each`, unit: 'µs' }, results, (of) => of.cpuUs),
    ]
  }
  return [
    ...(await measureAt(servers.stub.endpoint, 'get', '')),
    ...(await measureAt(servers.stub.tls.endpoint, 'get-tls', ' over TLS')),
  ]
}
