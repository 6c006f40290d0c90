// invalidatePrefix on DynamoDB Local: 200 pages under one prefix, in parts, with a pace, a position and a signal.
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import {
  type InvalidatePrefixOptions,
  type InvalidatePrefixProgress,
  invalidatePrefix,
} from '@theory-cloud/tabletheory-isr/admin'
import { beforeEach, describe, expect, test } from 'vitest'

import { cli, cliOn, hasTerminals, jsonLines, onTerminal, writePages } from '../support/cli.js'
import { dynamodb, endpoint, makeTable, storeOf, writeRow } from '../support/store.js'
import { fault, json, type Script, storeAt, withStub } from '../support/stub/stub.js'

const PAGES = 200
/** A pace without a noticeable wait. */
const fast = { unitsPerSecond: 40_000 }

let table: string
let store: FaceTheoryIsrMetaStore
beforeEach(async () => {
  table = await makeTable()
  store = storeOf(table)
})

const newsKeys = Array.from({ length: PAGES }, (_, index) => `news/${index}`)

const publishAll = (keys: string[], pkPrefix?: string) => writePages(table, keys, pkPrefix)

/** The keys that still have a page. */
async function left(): Promise<string[]> {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: table, ConsistentRead: true }))
  return Items.flatMap(({ cache_key }) => cache_key?.S ?? []).sort()
}

test('invalidatePrefix invalidates the pages under a prefix and no others, and reports its progress', async () => {
  const others = ['new', 'newt/1', 'blog/1']
  await publishAll([...newsKeys, ...others])
  const reports: InvalidatePrefixProgress[] = []
  const result = await invalidatePrefix(store, 'news/', { ...fast, onProgress: (progress) => reports.push(progress) })
  expect(result).toMatchObject({ pages: PAGES, invalidated: PAGES, skipped: 0, done: true, position: null })
  expect(result.rows).toBe(PAGES + others.length)
  expect(result.units).toBeGreaterThanOrEqual(PAGES * 4)
  expect(await left()).toEqual([...others].sort())
  expect(reports.length).toBeGreaterThanOrEqual(3)
  expect(reports.at(-1)).toEqual(result)
  for (const [index, report] of reports.slice(1).entries()) {
    expect(report.invalidated).toBeGreaterThanOrEqual(reports[index]?.invalidated ?? 0)
  }
})

test('invalidatePrefix counts the pages with dryRun, and changes nothing', async () => {
  const keys = newsKeys.slice(0, 30)
  await publishAll(keys)
  const result = await invalidatePrefix(store, 'news/', { ...fast, dryRun: true })
  expect(result).toMatchObject({ pages: 30, invalidated: 0, rows: 30, done: true })
  expect(await left()).toHaveLength(30)
})

test('invalidatePrefix keeps the pages as stale with softInvalidation', async () => {
  await publishAll(['news/1', 'news/2'])
  const soft = storeOf(table, { softInvalidation: true })
  expect(await invalidatePrefix(soft, 'news/', fast)).toMatchObject({ invalidated: 2, done: true })
  expect(await store.get('news/1')).toMatchObject({ generatedAt: 0, htmlPointer: 'pages/1.html' })
  expect(await left()).toHaveLength(2)
})

test('invalidatePrefix stops at the signal, and a later call continues from its position', async () => {
  await publishAll(newsKeys)
  const stop = new AbortController()
  const onProgress = () => stop.abort()
  const stopped = await invalidatePrefix(store, 'news/', { ...fast, signal: stop.signal, onProgress })
  expect(stopped).toMatchObject({ done: false, rows: 100, position: expect.any(String) })
  expect(await left()).toHaveLength(PAGES - stopped.invalidated)
  const { position } = stopped
  const rest = await invalidatePrefix(storeOf(table), 'news/', { ...fast, position })
  expect(rest).toMatchObject({ done: true, invalidated: PAGES - stopped.invalidated, rows: PAGES - 100 })
  expect(await left()).toEqual([])
})

test('invalidatePrefix stops at the signal while it waits for its pace', async () => {
  await publishAll(newsKeys.slice(0, 5))
  const signal = AbortSignal.timeout(500)
  // Five pages would take 200 seconds.
  const result = await invalidatePrefix(store, 'news/', { unitsPerSecond: 1, signal })
  expect(result).toMatchObject({ done: false, position: null })
  expect(result.invalidated).toBeLessThan(5)
})

test('invalidatePrefix spends at most unitsPerSecond', async () => {
  await publishAll(newsKeys.slice(0, 20))
  const begun = performance.now()
  const { units } = await invalidatePrefix(store, 'news/', { unitsPerSecond: 40 })
  const seconds = (performance.now() - begun) / 1_000
  // The last invalidation need not wait for its own units.
  expect((units - 4) / seconds).toBeLessThanOrEqual(40)
})

test('invalidatePrefix does not change pages of other stores, and counts them as skipped', async () => {
  const one = storeOf(table, {
    pkFromCacheKey: (cacheKey) => {
      if (cacheKey.startsWith('two/')) throw new Error('another tenant')
      return `one#${cacheKey}`
    },
  })
  await publishAll(['all/1', 'all/2', 'one/1'], 'one#')
  await publishAll(['all/1', 'two/1'], 'two#')
  expect(await invalidatePrefix(one, '', fast)).toMatchObject({ pages: 3, invalidated: 3, skipped: 2 })
  expect(await left()).toEqual(['all/1', 'two/1'])
  const theirs = { s3_key: { S: 'x' }, generated_at: { N: '1' }, revalidate_seconds: { N: '1' } }
  await writeRow(table, { pk: { S: `CACHE#sha256:${'0'.repeat(64)}` }, sk: { S: 'META' }, ...theirs })
  expect(await invalidatePrefix(store, '', fast)).toMatchObject({ invalidated: 0, skipped: 1 })
})

/** A row that a scan shows. */
const page = (key: string) => ({
  pk: { S: `CACHE#${key}` },
  sk: { S: 'META' },
  s3_key: { S: 'x' },
  generated_at: { N: '1' },
  revalidate_seconds: { N: '1' },
})

describe('invalidatePrefix on a stub', () => {
  const scan = json({ Items: [page('a')], Count: 1, ScannedCount: 1 })

  test('does not repeat a request that is denied', () => {
    const script: Script = ({ operation }) => (operation === 'Scan' ? scan : fault('AccessDeniedException'))
    return withStub(script, async (stub) => {
      await expect(invalidatePrefix(storeAt(stub), 'a', fast)).rejects.toMatchObject({ code: 'ErrAccessDenied' })
      expect(stub.operations()).toEqual(['Scan', 'TransactWriteItems'])
    })
  })

  test('waits and repeats a call that was throttled to its end', () => {
    const begun = performance.now()
    // The store's own retries end within this time.
    const isThrottled = () => performance.now() - begun < 1_000
    const script: Script = ({ operation }) =>
      operation === 'Scan' ? scan : isThrottled() ? fault('ThrottlingException') : json({})
    return withStub(script, async (stub) => {
      const store = storeAt(stub, { maxAttempts: 1, operationTimeoutMs: 600 })
      const result = await invalidatePrefix(store, 'a', fast)
      expect(result).toMatchObject({ invalidated: 1, done: true })
    })
  })

  test('repeats a call that met a server error', () => {
    let failures = 0
    const script: Script = ({ operation }) => {
      if (operation === 'Scan') return scan
      failures += 1
      return failures === 1 ? fault('InternalServerError', 'once', 500) : json({})
    }
    return withStub(script, async (stub) => {
      const result = await invalidatePrefix(storeAt(stub, { maxAttempts: 1 }), 'a', fast)
      expect(result).toMatchObject({ invalidated: 1, done: true })
      expect(failures).toBe(2)
    })
  })
})

test.each<[string, InvalidatePrefixOptions | null, RegExp]>([
  ['an unknown option', { rate: 1 } as InvalidatePrefixOptions, /unknown option "rate"; valid options: position, /],
  ['a rate of 0', { unitsPerSecond: 0 }, /unitsPerSecond must be at least 1/],
  ['a rate that is not a number', { unitsPerSecond: '9' as unknown as number }, /unitsPerSecond must be a number/],
  ['a foreign position', { position: 'page-7' }, /position "page-7" is not one that invalidatePrefix has reported/],
  ['null for the options', null, /options must be an object/],
])('invalidatePrefix refuses %s', async (_, options, message) => {
  const refused = invalidatePrefix(store, 'a', options as InvalidatePrefixOptions)
  await expect(refused).rejects.toMatchObject({ code: 'ErrInvalidArgument', message: expect.stringMatching(message) })
})

describe('invalidate --prefix', () => {
  const some = ['a/1', 'a/2', 'b/1']
  const args = ['invalidate', '--prefix', 'a/']
  beforeEach(() => publishAll(some))

  test('invalidates with --yes', async () => {
    const { code, stdout, stderr } = await cliOn(table, [...args, '--yes'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^2 invalidated; 3 rows read, \d+ units\n$/)
    expect(await left()).toEqual(['b/1'])
  })

  test('counts with --dry-run, as JSON too', async () => {
    expect((await cliOn(table, [...args, '--dry-run'])).stderr).toMatch(/^2 pages found; 3 rows read, \d+ units?\n$/)
    const [result] = jsonLines(await cliOn(table, [...args, '--dry-run', '--json']))
    expect(result).toMatchObject({ pages: 2, invalidated: 0, done: true, position: null })
    expect(await left()).toEqual(some)
  })

  test('refuses to begin without a terminal, --yes or --dry-run', async () => {
    const { code, stderr } = await cliOn(table, args)
    expect(code).toBe(2)
    expect(stderr).toContain('pass --yes or --dry-run')
    expect(await left()).toEqual(some)
  })

  test('refuses keys beside the prefix', async () => {
    expect(await cli([...args, 'key', '-t', 'isr'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('one of the two'),
    })
  })

  test('prints the position when a request fails', () => {
    const script: Script = ({ operation }, index) => {
      if (operation !== 'Scan') return json({})
      const more = { LastEvaluatedKey: { pk: { S: 'CACHE#a/1' }, sk: { S: 'META' } } }
      return index === 0 ? json({ Items: [page('a/1')], Count: 1, ...more }) : fault('AccessDeniedException')
    }
    return withStub(script, async (stub) => {
      const { code, stderr } = await cli([...args, '--yes', '--table-name', 'isr', '--endpoint', stub.endpoint])
      expect(code).toBe(1)
      expect(stderr).toMatch(/stopped: 1 invalidated; continue with --position \S+/)
      expect(stderr).toContain('AccessDenied')
    })
  })

  test.runIf(hasTerminals)('asks on a terminal, and shows its progress', async () => {
    const command = [...args, '--table-name', table, '--endpoint', endpoint, '--operation-timeout-ms', '50000']
    const refused = await onTerminal(command, {}, 'n\n')
    expect(refused).toContain(`Invalidate 2 pages in the table "${table}"? [y/N]`)
    expect(refused).toContain('nothing was changed')
    expect(await left()).toEqual(some)
    const confirmed = await onTerminal(command, {}, 'y\n')
    expect(confirmed).toMatch(/\[#{20}\] 2 of 2 pages/)
    expect(confirmed).toContain('2 invalidated')
    expect(await left()).toEqual(['b/1'])
  })
})
