// A DynamoDB stub behind TLS: an empty table that records its requests.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** The path of a file in `fixtures/tls`, which `fixtures/tls/make.sh` has made. */
export const tlsFile = (name: string): string => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))

/** Reads a certificate and its key. Node.js trusts the default if NODE_EXTRA_CA_CERTS names `authority.pem`. */
export async function serverIdentity(certificate = 'server.pem'): Promise<{ cert: Buffer; key: Buffer }> {
  const [cert, key] = await Promise.all([readFile(tlsFile(certificate)), readFile(tlsFile('server.key'))])
  return { cert, key }
}

export interface TlsStub {
  port: number
  /** How many connections were accepted so far. */
  accepted: () => number
  /** The operations that were asked for, in order. */
  operations: () => string[]
  close: () => Promise<void>
}

/** Listens on a free port of the loopback interface, with the certificate in this file. */
export async function startTlsStub(certificate: string): Promise<TlsStub> {
  const operations: string[] = []
  let accepted = 0
  const server = createServer(await serverIdentity(certificate), (request, response) => {
    operations.push(String(request.headers['x-amz-target']).replace(/^DynamoDB_20120810\./, ''))
    request.resume().once('end', () => response.end('{"Items":[],"Count":0}'))
  })
  server.on('connection', () => {
    accepted += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    operations: () => operations,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
