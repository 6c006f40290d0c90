// From the start of a process to the answer to its first `get`. Without a peer, the process that there is anyway.
import { writeSync } from 'node:fs'

const [endpoint, tableName, module] = process.argv.slice(2)

if (module !== undefined) {
  const { create } = await import(module)
  const record = await create({ endpoint, tableName }).get('default::/news/{slug}?slug=hello')
  if (!record.htmlPointer) throw new Error('no page')
}

const wallMs = performance.now()
const { user, system } = process.cpuUsage()
const memory = { rssMb: process.memoryUsage.rss() / 2 ** 20, peakRssMb: process.resourceUsage().maxRSS / 2 ** 10 }
writeSync(1, JSON.stringify({ wallMs, cpuMs: (user + system) / 1_000, ...memory }))
process.exit()
