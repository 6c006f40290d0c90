// An HTTP server on the loopback interface whose port and connections a test controls.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'

export interface Server {
  endpoint: string
  /** How many connections were accepted so far. */
  accepted: () => number
  /** Closes or resets every connection, and goes on listening. */
  cutConnections: (how: 'end' | 'reset') => void
  /** From now on, open connections get no answers. New connections are served. */
  muteConnections: () => void
  /** From now on, open connections are reset at their next request. New connections are served. */
  resetOnUse: () => void
  /** How many requests came on connections that get no answers. */
  swallowed: () => number
  /** Breaks every connection, and refuses new ones. */
  close: () => Promise<void>
  /** Listens again at the same port. */
  reopen: () => Promise<void>
}

/** Starts a server, which speaks TLS if it has a certificate. */
export async function startServer(
  listener: RequestListener,
  identity?: { cert: Buffer; key: Buffer },
): Promise<Server> {
  const open = new Set<Socket>()
  const muted = new WeakSet<Socket>()
  const dead = new WeakSet<Socket>()
  let accepted = 0
  let swallowed = 0
  const serve: RequestListener = (request, response) => {
    const { socket } = request
    if (dead.has(socket)) socket.resetAndDestroy()
    else if (muted.has(socket)) swallowed += 1
    else listener(request, response)
  }
  const server = identity ? createTlsServer(identity, serve) : createServer(serve)
  // Node.js would close idle connections after five seconds.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    accepted += 1
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => {})
  })
  const listen = async (port: number): Promise<void> => {
    // The queue must hold a thousand connections at once: the system would retry a dropped one only after a second.
    server.listen({ port, host: '127.0.0.1', backlog: 4_096 })
    await once(server, 'listening')
  }
  const port = await firstFreePort(listen)
  return {
    endpoint: `${identity ? 'https' : 'http'}://127.0.0.1:${port}`,
    accepted: () => accepted,
    cutConnections: (how) => {
      for (const socket of open) {
        if (how === 'reset') socket.resetAndDestroy()
        else socket.destroy()
      }
    },
    muteConnections: () => {
      for (const socket of open) muted.add(socket)
    },
    resetOnUse: () => {
      for (const socket of open) dead.add(socket)
    },
    swallowed: () => swallowed,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
    reopen: () => listen(port),
  }
}

/** Listens at a port below those of outgoing connections, which could take it while the server is down. Resolves to it. */
async function firstFreePort(listen: (port: number) => Promise<void>): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    try {
      await listen(port)
      return port
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}
