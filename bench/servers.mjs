// The servers that the peers work against, each in a process of its own.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { startDynamoDbLocal } from '../scripts/dynamodb-local.mjs'

const fixture = (name) => fileURLToPath(new URL(`../__test__/fixtures/tls/${name}`, import.meta.url))

/** The certificate and the key of the servers that speak TLS, for programs that take them as arguments. */
const identity = [fixture('server.pem'), fixture('server.key')]

/** The environment of every client: it trusts these servers, and the AWS SDK does not warn of old versions of Node.js. */
export const clientEnv = {
  ...process.env,
  NODE_EXTRA_CA_CERTS: fixture('authority.pem'),
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
}

/** Starts a program that first prints its port, and ends at the end of its standard input. */
async function start(scheme, program, ...args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve).once('close', reject)
    child.once('error', reject)
  })
  return { endpoint: `${scheme}://127.0.0.1:${port}`, stop: () => child.stdin.end() }
}

/** A server, and the same server over TLS. `count` resolves to the number of requests that one of them has had. */
async function startBoth(program, ...args) {
  const plain = await start('http', program, ...args)
  const tls = await start('https', program, ...args, ...identity)
  return {
    ...plain,
    tls,
    count: async () => (await fetch(`${plain.endpoint}/count`)).json(),
    stop: () => {
      plain.stop()
      tls.stop()
    },
  }
}

/**
 * Starts a relay that gives each partition key these units a second. `usedBy` resolves to the requests, units and throttles
 * of a partition key so far.
 */
export async function startPartitions(program, endpoint, { read, write }) {
  const { hostname, port } = new URL(endpoint)
  const relay = await start('http', program, `${hostname}:${port || 80}`, String(read), String(write))
  const usedBy = async (partitionKey) => (await (await fetch(`${relay.endpoint}/partitions`)).json())[partitionKey]
  return { ...relay, usedBy }
}

/**
 * Starts four servers: the stub, a distant stub over TLS that is as slow as DynamoDB, DynamoDB Local, and a relay before it
 * that counts requests. Parts that measure capacity units and not time use DynamoDB Local without the relay. `stub.tls` and
 * `relay.tls` are the same servers over TLS.
 */
export async function startServers(programs) {
  const dynamodb = await startDynamoDbLocal()
  const { hostname, port } = new URL(dynamodb.endpoint)
  const stub = await startBoth(programs.stub, '0')
  const relay = await startBoth(programs.relay, `${hostname}:${port || 80}`)
  const distant = await start('https', programs.stub, '3', ...identity)
  return {
    stub,
    distant,
    relay,
    dynamodb,
    stop: async () => {
      for (const server of [distant, relay, stub]) server.stop()
      await dynamodb.stop()
    },
  }
}
