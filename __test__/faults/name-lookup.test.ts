// Name lookups that hang, fail or are slow, and names with some dead addresses.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { folder, stub } from '../support/elsewhere.js'
import { inProcess } from '../support/isolated.js'
import { preloadable } from '../support/preload.js'
import { startBlackHole } from '../support/stub/black-hole.js'

const library = preloadable('getaddrinfo')
const keys = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }

const log = (): string => join(folder, 'lookups.log')
const environment = () => ({ ...keys, LD_PRELOAD: library ?? '', LOOKUP_LOG: log() })
const lookups = async (): Promise<string[]> => (await readFile(log(), 'utf8')).split('\n').filter(Boolean)
const port = (): number => Number(new URL(stub.endpoint).port)

describe.skipIf(library === null)('a name lookup', () => {
  test('that hangs delays no other store, and the errors of its own calls name the lookup', async () => {
    const { others, own } = await inProcess(environment(), port(), async ({ FaceTheoryIsrMetaStore }, port) => {
      const told = (call: Promise<unknown>) =>
        call.then(
          () => 'resolved',
          ({ code, message }) => `${code}: ${message}`,
        )
      const hanging = Array.from(
        { length: 4 },
        (_, index) =>
          new FaceTheoryIsrMetaStore('hanging', {
            endpoint: `http://hangs${index % 2}.test:${port}`,
            operationTimeoutMs: 4_000,
          }),
      )
      const own = hanging.flatMap((store) => Array.from({ length: 8 }, (_, index) => told(store.get(`key ${index}`))))
      await new Promise((resolve) => setTimeout(resolve, 300))
      const limits = { connectTimeoutMs: 3_000, requestTimeoutMs: 10_000, operationTimeoutMs: 15_000 }
      const healthy = new FaceTheoryIsrMetaStore('healthy', { endpoint: `http://good.test:${port}`, ...limits })
      const others = await Promise.all(Array.from({ length: 20 }, (_, index) => told(healthy.get(`key ${index}`))))
      const result = { others: [...new Set(others)], own: [...new Set(await Promise.all(own))] }
      // Threads that hang in libc must not keep the process alive.
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20_000).unref()
      return result
    })
    expect(others).toEqual(['resolved'])
    for (const message of own) expect(message).toMatch(/^ErrTimeout: .*\b(look|name)/)
    expect(own.join()).toMatch(/nothing was sent/)
  })

  test('is shared by concurrent calls, and its result is reused for a short time', async () => {
    const ends = await inProcess(environment(), port(), async ({ FaceTheoryIsrMetaStore }, port) => {
      const limits = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
      const store = new FaceTheoryIsrMetaStore('slow', { endpoint: `http://slow.test:${port}`, ...limits })
      const call = (index: number) =>
        store.get(`key ${index}`).then(
          () => 'resolved',
          ({ message }) => message,
        )
      const first = await Promise.all(Array.from({ length: 30 }, (_, index) => call(index)))
      const then = await Promise.all(Array.from({ length: 50 }, (_, index) => call(index)))
      return [...new Set([...first, ...then])]
    })
    expect(ends).toEqual(['resolved'])
    expect(await lookups()).toEqual(['slow.test'])
  })

  test('that does not find the name makes the call reject with ErrUnavailable, which names the lookup', async () => {
    const { code, message } = await inProcess(environment(), port(), async ({ FaceTheoryIsrMetaStore }, port) => {
      const store = new FaceTheoryIsrMetaStore('missing', { endpoint: `http://missing.test:${port}` })
      const told = ({ code, message }: { code: string; message: string }) => ({ code, message })
      return store.get('key').then(() => ({ code: 'resolved', message: '' }), told)
    })
    expect(code).toBe('ErrUnavailable')
    expect(message).toMatch(/look/)
    expect(message).toContain('nothing was sent')
  })

  test('that returns two dead addresses before a live one makes no call fail', async () => {
    const dead = await Promise.all([startBlackHole('127.0.0.2', port()), startBlackHole('127.0.0.3', port())])
    const ends = await inProcess(environment(), port(), async ({ FaceTheoryIsrMetaStore }, port) => {
      // connectTimeoutMs is not above its default, and long enough for an address that answers.
      const limits = { connectTimeoutMs: 1_000, requestTimeoutMs: 10_000, operationTimeoutMs: 15_000 }
      const store = new FaceTheoryIsrMetaStore('holes', { endpoint: `http://holes.test:${port}`, ...limits })
      const call = (index: number) =>
        store.get(`key ${index}`).then(
          () => 'resolved',
          ({ message }) => message,
        )
      return Promise.all(Array.from({ length: 5 }, (_, index) => call(index)))
    }).finally(() => Promise.all(dead.map((hole) => hole.close())))
    expect(ends).toEqual(Array(5).fill('resolved'))
  })
})
