// inspect on DynamoDB Local: both rows of a key, as text and as JSON.
import { beforeAll, describe, expect, test } from 'vitest'

import { cliOn, jsonLines } from '../support/cli.js'
import { publish } from '../support/rows.js'
import { makeTable, newKey, storeOf, writeRow } from '../support/store.js'

let table: string
beforeAll(async () => {
  table = await makeTable()
})
const run = (...args: string[]) => cliOn(table, args)
const now = Date.now()

describe('inspect', () => {
  test('shows the page and the lease with relative times, and only the beginning of the token', async () => {
    const cacheKey = newKey()
    await publish(storeOf(table), cacheKey, { generatedAt: now - 600_000, revalidateSeconds: 60 })
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
          owner: 'renderer-1',
          token: `${leaseToken?.slice(0, 8)}…`,
          expiresAt: now + 3_600_000,
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

  test('reports an unusable row and shows all its attributes as stored', async () => {
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
    expect((await run('inspect', cacheKey)).stdout).toMatch(/page +the row is unusable and counts as absent/)
    const [{ rows, page }] = jsonLines(await run('inspect', cacheKey, '--json'))
    expect({ rows, page }).toEqual({
      rows: { META: { ...row, odd: { L: [...odd.L.slice(0, 1), { BS: ['Yg=='] }, ...odd.L.slice(2)] } }, LOCK: null },
      page: null,
    })
  })

  test('reports an implausible lease, which another owner can acquire', async () => {
    const cacheKey = newKey()
    const expiry = { lease_expires_at: { N: String(now) }, lease_token: { S: 'token' }, lease_owner: { S: 'other' } }
    await writeRow(table, { pk: { S: `CACHE#${cacheKey}` }, sk: { S: 'LOCK' }, ...expiry })
    expect((await run('inspect', cacheKey)).stdout).toContain('implausibly far ahead; the lease is free')
    expect(jsonLines(await run('inspect', cacheKey, '--json'))[0].lease).toMatchObject({ state: 'implausible' })
    const request = {
      cacheKey,
      leaseOwner: 'me',
      nowMs: now - 60_000,
      leaseDurationMs: 1_000,
      fallbackRevalidateSeconds: 1,
    }
    expect(await storeOf(table).tryAcquireLease(request)).toMatchObject({ acquired: true })
    const expired = await run('inspect', cacheKey)
    expect(expired.stdout).toMatch(/^expired .*; the lease is free$/m)
  })

  test('exits with 3 and prints a fix for a key without rows', async () => {
    expect(await run('inspect', newKey())).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('→ check the key and --pk-prefix'),
    })
  })
})
