// Runs the operator's command as a shell does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'

import { metaRow, publish } from './rows.js'
import { dynamodb, endpoint, storeOf } from './store.js'

export const program: string = fileURLToPath(new URL('../../cli/main.mjs', import.meta.url))

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** Runs the command to its end, with `env` as its whole environment. */
export async function cli(args: string[], env: NodeJS.ProcessEnv = {}, input: string | Buffer = ''): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { env })
  child.stdin.on('error', () => {}).end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, stdout, stderr }
}

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']

/** Runs a command on a table of DynamoDB Local. */
export const cliOn = (tableName: string, [command = '', ...args]: string[], input?: string | Buffer) =>
  cli([command, ...patience, '--table-name', tableName, '--endpoint', endpoint, ...args], {}, input)

/** Publishes a page that was generated `seconds` ago and is fresh for ten minutes. */
export const publishAged = (tableName: string, cacheKey: string, seconds: number) =>
  publish(storeOf(tableName), cacheKey, { generatedAt: Date.now() - seconds * 1_000, revalidateSeconds: 600 })

/** Writes the rows of many pages, as another writer would. */
export async function writePages(tableName: string, keys: string[], pkPrefix = 'CACHE#'): Promise<void> {
  for (let index = 0; index < keys.length; index += 25) {
    const rows = keys.slice(index, index + 25).map((key) => ({
      ...metaRow(key),
      pk: { S: `${pkPrefix}${key}` },
      cache_key: { S: key },
    }))
    const RequestItems = { [tableName]: rows.map((Item) => ({ PutRequest: { Item } })) }
    await dynamodb.send(new BatchWriteItemCommand({ RequestItems }))
  }
}

/** Parses the output of a command with `--json`, which has one value in each line. */
export const jsonLines = ({ stdout }: Ended) =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))

/** Runs the command on a terminal, which util-linux's `script` provides. `typed` is typed; resolves to all output. */
export async function onTerminal(args: string[], env: NodeJS.ProcessEnv = {}, typed = ''): Promise<string> {
  const command = [process.execPath, program, ...args].map((part) => `'${part}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH: process.env.PATH, ...env } })
  if (typed === '') child.stdin.end()
  else child.stdin.write(typed)
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return stdout
}

/** Whether `onTerminal` works here. */
export const hasTerminals: boolean = existsSync('/usr/bin/script') && process.platform === 'linux'
