// The operator's command on DynamoDB Local: what it prints, for people and for machines, and what it tells the shell.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, test } from 'vitest'

import { cli, jsonLines, onTerminal, program } from './support/cli.js'
import { publish } from './support/rows.js'
import { dynamodb, endpoint, makeTable, newKey, storeOf, writeRow } from './support/store.js'
import { json, withStub } from './support/stub.js'

let table: string
beforeAll(async () => {
  table = await makeTable()
})

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']
const on = (tableName: string, [command = '', ...args]: string[], input?: string | Buffer) =>
  cli([command, ...patience, '--table-name', tableName, '--endpoint', endpoint, ...args], {}, input)
const run = (...args: string[]) => on(table, args)

const now = Date.now()
/** Publishes a page that was made so many seconds ago, and is fresh for a minute. */
const publishAged = (cacheKey: string, seconds: number, tableName = table) =>
  publish(storeOf(tableName), cacheKey, { generatedAt: now - seconds * 1_000, revalidateSeconds: 60 })

describe('the command line', () => {
  test.each([[], ['--help'], ['help'], ['doctor', '--help'], ['list', '-h']])('helps: %s', async (...args) => {
    const { code, stdout } = await cli(args.flat())
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: tabletheory-isr')
    expect(stdout).toContain('Exit codes: 0')
  })

  test('says its version', async () => {
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each([
    ['an unknown command', ['doctr'], '"doctr" is no command; the first word is one of doctor, create-table'],
    ['an unknown option', ['doctor', '--tabel-name', 'isr'], "Unknown option '--tabel-name'"],
    ['a missing argument', ['inspect'], 'inspect takes <cacheKey>'],
    ['an argument too many', ['list', 'key'], 'list takes no arguments'],
    ['no table name', ['doctor'], 'no table name: pass one, or set one of FACETHEORY_CACHE_TABLE_NAME'],
    ['an impossible option', ['doctor', '-t', 'isr', '--max-attempts', 'many'], 'maxAttempts must be a whole number'],
    ['an impossible limit', ['list', '-t', 'isr', '--limit', '0'], '--limit must be a whole number, at least 1'],
    ['a key that none can be', ['inspect', '-t', 'isr', ''], 'cacheKey must not be empty'],
    ['a module that is not there', ['list', '-t', 'isr', '--config', 'no.mjs'], 'Cannot find module'],
  ])('refuses %s with 2, and sends nothing', async (_, args, message) => {
    await withStub(
      () => json({}),
      async (stub) => {
        const { code, stdout, stderr } = await cli(args, { DYNAMODB_ENDPOINT: stub.endpoint })
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toContain(`tabletheory-isr: ${message}`)
        expect(stub.requests).toEqual([])
      },
    )
  })

  test('takes the environment of the class, and the command line before it', async () => {
    const env = { CACHE_TABLE_NAME: 'another-table', DYNAMODB_ENDPOINT: endpoint }
    expect((await cli(['list', '--json', '-t', table, ...patience], env)).code).toBe(0)
    const { code, stderr } = await cli(['list', ...patience], env)
    expect(code).toBe(1)
    expect(stderr).toContain('there is no table "another-table"')
    expect(stderr).toContain('→ check table name and region, or make the table with create-table')
  })

  test('takes any option of the class from a module', async () => {
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
    expect(await cli(inspect)).toMatchObject({ code: 2, stderr: expect.stringContaining('no options as its default') })
    await rm(folder, { recursive: true })
  })

  test('gives errors to machines as JSON', async () => {
    const { code, stderr } = await on('no-such-table', ['list', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ code: 'ErrTableNotFound', retryable: false })
  })
})

test('create-table makes the table, and is content with the one that is there', async () => {
  const TableName = `isr-${randomUUID()}`
  for (const _ of [1, 2]) expect(await on(TableName, ['create-table'])).toMatchObject({ code: 0, stderr: '' })
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }))
  expect(Table?.KeySchema?.map(({ AttributeName }) => AttributeName)).toEqual(['pk', 'sk'])
})

describe('inspect', () => {
  test('shows page and lease, with times from now, and never a whole token', async () => {
    const cacheKey = newKey()
    await publishAged(cacheKey, 600)
    const lease = { cacheKey, leaseOwner: 'renderer-1', nowMs: now, leaseDurationMs: 3_600_000 }
    const { leaseToken } = await storeOf(table).tryAcquireLease({ ...lease, fallbackRevalidateSeconds: 60 })
    const shown = await run('inspect', cacheKey)
    expect(shown.code).toBe(0)
    for (const part of [
      cacheKey,
      `CACHE#${cacheKey}`,
      'stale since',
      ' min ago)',
      'renderer-1',
      'held until',
      ' min)',
    ]) {
      expect(shown.stdout).toContain(part)
    }
    const machine = await run('inspect', cacheKey, '--json')
    expect(jsonLines(machine)).toEqual([
      expect.objectContaining({
        cacheKey,
        partition: `CACHE#${cacheKey}`,
        page: expect.objectContaining({ generatedAt: now - 600_000, freshUntil: now - 540_000 }),
        lease: {
          leaseOwner: 'renderer-1',
          leaseToken: `${leaseToken?.slice(0, 8)}…`,
          leaseExpiresAt: now + 3_600_000,
          state: 'held',
        },
        rows: {
          META: expect.objectContaining({ generated_at_ms: { N: String(now - 600_000) } }),
          LOCK: expect.objectContaining({ lease_token: { S: `${leaseToken?.slice(0, 8)}…` } }),
        },
      }),
    ])
    expect(shown.stdout + machine.stdout).not.toContain(leaseToken)
  })

  test('says that a row is broken, and shows it as it is, whatever is in it', async () => {
    const cacheKey = newKey()
    const odd = {
      L: [{ M: { n: { NULL: true } } }, { BS: [Buffer.from('b')] }, { SS: ['s'] }, { NS: ['1'] }, { BOOL: true }],
    }
    const row = {
      pk: { S: `CACHE#${cacheKey}` },
      sk: { S: 'META' },
      s3_key: { N: '12345678901234567890123456789012345678' },
    }
    await writeRow(table, { ...row, odd })
    expect((await run('inspect', cacheKey)).stdout).toMatch(/page +the row is broken/)
    const [{ rows, page }] = jsonLines(await run('inspect', cacheKey, '--json'))
    expect({ rows, page }).toEqual({
      rows: { META: { ...row, odd: { L: [...odd.L.slice(0, 1), { BS: ['Yg=='] }, ...odd.L.slice(2)] } }, LOCK: null },
      page: null,
    })
  })

  test('says that a lease is too long to be believed, when anybody may take it', async () => {
    const cacheKey = newKey()
    const expiry = { lease_expires_at: { N: String(now) }, lease_token: { S: 'token' }, lease_owner: { S: 'other' } }
    await writeRow(table, { pk: { S: `CACHE#${cacheKey}` }, sk: { S: 'LOCK' }, ...expiry })
    expect((await run('inspect', cacheKey)).stdout).toContain('too long to be believed; anybody may take it')
    expect(jsonLines(await run('inspect', cacheKey, '--json'))[0].lease).toMatchObject({ state: 'unbelievable' })
    const wish = { cacheKey, leaseOwner: 'me', nowMs: now, leaseDurationMs: 1_000, fallbackRevalidateSeconds: 1 }
    expect(await storeOf(table).tryAcquireLease(wish)).toMatchObject({ acquired: true })
    const ended = await run('inspect', cacheKey)
    expect(ended.stdout).toMatch(/^ended .*; anybody may take it$/m)
  })

  test('tells the shell with 3 that there is nothing', async () => {
    expect((await run('inspect', newKey())).code).toBe(3)
  })
})

describe('list', () => {
  let listed: string
  beforeAll(async () => {
    listed = await makeTable()
    for (const [cacheKey, age] of [
      ['news/1', 10],
      ['news/2', 100],
      ['blog/1', 100],
    ] as const) {
      await publishAged(cacheKey, age, listed)
    }
    await writeRow(listed, { pk: { S: 'OTHER#news/3' }, sk: { S: 'META' }, s3_key: { S: 'x' } })
    const theirs = { sk: { S: 'META' }, s3_key: { S: 'x' }, generated_at: { N: '1' }, revalidate_seconds: { N: '1' } }
    await writeRow(listed, { ...theirs, pk: { S: 'CACHE#news/theirs' } })
    await writeRow(listed, { ...theirs, pk: { S: `CACHE#sha256:${'0'.repeat(64)}` } })
    await writeRow(listed, { ...theirs, pk: { S: 'OTHER#news/4' } })
  })
  const keysOf = async (...args: string[]) =>
    jsonLines(await on(listed, ['list', '--json', ...args]))
      .map(({ cacheKey }) => cacheKey)
      .sort()

  test('shows each page of this store and of other writers, and no other rows', async () => {
    expect(await keysOf()).toEqual(['blog/1', 'news/1', 'news/2', 'news/theirs', null])
  })

  test('chooses by the start of the cache key, by age, and by number', async () => {
    expect(await keysOf('--prefix', 'news/')).toEqual(['news/1', 'news/2', 'news/theirs'])
    expect(await keysOf('--prefix', 'news/', '--stale')).toEqual(['news/2', 'news/theirs'])
    expect(await keysOf('--limit', '2')).toHaveLength(2)
    expect(await keysOf('--pk-prefix', 'OTHER#')).toEqual(['news/4'])
  })

  test('shows no page of a store with another prefix, though that begins with this one’s', async () => {
    const shared = await makeTable()
    const newer = storeOf(shared, { pkPrefix: 'CACHE#v2#' })
    await publish(newer, 'key')
    await publish(newer, `long ${'x'.repeat(3_000)}`)
    await publishAged('key', 1, shared)
    const listed = async (...args: string[]) =>
      jsonLines(await on(shared, ['list', '--json', ...args])).map(({ partition }) => partition)
    expect(await listed()).toEqual(['CACHE#key'])
    expect(await listed('--pk-prefix', 'CACHE#v2#')).toHaveLength(2)
  })

  test('finds no hashed key by the start of its partition', async () => {
    const hashed = await makeTable()
    await publishAged(`long ${'x'.repeat(3_000)}`, 1, hashed)
    const count = async (prefix: string) => jsonLines(await on(hashed, ['list', '--json', '--prefix', prefix])).length
    expect([await count('sha256:'), await count('long x')]).toEqual([0, 1])
  })

  test('says so where the table has other keys', () => {
    const LastEvaluatedKey = { id: { S: '1' } }
    return withStub(
      () => json({ Items: [], Count: 0, ScannedCount: 4, LastEvaluatedKey }),
      async (stub) => {
        const { code, stderr } = await cli(['list', '-t', 'isr'], { DYNAMODB_ENDPOINT: stub.endpoint })
        expect(code).toBe(1)
        expect(stderr).toContain('exists with other keys')
      },
    )
  })

  test('tells people the state of each, and how much was read', async () => {
    const { stdout, stderr } = await on(listed, ['list', '--prefix', 'news/'])
    expect(stdout).toMatch(/^fresh +\d+ s +200 +news\/1 +\S+$/m)
    expect(stdout).toMatch(/^stale +\d+ s +200 +news\/2 +\S+$/m)
    expect(stderr).toBe('3 pages, in 7 rows that were read\n')
    const some = await on(listed, ['list', '--prefix', 'news/', '--limit', '2'])
    expect(some.stderr).toBe('2 pages, in 7 rows that were read; there may be more\n')
  })

  test('goes on after each megabyte', async () => {
    const large = await makeTable()
    const padding = { S: 'x'.repeat(390_000) }
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const key of keys) {
      await publishAged(key, 1, large)
      await writeRow(large, { pk: { S: `CACHE#${key}` }, sk: { S: 'REQ#1' }, padding })
    }
    expect(
      jsonLines(await on(large, ['list', '--json']))
        .map(({ cacheKey }) => cacheKey)
        .sort(),
    ).toEqual(keys)
    expect((await on(large, ['list', '--limit', '1'])).stderr).toMatch(/; there may be more\n$/)
  })
})

describe('invalidate', () => {
  test('forgets the keys that are named, and those on standard input', async () => {
    const keys = Array.from({ length: 40 }, newKey)
    const kept = newKey()
    await Promise.all([...keys, kept].map((key) => publishAged(key, 1)))
    const [named = '', ...rest] = keys
    const ended = await on(table, ['invalidate', named, '-'], `${rest.join('\r\n').replace('\r\n', '\n\n')}`)
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '40 invalidated\n' })
    const left = await Promise.all([...keys, kept].map((key) => storeOf(table).get(key)))
    expect(left.map((record) => record?.cacheKey)).toEqual([...keys.map(() => undefined), kept])
  })

  test('takes what list prints, whatever is in the keys', async () => {
    const start = newKey()
    const keys = [`${start}\n${start}-other`, `${start}\u009b\u2028`, `${start}\r`]
    const other = `${start}-other`
    await Promise.all([...keys, other].map((key) => publishAged(key, 1)))
    const { stdout } = await run('list', '--json', '--prefix', start)
    const wanted = stdout.split('\n').filter((line) => line !== '' && JSON.parse(line).cacheKey !== other)
    const input = [...wanted.slice(1), JSON.stringify(JSON.parse(wanted[0] ?? '').cacheKey)].join('\n')
    const ended = await on(table, ['invalidate', '-', '--json-input'], input)
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '3 invalidated\n' })
    const left = await Promise.all([...keys, other].map((key) => storeOf(table).get(key)))
    expect(left.map((record) => record?.cacheKey)).toEqual([undefined, undefined, undefined, other])
  })

  test.each(['{"cacheKey":null}', '1', 'null', '{'])('takes no JSON that holds no key: %s', async (line) => {
    const { code, stderr } = await on(table, ['invalidate', '-', '--json-input'], line)
    expect(code).toBe(1)
    expect(stderr).toContain('0 invalidated\ntabletheory-isr: ')
  })

  test('takes "-" for a key after "--"', async () => {
    await publishAged('-', 1)
    await publishAged('--json', 1)
    expect(await run('invalidate', '--', '-', '--json')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '2 invalidated\n',
    })
    expect(await storeOf(table).get('-')).toBeNull()
  })

  test('goes on to the end, and tells the shell how it went, when nobody reads what it prints', async () => {
    const keys = Array.from({ length: 300 }, newKey)
    await Promise.all(keys.map((key) => publishAged(key, 1)))
    const args = ['invalidate', '--json', '-', '', '--table-name', table, '--endpoint', endpoint, ...patience]
    const child = spawn(process.execPath, [program, ...args], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdout.destroy()
    child.stdin.end(keys.join('\n'))
    expect(await once(child, 'exit')).toEqual([1, null])
    const left = await Promise.all(keys.map((key) => storeOf(table).get(key)))
    expect(left.filter((record) => record !== null)).toEqual([])
  })

  test('tells machines of each key, and the shell whether any failed', async () => {
    const key = newKey()
    const { code, stdout } = await run('invalidate', key, '', '--json')
    expect(code).toBe(1)
    expect(jsonLines({ code, stdout, stderr: '' }).sort((one, other) => other.invalidated - one.invalidated)).toEqual([
      { cacheKey: key, invalidated: true },
      { cacheKey: '', invalidated: false, code: 'ErrInvalidArgument', message: 'cacheKey must not be empty' },
    ])
  })

  test('takes no bytes for a key that are no text', async () => {
    const { code, stderr } = await on(table, ['invalidate', '-'], Buffer.from([0x6b, 0xff, 0x0a]))
    expect(code).toBe(1)
    expect(stderr).toBe(
      '0 invalidated\ntabletheory-isr: standard input is not UTF-8 (ERR_ENCODING_INVALID_ENCODED_DATA)\n',
    )
  })
})

test('what others wrote is shown, and not obeyed by the terminal', async () => {
  const cacheKey = `${newKey()}\u001b[2J\u202e\n`
  await publishAged(cacheKey, 1)
  for (const args of [
    ['inspect', cacheKey],
    ['list', '--prefix', cacheKey],
  ]) {
    const { stdout } = await run(...args)
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}\\u{a}')
    expect(['\u001b', '\u202e'].filter((character) => stdout.includes(character))).toEqual([])
  }
})

test.runIf(existsSync('/usr/bin/script') && process.platform === 'linux')(
  'on a terminal there are colours, unless they are unwanted, and progress',
  async () => {
    const args = ['list', ...patience, '--table-name', table, '--endpoint', endpoint]
    await publishAged(newKey(), 1)
    const colour = '\u001b[32m'
    const shown = await onTerminal(args, { TERM: 'xterm-256color' })
    expect(shown).toContain(`${colour}fresh`)
    expect(shown).toMatch(/\d+ rows read, \d+ pages shown/)
    expect(await onTerminal(args, { TERM: 'xterm-256color', NO_COLOR: '1' })).not.toContain(colour)
    const { stdout, stderr } = await run('list')
    expect(stdout + stderr).not.toContain('\u001b')
  },
)
