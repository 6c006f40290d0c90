// The store trusts the same authorities as Node.js at an encrypted endpoint. The environment in which it is made decides.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { goodInput } from '../support/hostile/inputs.js'
import { type Environment, inProcess, inWorker } from '../support/isolated.js'
import { succeed, withStub } from '../support/stub/stub.js'
import { startTlsStub, type TlsStub, tlsFile } from '../support/stub/tls.js'

const authority = tlsFile('authority.pem')
const stranger = tlsFile('stranger.pem')

let folder: string
let stub: TlsStub

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isr-'))
})
beforeEach(async () => {
  stub = await startTlsStub('server.pem')
  // A developer's machine may have set these.
  vi.stubEnv('NODE_EXTRA_CA_CERTS', undefined)
  vi.stubEnv('AWS_CA_BUNDLE', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  return stub.close()
})
afterAll(() => rm(folder, { recursive: true }))

interface Ending {
  code: string
  name: string
  retryable: boolean
  message: string
}

interface Calls {
  endpoint: string
  input: typeof goodInput
}

type Task<D, R> = Parameters<typeof inProcess<D, R>>[2]

/** Resolves to the outcome of one call of each method: `null` or an error. */
const callEach: Task<Calls, (Ending | null)[]> = async ({ FaceTheoryIsrMetaStore }, { endpoint, input }) => {
  const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
  const store = new FaceTheoryIsrMetaStore('isr-tls', { endpoint, ...patience })
  const told = ({ code, name, retryable, message }: Ending): Ending => ({ code, name, retryable, message })
  const calls = [
    store.get('key'),
    store.tryAcquireLease({ ...input.tryAcquireLease, cacheKey: 'other key' }),
    store.commitGeneration(input.commitGeneration),
    store.invalidate('key'),
    store.releaseLease(input.releaseLease),
  ]
  return Promise.all(calls.map((call) => call.then(() => null, told)))
}

type Isolated = typeof inProcess

const at = (port: number, scheme = 'https', host = '127.0.0.1'): Calls => ({
  endpoint: `${scheme}://${host}:${port}`,
  input: goodInput,
})

/** Expects that each method rejects with `code` and this message, except a release, which never rejects. */
async function expectEach(endings: Promise<(Ending | null)[]>, code: string, says: RegExp): Promise<void> {
  const [released, ...others] = (await endings).toReversed()
  expect(released).toBeNull()
  const unavailable = code === 'ErrUnavailable'
  const name = unavailable ? 'IsrStoreUnavailableError' : 'IsrStoreConfigError'
  const failure = { code, name, retryable: unavailable, message: expect.stringMatching(says) }
  expect(others).toEqual([failure, failure, failure, failure])
  for (const ending of others) expect(ending?.message).not.toContain('bug')
}

async function expectRefused(isolated: Isolated, environment: Environment): Promise<void> {
  await expectEach(isolated(environment, at(stub.port), callEach), 'ErrUnavailable', /certificate/)
  expect(stub.accepted()).toBeGreaterThan(0)
  expect(stub.operations()).toEqual([])
}

const withoutSystem = { SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' }

describe.each<[string, Isolated]>([
  ['a process', inProcess],
  ['a worker', inWorker],
])('in %s', (_, isolated) => {
  test.each<[string, Environment]>([
    ['NODE_EXTRA_CA_CERTS names it', { NODE_EXTRA_CA_CERTS: authority }],
    ['AWS_CA_BUNDLE names it', { AWS_CA_BUNDLE: authority }],
    ['both name it', { NODE_EXTRA_CA_CERTS: authority, AWS_CA_BUNDLE: authority }],
    ['NODE_EXTRA_CA_CERTS adds it to AWS_CA_BUNDLE', { NODE_EXTRA_CA_CERTS: authority, AWS_CA_BUNDLE: stranger }],
    ['AWS_CA_BUNDLE names it, and the system has no certificates', { AWS_CA_BUNDLE: authority, ...withoutSystem }],
    [
      'NODE_EXTRA_CA_CERTS names it, and the system has no certificates',
      { NODE_EXTRA_CA_CERTS: authority, ...withoutSystem },
    ],
  ])('an authority is trusted when %s', async (_, environment) => {
    expect(await isolated(environment, at(stub.port), callEach)).toEqual([null, null, null, null, null])
    const transactions = ['TransactWriteItems', 'TransactWriteItems']
    expect(stub.operations().toSorted()).toEqual(['DeleteItem', 'GetItem', 'PutItem', 'Query', ...transactions])
  })

  test.each<[string, Environment]>([
    ['no variable names it', {}],
    ['the variables are blank', { NODE_EXTRA_CA_CERTS: '', AWS_CA_BUNDLE: ' ' }],
    ['the variables name others', { NODE_EXTRA_CA_CERTS: stranger, AWS_CA_BUNDLE: stranger }],
    ['only the system trusts it', { SSL_CERT_FILE: authority, SSL_CERT_DIR: tlsFile('.') }],
    ['the system has no certificates', withoutSystem],
  ])('an authority is not trusted when %s: ErrUnavailable, and nothing is sent', (_, environment) =>
    expectRefused(isolated, environment),
  )

  test('an AWS_CA_BUNDLE without usable certificates is ErrConfig, which names the file, and no connection is made', async () => {
    const broken = join(folder, 'broken.pem')
    await writeFile(
      broken,
      `${await readFile(authority, 'utf8')}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    )
    const files = [join(folder, 'missing.pem'), folder, devNull, tlsFile('make.sh'), tlsFile('server.key'), broken]
    for (const file of files) {
      const endings = isolated({ AWS_CA_BUNDLE: file }, at(stub.port), callEach)
      await expectEach(endings, 'ErrConfig', new RegExp(`AWS_CA_BUNDLE .*"${file}"`))
    }
    expect(stub.accepted()).toBe(0)
  })

  test('a store uses the variables as they were when it was made', async () => {
    const codes = await isolated({}, { ...at(stub.port), authority }, async (isr, { endpoint, authority }) => {
      const told = ({ code }: { code: string }): string => code
      const make = () => new isr.FaceTheoryIsrMetaStore('isr-tls', { endpoint, operationTimeoutMs: 20_000 })
      const before = make()
      process.env.NODE_EXTRA_CA_CERTS = authority
      const between = make()
      process.env.AWS_CA_BUNDLE = '/nonexistent'
      return Promise.all([before, between, make()].map((store) => store.get('key').catch(told)))
    })
    expect(codes).toEqual(['ErrUnavailable', null, 'ErrConfig'])
  })
})

test('a worker ignores the variables of the process, valid or not', async () => {
  for (const file of [authority, '/nonexistent']) {
    vi.stubEnv('NODE_EXTRA_CA_CERTS', file)
    vi.stubEnv('AWS_CA_BUNDLE', file)
    await expectRefused(inWorker, {})
    expect(await inWorker({ AWS_CA_BUNDLE: authority }, at(stub.port), callEach)).toEqual(Array(5).fill(null))
    await stub.close()
    stub = await startTlsStub('server.pem')
  }
})

test('a file can have many certificates, with comments and line ends of any kind', async () => {
  const bundle = join(folder, 'bundle.pem')
  const [first, second] = await Promise.all([stranger, authority].map((file) => readFile(file, 'utf8')))
  await writeFile(bundle, `# Strangers\n${first}\n\n# Tests\n${second}${second}`.replaceAll('\n', '\r\n'))
  expect(await inProcess({ AWS_CA_BUNDLE: bundle }, at(stub.port), callEach)).toEqual(Array(5).fill(null))
})

test('a file that could not be read is read again at the next call', async () => {
  const late = join(folder, 'late.pem')
  const outcomes = await inProcess(
    { AWS_CA_BUNDLE: late },
    { ...at(stub.port), late, authority },
    async ({ FaceTheoryIsrMetaStore }, { endpoint, late, authority }) => {
      const store = new FaceTheoryIsrMetaStore('isr-tls', { endpoint, operationTimeoutMs: 20_000 })
      const told = ({ code }: { code: string }): string => code
      const before = await store.get('key').catch(told)
      process.getBuiltinModule('node:fs').copyFileSync(authority, late)
      return [before, await store.get('key').catch(told)]
    },
  )
  expect(outcomes).toEqual(['ErrConfig', null])
})

test('an endpoint can have a host name', async () => {
  const named = at(stub.port, 'https', 'localhost')
  expect(await inProcess({ AWS_CA_BUNDLE: authority }, named, callEach)).toEqual(Array(5).fill(null))
})

test.each([
  ['has expired', 'expired.pem'],
  ['is for another name', 'elsewhere.pem'],
])('a certificate that %s is refused, even if a trusted authority signed it', async (_, certificate) => {
  await stub.close()
  stub = await startTlsStub(certificate)
  await expectRefused(inProcess, { AWS_CA_BUNDLE: authority })
})

test('a store at a plain endpoint reads no certificates', () =>
  withStub(succeed, async ({ endpoint, operations }) => {
    const environment = { NODE_EXTRA_CA_CERTS: '/nonexistent', AWS_CA_BUNDLE: '/nonexistent' }
    expect(await inProcess(environment, { endpoint, input: goodInput }, callEach)).toEqual(Array(5).fill(null))
    expect(operations()).toHaveLength(6)
  }))

test('https at a plain port is ErrUnavailable', () =>
  withStub(succeed, async ({ endpoint, requests }) => {
    const plain = at(Number(new URL(endpoint).port))
    await expectEach(inProcess({}, plain, callEach), 'ErrUnavailable', /the TLS handshake .*failed.*nothing was sent/)
    expect(requests).toEqual([])
  }))

test('http at an encrypted port is ErrUnavailable', async () => {
  await expectEach(inProcess({}, at(stub.port, 'http'), callEach), 'ErrUnavailable', /the connection to .* broke/)
  expect(stub.operations()).toEqual([])
})
