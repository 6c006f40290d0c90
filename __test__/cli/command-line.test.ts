// The command line: help, refusals with a hint, options and environment, and exit codes.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, test } from 'vitest'

import { cli, cliOn, hasTerminals, jsonLines, onTerminal, publishAged } from '../support/cli.js'
import { publish } from '../support/rows.js'
import { dynamodb, endpoint, makeTable, newKey, storeOf } from '../support/store.js'
import { type Answer, fault, json, withStub } from '../support/stub/stub.js'

let table: string
beforeAll(async () => {
  table = await makeTable()
})
const run = (...args: string[]) => cliOn(table, args)

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']

const commands = ['doctor', 'create-table', 'inspect', 'list', 'invalidate']

describe('the command line', () => {
  test.each([
    [],
    ['--help'],
    ['help'],
    ...commands.flatMap((name) => [
      ['help', name],
      [name, '--help'],
      [name, '-h'],
    ]),
  ])('prints a help that fits 80 columns: %s %s', async (...args) => {
    const { code, stdout } = await cli(args.flat())
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: tabletheory-isr')
    expect(stdout).toContain('Exit codes: 0')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  test('prints the same help for "help list" and "list --help"', async () => {
    expect((await cli(['help', 'list'])).stdout).toBe((await cli(['list', '--help'])).stdout)
  })

  test('prints its version', async () => {
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each([
    ['an unknown command', ['doctr'], 'unknown command "doctr"; did you mean "doctor"?'],
    ['a command of another tool', ['ls'], 'unknown command "ls"; did you mean "list"?'],
    [
      'a command that resembles no other',
      ['xyz'],
      'unknown command "xyz"; the commands are doctor, create-table, inspect, list',
    ],
    ['help on an unknown command', ['help', 'lst'], 'unknown command "lst"; did you mean "list"?'],
    [
      'a misspelt option',
      ['doctor', '--tabel-name', 'isr'],
      'unknown option "--tabel-name"; did you mean "--table-name"?',
    ],
    ['a shortened option', ['doctor', '--table=isr'], 'unknown option "--table"; did you mean "--table-name"?'],
    [
      'an option in another case',
      ['list', '--pkPrefix', 'x'],
      'unknown option "--pkPrefix"; did you mean "--pk-prefix"?',
    ],
    ['an option of the AWS CLI', ['list', '--profile', 'p'], 'did you mean the environment variable AWS_PROFILE?'],
    ['the endpoint option of the AWS CLI', ['list', '--endpoint-url', 'u'], 'did you mean "--endpoint"?'],
    ['an option of another command', ['doctor', '--limit', '3'], 'unknown option "--limit"; see "doctor --help"'],
    ['a missing argument', ['inspect'], 'inspect takes <cacheKey>'],
    ['an additional argument', ['list', 'key'], 'list takes no arguments'],
    ['no table name', ['doctor'], 'no table name: pass --table-name, or set one of FACETHEORY_CACHE_TABLE_NAME'],
    ['an invalid number', ['doctor', '-t', 'isr', '--max-attempts', 'many'], '--max-attempts must be a whole number'],
    ['an invalid region', ['doctor', '-t', 'isr', '--region', 'a b'], '--region must be'],
    ['an invalid endpoint', ['doctor', '-t', 'isr', '--endpoint', 'a b'], '--endpoint must be'],
    ['an invalid limit', ['list', '-t', 'isr', '--limit', '0'], '--limit must be a whole number, at least 1, not "0"'],
    ['an empty key', ['inspect', '-t', 'isr', ''], 'cacheKey must not be empty'],
    ['a module that does not exist', ['list', '-t', 'isr', '--config', 'no.mjs'], 'Cannot find module'],
  ])('refuses %s with exit code 2 before any request', async (_, args, message) => {
    await withStub(
      () => json({}),
      async (stub) => {
        const { code, stdout, stderr } = await cli(args, { DYNAMODB_ENDPOINT: stub.endpoint })
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toMatch(/^tabletheory-isr: /)
        expect(stderr).toContain(message)
        expect(stub.requests).toEqual([])
      },
    )
  })

  test('names the flag in an error about its value, and the option when a module has set the value', async () => {
    const { stderr } = await cli(['list', '-t', 'isr', '--endpoint', 'http://127.0.0.1:1', '--connect-timeout-ms', '0'])
    expect(stderr).toMatch(/^tabletheory-isr: --connect-timeout-ms must be at least 1/)
    const folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-cli-'))
    const config = join(folder, 'isr.config.mjs')
    await writeFile(config, 'export default { connectTimeoutMs: 0 }')
    const configured = await cli(['list', '-t', 'isr', '--config', config])
    expect(configured).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('connectTimeoutMs must be at least 1'),
    })
    await rm(folder, { recursive: true })
  })

  test.each([
    [
      'a server without transactions',
      ['invalidate', 'key'],
      { TransactWriteItems: fault('UnknownOperationException') },
      'does not implement that operation; use DynamoDB, DynamoDB Local or moto',
    ],
    [
      'a table with other keys',
      ['inspect', 'key'],
      { Query: fault('ValidationException', 'Query condition missed key schema element: id') },
      'use a table with the partition key pk and the sort key sk',
    ],
  ] as const)('prints a fix for %s', (_, args, answers, fix) =>
    withStub(
      ({ operation }) =>
        (answers as Record<string, Answer>)[operation] ??
        json({ Items: [{ pk: { S: 'CACHE#key' }, sk: { S: 'META' } }] }),
      async (stub) => {
        const { code, stderr } = await cli([...args, '-t', 'isr'], { DYNAMODB_ENDPOINT: stub.endpoint })
        expect(code).toBe(1)
        expect(stderr).toContain(fix)
      },
    ),
  )

  test('reads the environment variables of the class, which the command line overrides', async () => {
    const env = { CACHE_TABLE_NAME: 'another-table', DYNAMODB_ENDPOINT: endpoint }
    expect((await cli(['list', '--json', '-t', table, ...patience], env)).code).toBe(0)
    const { code, stderr } = await cli(['list', ...patience], env)
    expect(code).toBe(1)
    expect(stderr).toContain('table "another-table" does not exist')
    expect(stderr).toContain('→ check --table-name and --region, or make the table with create-table')
  })

  test('reads any option of the class from a module', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-cli-'))
    const config = join(folder, 'isr.config.mjs')
    const layout = "(cacheKey) => 'TENANT#1#' + cacheKey"
    await writeFile(config, `export default { tableName: '${table}', pkFromCacheKey: ${layout} }`)
    const inspect = ['inspect', 'key', '--config', config, ...patience]
    const { stdout } = await cli(inspect, { DYNAMODB_ENDPOINT: endpoint })
    expect(stdout).toContain('TENANT#1#key')
    await publish(storeOf(table, { pkFromCacheKey: (cacheKey) => `TENANT#1#${cacheKey}` }), 'key')
    const list = ['list', '--json', '--prefix', 'ke', '--config', config, ...patience]
    const [listed] = jsonLines(await cli(list, { DYNAMODB_ENDPOINT: endpoint }))
    expect(listed).toMatchObject({ cacheKey: 'key', partition: 'TENANT#1#key' })
    // The app's own module may keep a process alive.
    await writeFile(config, `setInterval(() => {}, 1000); export default { tableName: '${table}' }`)
    expect((await cli(inspect, { DYNAMODB_ENDPOINT: endpoint })).code).toBe(3)
    await writeFile(config, 'export const options = {}')
    expect(await cli(inspect)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('its default export is not an object of options'),
    })
    await rm(folder, { recursive: true })
  })

  test('prints an error as JSON with --json', async () => {
    const { code, stderr } = await cliOn('no-such-table', ['list', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'ErrTableNotFound', retryable: false })
  })
})

test('create-table creates the table, and accepts a table that exists', async () => {
  const TableName = `isr-${randomUUID()}`
  for (const _ of [1, 2]) expect(await cliOn(TableName, ['create-table'])).toMatchObject({ code: 0, stderr: '' })
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }))
  expect(Table?.KeySchema?.map(({ AttributeName }) => AttributeName)).toEqual(['pk', 'sk'])
})

test('control characters in cache keys are printed as escapes', async () => {
  const cacheKey = `${newKey()}\u001b[2J\u202e\n`
  await publishAged(table, cacheKey, 1)
  for (const args of [
    ['inspect', cacheKey],
    ['list', '--prefix', cacheKey],
  ]) {
    const { stdout } = await run(...args)
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}\\u{a}')
    expect(['\u001b', '\u202e'].filter((character) => stdout.includes(character))).toEqual([])
  }
})

test.runIf(hasTerminals)('a terminal gets colours, unless NO_COLOR is set, and progress', async () => {
  const args = ['list', ...patience, '--table-name', table, '--endpoint', endpoint]
  await publishAged(table, newKey(), 1)
  const colour = '\u001b[32m'
  const shown = await onTerminal(args, { TERM: 'xterm-256color' })
  expect(shown).toContain(`${colour}fresh`)
  expect(shown).toMatch(/\d+ rows? read, \d+ pages? shown/)
  expect(await onTerminal(args, { TERM: 'xterm-256color', NO_COLOR: '1' })).not.toContain(colour)
  const { stdout, stderr } = await run('list')
  expect(stdout + stderr).not.toContain('\u001b')
})
