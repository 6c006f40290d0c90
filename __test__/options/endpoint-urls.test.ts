// An endpoint is a URL of the URL standard. The store refuses a text that `new URL` refuses, and reads a host as `new URL`
// does.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test, vi } from 'vitest'

import { expectRefused, thrownBy } from '../support/failure.js'
import { closedEndpoint, succeed, withStub } from '../support/stub/stub.js'

const make = (endpoint: string): FaceTheoryIsrMetaStore => new FaceTheoryIsrMetaStore('isr', { endpoint })

const isUrl = (text: string): boolean => URL.canParse(text)

describe('an endpoint that the URL standard refuses', () => {
  test.each([
    'http://.0',
    'http://1.2.3.4.5',
    'http://1.2.3.256',
    'http://256.256.256.256',
    'http://host.0x',
    'http://host.1e',
    'http://host.09',
    'http://exa mple.com',
    'http://exa%mple.com',
    'http://ex%00ample.com',
    'http://%zz',
    'http://host:port',
    'http://host:65536',
    'http://[::1',
    'http://[::1]x',
    'http://[:::]',
    'http://[1::2::3]',
    'http://ho<st',
    'http://ho^st',
    'http://ho|st',
    'http://xn--a',
    'http://\u00ad',
    'http://',
    'http:///',
    'https://:8000',
  ])('is refused: %s', (endpoint) => {
    // Some of them, such as "http://host.1e", are valid in some versions of Node.js, and make a store there.
    if (isUrl(endpoint) && new URL(endpoint).hostname !== '') {
      make(endpoint)
      return
    }
    const error = thrownBy(() => make(endpoint))
    expectRefused(error, error instanceof RangeError ? RangeError : TypeError, endpoint)
    expect(error.message).toContain('endpoint')
  })
})

describe('a host that the URL standard reads as the loopback interface', () => {
  test.each([
    ['an address in hexadecimal', '0x7f000001'],
    ['an address with an octal part', '0177.0.0.1'],
    ['an address of two parts', '127.1'],
    ['an address as one number', '2130706433'],
    ['an address with a percent sign', '%3127.0.0.1'],
    ['full-width digits', '１２７.0.0.1'],
    ['capital letters', 'LOCALHOST'],
    ['an encoded letter', 'l%6Fcalhost'],
    ['an ideographic full stop', '127。0.0.1'],
  ])('is reached, and gets dummy credentials: %s', (_, host) =>
    withStub(succeed, async (stub) => {
      const url = new URL(`http://${host}:${new URL(stub.endpoint).port}`)
      // The URL standard may read some of them as other addresses, which this test leaves out.
      if (!['127.0.0.1', 'localhost'].includes(url.hostname)) return
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
      const store = new FaceTheoryIsrMetaStore('isr', {
        endpoint: `http://${host}:${url.port}`,
        requestTimeoutMs: 10_000,
        operationTimeoutMs: 20_000,
      })
      expect(await store.get('key')).toBeNull()
      expect(stub.requests[0]?.headers.host).toBe(url.host)
      vi.unstubAllEnvs()
    }),
  )
})

describe('an endpoint that the URL standard accepts', () => {
  test.each([
    'HTTP://localhost:8000',
    'http://localhost:8000/',
    ' http://localhost:8000 ',
    'http://localhost:',
    'http://127.0.0.1:08000',
    'http://bücher.example',
    'http://xn--bcher-kva.example',
    'http://[::1]:8000',
    'http://[::ffff:127.0.0.1]:8000',
    'http://a_b.example',
    'https://vpce-1234.dynamodb.eu-west-1.vpce.amazonaws.com',
    closedEndpoint,
  ])('makes a store: %s', (endpoint) => {
    expect(isUrl(endpoint)).toBe(true)
    expect(make(endpoint)).toBeInstanceOf(FaceTheoryIsrMetaStore)
  })
})
