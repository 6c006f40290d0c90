// Files whose read blocks, as on a dead network mount. They delay only the calls that need them, and those no longer than
// operationTimeoutMs.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { elsewhere, folder, keysOf, offline, region, stub } from '../support/elsewhere.js'
import { type Environment, inProcess } from '../support/isolated.js'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }

/** A FIFO without a writer: a thread that opens it to read waits. */
function silentFile(): string {
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  return path
}

interface Files {
  endpoint: string
  secureEndpoint: string
  environment: Environment
}

/** The outcomes of calls of a store that needs the file, and of concurrent calls of a store that does not. */
const callBoth = (files: Files) =>
  inProcess(
    { ...offline, ...region },
    files,
    async ({ FaceTheoryIsrMetaStore }, { endpoint, secureEndpoint, environment }) => {
      const credentials = { accessKeyId: 'AKIDOPTIONS', secretAccessKey: 'secret' }
      const healthy = new FaceTheoryIsrMetaStore('healthy', {
        endpoint,
        credentials,
        region: 'eu-west-1',
        requestTimeoutMs: 10_000,
        operationTimeoutMs: 15_000,
      })
      const isTls = 'NODE_EXTRA_CA_CERTS' in environment || 'AWS_CA_BUNDLE' in environment
      Object.assign(process.env, environment)
      const waiting = new FaceTheoryIsrMetaStore('waiting', {
        endpoint: isTls ? secureEndpoint : endpoint,
        operationTimeoutMs: 1_000,
      })
      const begin = performance.now()
      const given = new Promise<string>((resolve) => setTimeout(() => resolve('never settles'), 12_000).unref())
      const ended = (call: Promise<unknown>): Promise<unknown> =>
        Promise.race([
          call.then(
            () => 'resolved',
            ({ code }) => code,
          ),
          given,
        ])
      const calls = Array.from({ length: 12 }, (_, index) => ended(waiting.get(`key ${index}`)))
      await new Promise((resolve) => setTimeout(resolve, 200))
      const others = await Promise.all(Array.from({ length: 20 }, (_, index) => ended(healthy.get(`key ${index}`))))
      const codes = await Promise.all(calls)
      const elapsedMs = performance.now() - begin
      return { codes: [...new Set(codes)], others: [...new Set(others)], elapsedMs }
    },
  )

const variables: [string, (path: string) => Environment][] = [
  ['AWS_CONFIG_FILE', (path) => ({ AWS_CONFIG_FILE: path })],
  ['AWS_SHARED_CREDENTIALS_FILE', (path) => ({ AWS_SHARED_CREDENTIALS_FILE: path })],
  [
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    (path) => ({ AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/r' }),
  ],
  ['NODE_EXTRA_CA_CERTS', (path) => ({ ...keys, NODE_EXTRA_CA_CERTS: path })],
  ['AWS_CA_BUNDLE', (path) => ({ ...keys, AWS_CA_BUNDLE: path })],
]

describe.skipIf(process.platform === 'win32')('a file whose read blocks', () => {
  test.each(variables)(
    'as %s delays its own calls at most until their deadline, and no others',
    async (_, environment) => {
      const endpoint = elsewhere()
      const files = { endpoint, secureEndpoint: 'https://0.0.0.0:1', environment: environment(silentFile()) }
      const { codes, others, elapsedMs } = await callBoth(files)
      expect(others).toEqual(['resolved'])
      expect(codes).toEqual([expect.stringMatching(/^Err(Timeout|Unavailable)$/)])
      expect(elapsedMs).toBeLessThan(10_000)
      expect(stub.count('Query')).toBe(20)
    },
  )

  test('as AWS_SHARED_CREDENTIALS_FILE is read once, also when no call waits for it any more', async () => {
    const fifo = silentFile()
    const late = { endpoint: elsewhere(), fifo, text: `[default]\n${keysOf('AKIDLATE')}` }
    const env = { ...offline, ...region, AWS_SHARED_CREDENTIALS_FILE: fifo }
    const ends = await inProcess(env, late, async ({ FaceTheoryIsrMetaStore }, { endpoint, fifo, text }) => {
      const store = new FaceTheoryIsrMetaStore('late', { endpoint, operationTimeoutMs: 500 })
      const call = () =>
        store.get('key').then(
          () => 'resolved',
          ({ code }) => code,
        )
      const first = await call()
      // A FIFO gives its contents to one reader. `writeFileSync` returns when that is there.
      process.getBuiltinModule('node:fs').writeFileSync(fifo, text)
      await new Promise((resolve) => setTimeout(resolve, 200))
      return [first, await call(), await call()]
    })
    expect(ends).toEqual(['ErrTimeout', 'resolved', 'resolved'])
  })
})
