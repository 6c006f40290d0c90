// The servers that the peers work against, each in a process of its own.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { startDynamoDbLocal } from '../scripts/dynamodb-local.mjs'

const tlsProgram = fileURLToPath(new URL('tls-stub.mjs', import.meta.url))

/** Starts a program that prints its port first, and ends when its standard input does. */
async function start(scheme, program, ...args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve).once('close', reject)
    child.once('error', reject)
  })
  return { endpoint: `${scheme}://127.0.0.1:${port}`, stop: () => child.stdin.end() }
}

/** With the number of requests that it has had. */
async function startCounting(program, ...args) {
  const server = await start('http', program, ...args)
  const count = async () => (await fetch(`${server.endpoint}/count`)).json()
  return { ...server, count }
}

/**
 * Starts the stub, the stub behind TLS, and DynamoDB Local, which is reached through a relay that counts and, where
 * capacity units matter and time does not, by itself.
 */
export async function startServers(binaries) {
  const dynamodb = await startDynamoDbLocal()
  const { hostname, port } = new URL(dynamodb.endpoint)
  const stub = await startCounting(binaries.stub)
  const relay = await startCounting(binaries.relay, `${hostname}:${port || 80}`)
  const tls = await start('https', process.execPath, tlsProgram, stub.endpoint)
  return {
    stub,
    tls,
    relay,
    dynamodb,
    stop: async () => {
      for (const server of [tls, relay, stub]) server.stop()
      await dynamodb.stop()
    },
  }
}
