// Credentials and lease tokens never appear in an error: not in its message, its stack, its properties or its causes.
import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { release, reporting } from '../support/calls.js'
import { expectCode, expectNoSecret, expectRefused, rejectionOf, secret, thrownBy } from '../support/failure.js'
import { goodInput, hostile } from '../support/hostile/inputs.js'
import { printed } from '../support/printed.mjs'
import {
  type Answer,
  answersOf,
  cancelled,
  closedEndpoint,
  fault,
  halfAnAnswer,
  hangUp,
  html,
  silence,
  storeAt,
  succeed,
  withStub,
} from '../support/stub/stub.js'

const { credentials, leaseToken } = secret

afterEach(() => {
  vi.unstubAllEnvs()
})

const faults: [string, Answer][] = [
  ['expired credentials', fault('ExpiredTokenException')],
  ['a wrong signature', fault('InvalidSignatureException')],
  ['a missing permission', fault('AccessDeniedException')],
  ['throttling', fault('ThrottlingException')],
  ['a server error', fault('InternalServerError', 'oops', 500)],
  ['a cancelled transaction', cancelled('ValidationError', 'None')],
  ['HTML', html(403)],
  ['a broken connection', hangUp],
  ['no answer', silence],
  ['half an answer', halfAnAnswer],
]

describe.concurrent.each(reporting)('$method', ({ operation, run }) => {
  const limits = { requestTimeoutMs: 300, maxAttempts: 2 }

  test.each(faults)('keeps secrets out of its error after %s', (_, answer) =>
    withStub(answersOf(operation, answer), async (stub) => {
      const store = storeAt(stub, { credentials, leaseToken, ...limits })
      const outcome = await run(store, 'key').then(
        () => null,
        (error: unknown) => error,
      )
      if (outcome === null) throw new Error('the fault was not reported')
      expectNoSecret(outcome)
    }),
  )

  test('keeps secrets out of its error when the endpoint refuses the connection', async () => {
    const store = new FaceTheoryIsrMetaStore('isr', { endpoint: closedEndpoint, credentials, leaseToken })
    expectNoSecret(await rejectionOf(() => run(store, 'key')))
  })
})

const inNoHeader: [string, string][] = [
  ['a line break', 'CANARY\r\nx-injected: 1'],
  ['a null character', 'CANARY\0CANARY'],
]

test.each(inNoHeader)('credentials with %s, which a header cannot hold, are refused at once', (_, broken) => {
  for (const name of ['accessKeyId', 'sessionToken']) {
    const options = { endpoint: closedEndpoint, credentials: { ...credentials, [name]: broken } }
    const error = thrownBy(() => new FaceTheoryIsrMetaStore('isr', options))
    expectRefused(error, RangeError, name)
    expect(error.message).toContain(name)
    expectNoSecret(error)
  }
})

test.each(inNoHeader)('credentials of the environment with %s cause ErrCredentials, and nothing is sent', (_, broken) =>
  withStub(succeed, async (stub) => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN']) {
      vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
      vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken)
      // The environment cuts a value at a null character.
      vi.stubEnv(name, broken.replaceAll('\0', '\x01'))
      const store = storeAt(stub)
      expect(await release.run(store, 'key'), name).toBeUndefined()
      for (const { run } of reporting) {
        const error = await rejectionOf(() => run(store, 'key'))
        expectNoSecret(error)
        expectCode(error, 'ErrCredentials')
      }
    }
    expect(stub.requests).toEqual([])
  }),
)

test('a commit keeps its lease token out of its error', () =>
  withStub(answersOf('TransactWriteItems', cancelled('ConditionalCheckFailed', 'None')), async (stub) => {
    const store = storeAt(stub)
    for (const leaseToken of ['CANARY', 'CANARY\ud800']) {
      expectNoSecret(await rejectionOf(() => store.commitGeneration({ ...goodInput.commitGeneration, leaseToken })))
    }
  }))

test('get keeps credentials of the environment out of its error', () =>
  withStub(answersOf('Query', fault('ExpiredTokenException')), async (stub) => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
    vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken)
    const error = await rejectionOf(() => storeAt(stub).get('key'))
    expect(stub.requests[0]?.headers['x-amz-security-token']).toBe(credentials.sessionToken)
    expectNoSecret(error)
  }))

test('the constructor keeps secrets out of its error', () => {
  const wrong: Record<string, unknown>[] = [
    { credentials: { ...credentials, accessKeyId: 1 } },
    { credentials: { ...credentials, accessKeyId: '' } },
    { credentials: { ...credentials, sessionToken: ['CANARY'] } },
    { credentials: { ...credentials, secretAccessKey: { toString: () => 'CANARY' } } },
    { credentials: { ...credentials, secretAccessKey: 'CANARY\ud800' } },
    { credentials: 'CANARY' },
    { endpoint: 'https://user:CANARY@host' },
    { endpoint: 'https://host?token=CANARY' },
    { credentials, maxAttempts: 0 },
    { credentials, pkPrefx: 'CANARY' },
  ]
  for (const options of wrong) {
    expectNoSecret(thrownBy(() => new FaceTheoryIsrMetaStore('isr', hostile<FaceTheoryIsrMetaStoreOptions>(options))))
  }
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://user:CANARY@host')
  expectNoSecret(thrownBy(() => new FaceTheoryIsrMetaStore('isr')))
})

test('a printed store does not show its credentials', () => {
  const store = new FaceTheoryIsrMetaStore('isr', { endpoint: closedEndpoint, credentials })
  expect(`${printed(store)} ${JSON.stringify(store)} ${String(store)}`).not.toContain('CANARY')
})
