// Measures a process from its start to the answer to its first `get`. Without a peer, it measures a bare Node.js.
import { writeSync } from 'node:fs'

const [endpoint, tableName, module] = process.argv.slice(2)

function now() {
  const { user, system } = process.cpuUsage()
  return { wallMs: performance.now(), cpuMs: (user + system) / 1_000 }
}

const key = 'default::/news/{slug}?slug=hello'
const marks = { began: now() }
let store
if (module !== undefined) {
  const { create } = await import(module)
  marks.loaded = now()
  store = create({ endpoint, tableName })
  marks.constructed = now()
  const record = await store.get(key)
  if (!record.htmlPointer) throw new Error('no page')
}
marks.answered = now()
const memory = { rssMb: process.memoryUsage.rss() / 2 ** 20, peakRssMb: process.resourceUsage().maxRSS / 2 ** 10 }
// The second `get` uses the same connection.
await store?.get(key)
marks.answeredAgain = now()
writeSync(1, JSON.stringify({ ...marks.answered, ...memory, marks }))
process.exit()
