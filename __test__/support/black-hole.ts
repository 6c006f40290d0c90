// An address that takes connections and never completes them: a full queue before a server that never looks at it.
import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

/** Blocks its thread as soon as it listens, so that nothing is ever taken out of the queue. */
const listener = `const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(workerData), 0, 0)
    process.exit()
  })`

/** More than any system queues for a backlog of one. */
const fillers = 16

export interface BlackHole {
  endpoint: string
  close: () => Promise<void>
}

export async function startBlackHole(): Promise<BlackHole> {
  const gate = new SharedArrayBuffer(4)
  const worker = new Worker(listener, { eval: true, workerData: gate, execArgv: [] })
  const [port] = (await once(worker, 'message')) as [number]
  const sockets = Array.from({ length: fillers }, () => connect(port, '127.0.0.1').on('error', () => {}))
  // The system queues them in order: when it has queued the first, it has decided about the rest.
  await Promise.all(sockets.slice(0, 1).map((socket) => once(socket, 'connect')))
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      Atomics.store(new Int32Array(gate), 0, 1)
      Atomics.notify(new Int32Array(gate), 0)
      await once(worker, 'exit')
    },
  }
}
