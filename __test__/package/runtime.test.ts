// Causes of crashes in native addons: module systems, exits, worker threads, garbage collection, and versions of Node.
// Each case is a process of its own, so that a crash is a result.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

import { endpoint, makeTable } from '../support/store.js'

let table: string

beforeAll(async () => {
  table = await makeTable()
})

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a fixture with the table's name as its first argument. The timeout only ends a process that hangs. */
async function run(
  fixture: string,
  args: string[] = [],
  node = process.execPath,
  flags: string[] = [],
): Promise<Ending> {
  const child = spawn(node, [...flags, `__test__/fixtures/${fixture}`, table, ...args], {
    cwd: root,
    env: { DYNAMODB_ENDPOINT: endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
    killSignal: 'SIGKILL',
  })
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, signal, stdout, stderr }
}

const ended = (version: string, code = 0, more = ''): Ending => ({
  code,
  signal: null,
  stdout: `done ${version}\n${more}`,
  stderr: '',
})

test('import and require return the same exports', async () => {
  const required = createRequire(import.meta.url)('@theory-cloud/tabletheory-isr')
  expect({ ...(await import('@theory-cloud/tabletheory-isr')) }).toEqual({ ...required })
})

// Node 22 and 24 come as npm packages of binaries for linux-x64. The packed tarballs have a test run of their own in each.
const isPacked = process.env.ISR_TEST_TARBALLS !== undefined
const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64' && !isPacked
const nodes = [
  { name: 'this Node', node: process.execPath, version: /^v/, here: true },
  { name: 'Node 22', node: `${root}__test__/nodes/node_modules/node-22/bin/node`, version: /^v22\./, here: isLinuxX64 },
  { name: 'Node 24', node: `${root}__test__/nodes/node_modules/node-24/bin/node`, version: /^v24\./, here: isLinuxX64 },
]

describe.each(nodes.filter(({ here }) => here))('$name', ({ node, version }) => {
  /** Expects the ending of a fixture that reports the right version of Node. */
  const expectEnding = (ending: Ending, code = 0, more = '') => {
    const ranIn = /^done (\S+)/.exec(ending.stdout)?.[1] ?? ''
    expect(ending).toEqual(ended(ranIn, code, more))
    expect(ranIn).toMatch(version)
  }

  test.each(['imported.mjs', 'required.cjs'])('makes every call from %s, and ends by itself', async (fixture) => {
    expectEnding(await run(fixture, [], node))
  })

  test('ends by itself when a store was only made', async () => {
    expectEnding(await run('constructed.mjs', [], node))
  })

  test('stays alive until a call without an await has settled', async () => {
    expectEnding(await run('unawaited.mjs', [], node), 0, 'settled null\n')
  })

  test.each(['at once', 'after the first answer'])(
    'exits %s with a hundred calls in flight, without a crash',
    async (moment) => {
      expectEnding(await run('exit-in-flight.mjs', [moment], node), 7)
    },
  )

  test('collects stores as garbage while their calls are in flight, and answers the calls', async () => {
    expectEnding(await run('collected.mjs', [], node, ['--expose-gc']))
  })

  test('survives worker threads in sequence, of which the first has loaded the addon', async () => {
    expectEnding(await run('workers-only.mjs', [], node))
  })

  test("keeps nothing of the first call's asynchronous context", async () => {
    expectEnding(await run('contexts.mjs', [], node, ['--expose-gc']))
  })

  test.each([
    'a worker that ends',
    'a worker that is terminated under its calls',
    'a worker that exits under its calls',
    'twenty workers in turn',
    'ten workers at once',
    'thirty workers, ten at once, that are terminated under their calls',
  ])('survives %s', async (scenario) => {
    expectEnding(await run('workers.mjs', [scenario], node))
  })

  test('exits with calls of a worker thread in flight, without a crash', async () => {
    expectEnding(await run('workers.mjs', ['a process that exits under the calls of a worker'], node), 7)
  })
})

// Versions of Node.js that are newer than Lambda's, and runtimes of other projects.
const runtimes: [string, string, string[]][] = [
  ['Node.js 25', 'node-25/bin/node', []],
  ['Node.js 26', 'node-26/bin/node', []],
  ['Bun', 'bun/bin/bun', []],
  ['Deno', 'deno/deno', ['run', '--allow-all', '--node-modules-dir=manual']],
]
describe.runIf(isLinuxX64).each(runtimes)('%s', (_, program, flags) => {
  test.each(['imported.mjs', 'required.cjs'])('makes every call from %s, and ends by itself', async (fixture) => {
    const { code, stdout, stderr } = await run(fixture, [], `${root}__test__/nodes/node_modules/${program}`, flags)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^done v\d+/)
  })
})

test('a fixture that fails ends with code 1 and its error', async () => {
  const ending = await run('workers.mjs', ['a scenario that does not exist'])
  expect(ending).toMatchObject({ code: 1, stdout: '' })
  expect(ending.stderr).toContain('TypeError')
})
