// invalidate on DynamoDB Local: keys from arguments and from standard input, and the counts of each result.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { beforeAll, describe, expect, test } from 'vitest'

import { cli, cliOn, jsonLines, program, publishAged, writePages } from '../support/cli.js'
import { endpoint, makeTable, newKey, storeOf } from '../support/store.js'
import { fault, json, type Script, withStub } from '../support/stub/stub.js'

let table: string
beforeAll(async () => {
  table = await makeTable()
})
const run = (...args: string[]) => cliOn(table, args)

const patience = ['--request-timeout-ms', '20000', '--operation-timeout-ms', '50000']

describe('invalidate', () => {
  test('invalidates the keys in its arguments and on standard input', async () => {
    const keys = Array.from({ length: 40 }, newKey)
    const kept = newKey()
    await writePages(table, [...keys, kept])
    const [named = '', ...rest] = keys
    const ended = await cliOn(table, ['invalidate', named, '-'], `${rest.join('\r\n').replace('\r\n', '\n\n')}`)
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '40 invalidated\n' })
    const left = await Promise.all([...keys, kept].map((key) => storeOf(table).get(key)))
    expect(left.map((record) => record?.cacheKey)).toEqual([...keys.map(() => undefined), kept])
  })

  test('reads the output of list --json, also for keys with line breaks', async () => {
    const start = newKey()
    const keys = [`${start}\n${start}-other`, `${start}\u009b\u2028`, `${start}\r`]
    const other = `${start}-other`
    await Promise.all([...keys, other].map((key) => publishAged(table, key, 1)))
    const { stdout } = await run('list', '--json', '--prefix', start)
    const wanted = stdout.split('\n').filter((line) => line !== '' && JSON.parse(line).cacheKey !== other)
    const input = [...wanted.slice(1), JSON.stringify(JSON.parse(wanted[0] ?? '').cacheKey)].join('\n')
    const ended = await cliOn(table, ['invalidate', '-', '--json-input'], input)
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '3 invalidated\n' })
    const left = await Promise.all([...keys, other].map((key) => storeOf(table).get(key)))
    expect(left.map((record) => record?.cacheKey)).toEqual([undefined, undefined, undefined, other])
  })

  test.each([
    ['an object whose key is null', '{"cacheKey":null}', '"cacheKey" is null: the row holds only a digest of its key'],
    ['a number', '1', 'neither a string nor an object with a string "cacheKey"'],
    ['null', 'null', 'neither a string nor an object with a string "cacheKey"'],
    ['broken JSON', '{', 'not JSON'],
    ['an empty key', '""', 'cacheKey must not be empty'],
  ])('refuses %s on standard input with exit code 2 and the line number, before any request', (_, line, message) =>
    withStub(
      () => json({}),
      async (stub) => {
        const args = ['invalidate', '-', '--json-input', '-t', 'isr', '--endpoint', stub.endpoint]
        const { code, stdout, stderr } = await cli(args, {}, `"good"\n\n${line}\n"good"\n`)
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toContain(`tabletheory-isr: standard input, line 3: ${message}`)
        expect(stub.requests).toEqual([])
      },
    ),
  )

  test('refuses standard input that is not UTF-8 with exit code 2', async () => {
    const { code, stderr } = await cliOn(table, ['invalidate', '-'], Buffer.from([0x6b, 0x0a, 0x6b, 0xff, 0x0a]))
    expect(code).toBe(2)
    expect(stderr).toMatch(/^tabletheory-isr: standard input, after line 0: not UTF-8/)
  })

  test('names the argument that is not a key', async () => {
    const { code, stderr } = await run('invalidate', 'key', '')
    expect(code).toBe(2)
    expect(stderr).toContain('argument 2: cacheKey must not be empty')
  })

  test('counts keys that do not exist apart, and sends no delete for them', async () => {
    const [page, lease] = [newKey(), newKey()]
    await publishAged(table, page, 1)
    const input = { cacheKey: lease, leaseOwner: 'o', nowMs: Date.now(), leaseDurationMs: 600_000 }
    const { leaseToken } = await storeOf(table).tryAcquireLease({ ...input, fallbackRevalidateSeconds: 60 })
    const counted = await run('invalidate', page, lease, newKey())
    expect(counted).toEqual({ code: 0, stdout: '', stderr: '2 invalidated, 1 not found\n' })
    const late = { cacheKey: lease, leaseOwner: 'o', leaseToken: leaseToken ?? '', htmlPointer: 'p', status: 200 }
    const generation = { ...late, generatedAt: Date.now(), revalidateSeconds: 60, contentType: 'text/html' }
    await expect(storeOf(table).commitGeneration(generation)).rejects.toMatchObject({ code: 'ErrLeaseNotOwned' })
    expect(await run('invalidate', newKey())).toEqual({ code: 0, stdout: '', stderr: '0 invalidated, 1 not found\n' })
    await withStub(
      () => json({ Items: [], Count: 0 }),
      async (stub) => {
        expect((await cli(['invalidate', 'key', '-t', 'isr', '--endpoint', stub.endpoint])).code).toBe(0)
        expect(stub.operations()).toEqual(['Query'])
      },
    )
  })

  test('keeps the page as stale with --soft', async () => {
    const key = newKey()
    await publishAged(table, key, 1)
    expect(await run('invalidate', key, '--soft')).toEqual({ code: 0, stdout: '', stderr: '1 invalidated\n' })
    expect(await storeOf(table).get(key)).toMatchObject({ generatedAt: 0, htmlPointer: 'pages/1.html' })
    expect((await run('inspect', key)).stdout).toMatch(/generated +before a soft invalidation\nstale since/)
  })

  test('changes nothing with --dry-run', async () => {
    const key = newKey()
    await publishAged(table, key, 1)
    const counted = await run('invalidate', key, newKey(), '--dry-run')
    expect(counted).toEqual({ code: 0, stdout: '', stderr: '1 found, 1 not found\n' })
    expect(await storeOf(table).get(key)).toMatchObject({ cacheKey: key })
  })

  test('reads "-" and "--json" as keys after "--"', async () => {
    await publishAged(table, '-', 1)
    await publishAged(table, '--json', 1)
    expect(await run('invalidate', '--', '-', '--json')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '2 invalidated\n',
    })
    expect(await storeOf(table).get('-')).toBeNull()
  })

  test('invalidates all keys when the reader closes its output', async () => {
    const keys = Array.from({ length: 120 }, newKey)
    await writePages(table, keys)
    const args = ['invalidate', '--json', '-', '--table-name', table, '--endpoint', endpoint, ...patience]
    const child = spawn(process.execPath, [program, ...args], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdout.destroy()
    child.stdin.end(keys.join('\n'))
    expect(await once(child, 'exit')).toEqual([0, null])
    const left = await Promise.all(keys.map((key) => storeOf(table).get(key)))
    expect(left.filter((record) => record !== null)).toEqual([])
  })

  test('prints a result for each key with --json, and exits with 1 when one failed', () => {
    const rows = json({ Items: [{ pk: { S: 'CACHE#key' }, sk: { S: 'META' } }] })
    const script: Script = ({ operation, body }) => {
      if (operation === 'Query') return rows
      return JSON.stringify(body).includes('CACHE#bad') ? fault('AccessDeniedException', 'no') : json({})
    }
    return withStub(script, async (stub) => {
      const args = ['invalidate', 'good', 'bad', '-t', 'isr', '--endpoint', stub.endpoint]
      const machine = await cli([...args, '--json'])
      expect(machine.code).toBe(1)
      expect(jsonLines(machine).sort((one, other) => (one.cacheKey < other.cacheKey ? 1 : -1))).toEqual([
        { cacheKey: 'good', result: 'invalidated' },
        {
          cacheKey: 'bad',
          result: 'failed',
          code: 'ErrAccessDenied',
          message: expect.stringContaining('bad'),
          fix: expect.any(String),
        },
      ])
      const { stderr } = await cli(args)
      expect(stderr).toMatch(
        /^failed: .*"bad".* \(ErrAccessDenied\)\n1 invalidated, 1 failed\n {2}→ allow the action in the IAM policy/,
      )
    })
  })
})
