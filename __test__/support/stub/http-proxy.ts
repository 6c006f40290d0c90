// A real HTTP proxy: it makes tunnels, forwards whole addresses, and can require a password.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

export interface HttpProxy {
  port: number
  /** The first line of each request, without the protocol. */
  requests: string[]
  close: () => void
}

/** Starts a proxy that leads every request to `port` of this machine. It refuses requests without its `password`. */
export async function startProxy(port: () => number, password?: string): Promise<HttpProxy> {
  const requests: string[] = []
  const expected = password && `Basic ${Buffer.from(password).toString('base64')}`
  const isRefused = ({ method, url, headers }: IncomingMessage): boolean => {
    requests.push(`${method} ${url}`)
    return expected !== undefined && headers['proxy-authorization'] !== expected
  }
  const server = createServer((request, response) => {
    if (isRefused(request)) return response.writeHead(407).end()
    const { method, url = '', headers } = request
    const { pathname } = new URL(url)
    const onward = send({ port: port(), method, path: pathname, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    return request.pipe(onward)
  })
  server.on('connect', (request, client) => {
    if (isRefused(request)) return client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const onward = connect(port(), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(onward).pipe(client)
    })
    for (const socket of [client, onward]) socket.on('error', () => {})
    return onward
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, requests, close: () => server.close() }
}
