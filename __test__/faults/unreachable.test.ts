// An endpoint that cannot be reached: the error names the phase that failed, and says so when nothing was sent. This holds
// for default options too.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

import {
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreOptions,
  type IsrStoreFailure,
} from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { expectCode, rejectionOf, secret } from '../support/failure.js'
import { startBlackHole } from '../support/stub/black-hole.js'
import { closedEndpoint, silence, withStub } from '../support/stub/stub.js'

const failureAt = (endpoint: string, options: FaceTheoryIsrMetaStoreOptions = {}): Promise<IsrStoreFailure> =>
  rejectionOf(() => new FaceTheoryIsrMetaStore('isr', { endpoint, ...secret, ...options }).get('key'))

/** Accepts connections, and sends nothing. */
async function withSilentSocket(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await use((server.address() as AddressInfo).port).finally(() => server.close())
}

const oneAttempt = { requestTimeoutMs: 500, connectTimeoutMs: 500, maxAttempts: 1 }

describe.each<[string, FaceTheoryIsrMetaStoreOptions]>([
  ['default options', {}],
  ['one attempt of half a second', oneAttempt],
])('with %s', (_, options) => {
  test.skipIf(process.platform === 'win32')(
    'a connection that is never accepted causes ErrTimeout, which names the connect phase',
    async () => {
      const hole = await startBlackHole()
      const error = await failureAt(hole.endpoint, options).finally(hole.close)
      expectCode(error, 'ErrTimeout')
      expect(error.message).toMatch(/connect/)
      expect(error.message).toContain('nothing was sent')
    },
  )

  test('a TLS handshake that is never answered causes ErrTimeout, which names the TLS handshake', () =>
    withSilentSocket(async (port) => {
      const error = await failureAt(`https://127.0.0.1:${port}`, options)
      expectCode(error, 'ErrTimeout')
      expect(error.message).toMatch(/TLS/)
      expect(error.message).toContain('nothing was sent')
    }))

  test('a request that is never answered causes ErrTimeout, which names the wait for the answer', () =>
    withStub(
      () => silence,
      async (stub) => {
        const error = await failureAt(stub.endpoint, options)
        expectCode(error, 'ErrTimeout')
        expect(error.message).toMatch(/answer/)
        expect(error.message).not.toContain('nothing was sent')
      },
    ))

  test('a connection that is refused causes ErrUnavailable, which names the connect phase', async () => {
    const error = await failureAt(closedEndpoint, options)
    expectCode(error, 'ErrUnavailable')
    expect(error.message).toMatch(/connect/i)
    expect(error.message).toContain('nothing was sent')
  })
})
