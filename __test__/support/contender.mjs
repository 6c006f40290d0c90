// One of several processes after the same lease. The parent says what to do, and this one answers what came of it.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

const [table, options] = process.argv.slice(2)
const store = new FaceTheoryIsrMetaStore(table, JSON.parse(options))

process.on('message', async ([operation, input]) => {
  try {
    process.send({ returned: await store[operation](input) })
  } catch (error) {
    process.send({ threw: { name: error.name, code: error.code, message: error.message } })
  }
})
process.send('ready')
