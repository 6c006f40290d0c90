// A process in which one peer works on the tasks that its parent sends.
import { pathToFileURL } from 'node:url'

import { tasks } from './tasks.mjs'

const { create } = await import(pathToFileURL(process.argv[2]))

const stores = new Map()

function storeAt({ endpoint, tableName }) {
  if (!stores.has(endpoint)) stores.set(endpoint, create({ endpoint, tableName }))
  return stores.get(endpoint)
}

process.on('message', async ({ task, at, input }) => {
  try {
    process.send({ result: await tasks[task](storeAt(at), input, (options) => create({ ...at, options })) })
  } catch (error) {
    process.send({ failure: error.stack })
  }
})
process.once('disconnect', () => process.exit())
process.send({ result: 'ready' })
