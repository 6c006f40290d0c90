// An address at which connections never complete: the queue of its server is full, and the server accepts none.
import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

/** Blocks its thread as soon as it listens, so that no connection ever leaves the queue. */
const listener = `const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer()
  const { gate, host, port } = workerData
  server.listen({ port, host, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(gate), 0, 0)
    process.exit()
  })`

/** More connections than any system queues for a backlog of 1. */
const fillers = 16

export interface BlackHole {
  endpoint: string
  close: () => Promise<void>
}

/** Starts at a free port, or at the given one. */
export async function startBlackHole(host = '127.0.0.1', at = 0): Promise<BlackHole> {
  const gate = new SharedArrayBuffer(4)
  const worker = new Worker(listener, { eval: true, workerData: { gate, host, port: at }, execArgv: [] })
  const [port] = (await once(worker, 'message')) as [number]
  const sockets = Array.from({ length: fillers }, () => connect(port, host).on('error', () => {}))
  // The system queues connections in order. When it has queued the first, it has decided about the others.
  await Promise.all(sockets.slice(0, 1).map((socket) => once(socket, 'connect')))
  return {
    endpoint: `http://${host}:${port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      Atomics.store(new Int32Array(gate), 0, 1)
      Atomics.notify(new Int32Array(gate), 0)
      await once(worker, 'exit')
    },
  }
}
