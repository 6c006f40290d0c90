// One of several processes that want the same lease. It makes the calls that its parent sends, and answers with each outcome.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { printed } from './printed.mjs'

const [table, options] = process.argv.slice(2)
const store = new FaceTheoryIsrMetaStore(table, JSON.parse(options))

process.on('message', async ([call, operation, input, byOwnClock]) => {
  try {
    const asked = byOwnClock ? { ...input, nowMs: Date.now() } : input
    process.send([call, { returned: await store[operation](asked) }])
  } catch (error) {
    const { name, code, message, retryable } = error
    process.send([call, { threw: { name, code, message, retryable, printed: printed(error) } }])
  }
})
process.send('ready')
