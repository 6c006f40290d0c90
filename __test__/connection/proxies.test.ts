// Proxies from the variables that the AWS CLI reads. The proxy in these tests is real: it tunnels, checks a password, and takes
// whole addresses.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type Environment, inProcess } from '../support/isolated.js'
import { type HttpProxy, startProxy } from '../support/stub/http-proxy.js'
import { type Stub, startStub, succeed, withStub } from '../support/stub/stub.js'
import { startTlsStub, type TlsStub, tlsFile } from '../support/stub/tls.js'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDPROXY', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' }
const aws = 'dynamodb.eu-west-1.amazonaws.com'

/** Resolves to the outcome of a call, at AWS's own endpoint if none is given. */
const callAt = (environment: Environment, endpoint?: string) =>
  inProcess({ ...keys, ...environment }, { endpoint }, async ({ FaceTheoryIsrMetaStore }, { endpoint }) => {
    const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000, maxAttempts: 1 }
    const store = new FaceTheoryIsrMetaStore('isr-proxy', endpoint ? { endpoint, ...patience } : patience)
    return store.get('key').then(
      () => null,
      ({ code, message }) => ({ code, message }),
    )
  })

describe('an encrypted endpoint', () => {
  let stub: TlsStub
  let proxy: HttpProxy

  beforeEach(async () => {
    stub = await startTlsStub('elsewhere.pem')
    proxy = await startProxy(() => stub.port, 'me:p@ss:word')
  })
  afterEach(async () => {
    proxy.close()
    await stub.close()
  })

  const trust = { NODE_EXTRA_CA_CERTS: tlsFile('authority.pem') }
  const address = (user = 'me:p%40ss%3Aword@'): string => `http://${user}127.0.0.1:${proxy.port}`

  test.each(['HTTPS_PROXY', 'https_proxy'])('is reached through a tunnel of %s, with its password', async (name) => {
    expect(await callAt({ ...trust, [name]: address() })).toBeNull()
    expect(proxy.requests).toEqual([`CONNECT ${aws}:443`])
    expect(stub.operations()).toEqual(['Query'])
  })

  test('is reached through the lower-case variable if both are set', async () => {
    expect(await callAt({ ...trust, HTTPS_PROXY: 'http://127.0.0.1:1', https_proxy: address() })).toBeNull()
  })

  test.each([
    ['no password', ''],
    ['a wrong password', 'me:wrong@'],
  ])('is not reached with %s: ErrUnavailable says so, without the password', async (_, user) => {
    const error = await callAt({ ...trust, HTTPS_PROXY: address(user) })
    expect(error?.code).toBe('ErrUnavailable')
    expect(error?.message).toMatch(/the proxy .*HTTP status 407.*nothing was sent/)
    expect(error?.message).not.toContain('wrong')
    expect(stub.operations()).toEqual([])
  })

  test.each(['socks5://me:secret@127.0.0.1:1', 'http://'])(
    'is not reached through %s: ErrConfig names the variable, without the password',
    async (value) => {
      const error = await callAt({ ...trust, HTTPS_PROXY: value })
      expect(error?.code).toBe('ErrConfig')
      expect(error?.message).toContain('HTTPS_PROXY is not the address of a proxy')
      expect(error?.message).not.toContain('secret')
    },
  )

  test('is not reached through a proxy that does not answer: the error names the proxy', async () => {
    const error = await callAt({ ...trust, HTTPS_PROXY: 'http://127.0.0.1:1' })
    expect(error?.code).toBe('ErrUnavailable')
    expect(error?.message).toMatch(/the proxy 127\.0\.0\.1:1.*nothing was sent/)
  })
})

describe('a plain endpoint', () => {
  let stub: Stub
  let proxy: HttpProxy

  beforeEach(async () => {
    stub = await startStub()
    stub.play(succeed)
    proxy = await startProxy(() => Number(new URL(stub.endpoint).port))
  })
  afterEach(async () => {
    proxy.close()
    await stub.close()
  })

  const address = (): string => `127.0.0.1:${proxy.port}`

  test('is requested by its whole address through HTTP_PROXY', async () => {
    expect(await callAt({ HTTP_PROXY: address() }, 'http://db.test:8000')).toBeNull()
    expect(proxy.requests).toEqual(['POST http://db.test:8000/'])
    expect(stub.requests[0]?.headers.host).toBe('db.test:8000')
  })

  test('is reached without a proxy if NO_PROXY names it', async () => {
    for (const no of ['*', 'db.invalid', '.invalid', 'invalid', 'other.test, db.invalid:8000']) {
      const error = await callAt({ HTTP_PROXY: address(), NO_PROXY: no }, 'http://db.invalid:8000')
      expect([no, error?.code, error?.message]).toEqual([no, 'ErrUnavailable', expect.stringMatching(/lookup/)])
    }
    expect(proxy.requests).toEqual([])
  })

  test('on the loopback interface is never reached through a proxy', () =>
    withStub(succeed, async ({ endpoint, count }) => {
      expect(await callAt({ HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' }, endpoint)).toBeNull()
      expect(count('Query')).toBe(1)
    }))
})
