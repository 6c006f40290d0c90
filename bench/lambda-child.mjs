// An environment of Lambda: loads and constructs one peer, which then serves views one after the other.
import { readSync, writeSync } from 'node:fs'

import { cacheKeyOf } from './pages.mjs'

const [endpoint, tableName, module, views] = process.argv.slice(2)

const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Whether the parent has answered. A read does not block, since a pipe of Node.js does not. */
function canRead() {
  try {
    return readSync(0, Buffer.alloc(1)) > 0
  } catch (error) {
    if (error.code === 'EAGAIN') return false
    throw error
  }
}

const { create } = await import(module)
const store = create({ endpoint, tableName })
const init = { wallMs: performance.now(), cpuMs: cpuMs() }

// The parent sets the quota before it answers.
writeSync(1, 'ready\n')
while (!canRead()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)

const times = []
const cpu = []
for (let view = 0; view < Number(views); view += 1) {
  const [start, cpuBefore] = [performance.now(), cpuMs()]
  const record = await store.get(cacheKeyOf('hello'))
  if (!record.htmlPointer) throw new Error('no page')
  times.push(performance.now() - start)
  cpu.push(cpuMs() - cpuBefore)
}
writeSync(1, `${JSON.stringify({ init, times, cpu, rssMb: process.memoryUsage.rss() / 2 ** 20 })}\n`)
process.exit()
