// list on DynamoDB Local: the pages of a store, and a hint where there are none.
import { beforeAll, describe, expect, test } from 'vitest'

import { cli, cliOn, jsonLines, publishAged } from '../support/cli.js'
import { publish } from '../support/rows.js'
import { makeTable, storeOf, writeRow } from '../support/store.js'
import { json, withStub } from '../support/stub/stub.js'

describe('list', () => {
  let listed: string
  beforeAll(async () => {
    listed = await makeTable()
    for (const [cacheKey, age] of [
      ['news/1', 10],
      ['news/2', 10_000],
      ['blog/1', 10_000],
    ] as const) {
      await publishAged(listed, cacheKey, age)
    }
    await writeRow(listed, { pk: { S: 'OTHER#news/3' }, sk: { S: 'META' }, s3_key: { S: 'x' } })
    const theirs = { sk: { S: 'META' }, s3_key: { S: 'x' }, generated_at: { N: '1' }, revalidate_seconds: { N: '1' } }
    await writeRow(listed, { ...theirs, pk: { S: 'CACHE#news/theirs' } })
    await writeRow(listed, { ...theirs, pk: { S: `CACHE#sha256:${'0'.repeat(64)}` } })
    await writeRow(listed, { ...theirs, pk: { S: 'OTHER#news/4' } })
  })
  const keysOf = async (...args: string[]) =>
    jsonLines(await cliOn(listed, ['list', '--json', ...args]))
      .map(({ cacheKey }) => cacheKey)
      .sort()

  test('shows each page under the prefix, of this store and of other writers', async () => {
    expect(await keysOf()).toEqual(['blog/1', 'news/1', 'news/2', 'news/theirs', null])
  })

  test('selects pages by the start of the cache key, by staleness and by number', async () => {
    expect(await keysOf('--prefix', 'news/')).toEqual(['news/1', 'news/2', 'news/theirs'])
    expect(await keysOf('--prefix', 'news/', '--stale')).toEqual(['news/2', 'news/theirs'])
    expect(await keysOf('--limit', '2')).toHaveLength(2)
    expect(await keysOf('--pk-prefix', 'OTHER#')).toEqual(['news/4'])
  })

  test('hides pages of a store whose longer prefix begins with the prefix of this store', async () => {
    const shared = await makeTable()
    const newer = storeOf(shared, { pkPrefix: 'CACHE#v2#' })
    await publish(newer, 'key')
    await publish(newer, `long ${'x'.repeat(3_000)}`)
    await publishAged(shared, 'key', 1)
    const listed = async (...args: string[]) =>
      jsonLines(await cliOn(shared, ['list', '--json', ...args])).map(({ partition }) => partition)
    expect(await listed()).toEqual(['CACHE#key'])
    expect(await listed('--pk-prefix', 'CACHE#v2#')).toHaveLength(2)
  })

  test('finds a hashed key by its cache key and not by its partition', async () => {
    const hashed = await makeTable()
    await publishAged(hashed, `long ${'x'.repeat(3_000)}`, 1)
    const count = async (prefix: string) =>
      jsonLines(await cliOn(hashed, ['list', '--json', '--prefix', prefix])).length
    expect([await count('sha256:'), await count('long x')]).toEqual([0, 1])
  })

  test('reports a table with other keys', () => {
    const LastEvaluatedKey = { id: { S: '1' } }
    return withStub(
      () => json({ Items: [], Count: 0, ScannedCount: 4, LastEvaluatedKey }),
      async (stub) => {
        const { code, stderr } = await cli(['list', '-t', 'isr'], { DYNAMODB_ENDPOINT: stub.endpoint })
        expect(code).toBe(1)
        expect(stderr).toContain('exists with other keys')
        expect(stderr).toContain('→ use a table with the partition key pk')
      },
    )
  })

  test('prints the state of each page and the number of rows read', async () => {
    const { stdout, stderr } = await cliOn(listed, ['list', '--prefix', 'news/'])
    expect(stdout).toMatch(/^fresh +\d+ min +200 +news\/1 +\S+$/m)
    expect(stdout).toMatch(/^stale +\d+ h +200 +news\/2 +\S+$/m)
    expect(stderr).toBe('3 pages in 7 rows\n')
    const some = await cliOn(listed, ['list', '--prefix', 'news/', '--limit', '2'])
    expect(some.stderr).toBe('2 pages in 7 rows; there may be more\n')
  })

  test('reads a table of more than a megabyte to its end', async () => {
    const large = await makeTable()
    const padding = { S: 'x'.repeat(390_000) }
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const key of keys) {
      await publishAged(large, key, 1)
      await writeRow(large, { pk: { S: `CACHE#${key}` }, sk: { S: 'REQ#1' }, padding })
    }
    expect(
      jsonLines(await cliOn(large, ['list', '--json']))
        .map(({ cacheKey }) => cacheKey)
        .sort(),
    ).toEqual(keys)
    expect((await cliOn(large, ['list', '--limit', '1'])).stderr).toMatch(/; there may be more\n$/)
  })

  describe('prints a hint', () => {
    const note = async (tableName: string, ...args: string[]) => (await cliOn(tableName, ['list', ...args])).stderr

    test('with the prefixes in the table when no page has the store’s prefix', async () => {
      const shared = await makeTable()
      for (const key of ['a', 'b']) await publish(storeOf(shared, { pkPrefix: 'v2#' }), key)
      await publish(storeOf(shared, { pkPrefix: 'v3#' }), `long ${'x'.repeat(3_000)}`)
      const hint = await note(shared)
      expect(hint).toMatch(/^0 pages in 3 rows\n/)
      expect(hint).toContain('no page has the prefix "CACHE#"; prefixes in the table: "v2#" (2 pages), "v3#" (1 page)')
    })

    test('with some cache keys when none begins with --prefix', async () => {
      expect(await note(listed, '--prefix', 'nws/')).toMatch(
        /→ no cache key starts with "nws\/"; cache keys are, for example, .*"blog\/1"/,
      )
    })

    test('when the table is empty, has other rows, or has only fresh pages', async () => {
      const empty = await makeTable()
      expect(await note(empty)).toBe(
        '0 pages in 0 rows\n  → the table has no rows; check --table-name, --region and --endpoint\n',
      )
      await writeRow(empty, { pk: { S: 'CACHE#a' }, sk: { S: 'REQ#1' } })
      expect(await note(empty)).toBe('0 pages in 1 row\n  → the table has rows, and none of them is a page\n')
      await publishAged(empty, 'a', 1)
      expect(await note(empty, '--stale')).toBe('0 pages in 2 rows\n  → none of 1 page is stale\n')
    })

    test('only without --json', async () => {
      expect(await note(listed, '--prefix', 'nws/', '--json')).toBe('')
    })
  })
})
