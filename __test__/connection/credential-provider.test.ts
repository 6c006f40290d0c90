// `options.credentials` as a function: a credential provider, as clients of the AWS SDK for JavaScript take it.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type {
  FaceTheoryIsrMetaStoreCredentialProvider,
  FaceTheoryIsrMetaStoreCredentials,
} from '@theory-cloud/tabletheory-isr'
import { beforeEach, describe, expect, test, vi } from 'vitest'

import { signers, stub } from '../support/elsewhere.js'
import { expectCode, rejectionOf } from '../support/failure.js'
import { fault, storeAt, succeed } from '../support/stub/stub.js'

const keys = (accessKeyId: string, more: Partial<FaceTheoryIsrMetaStoreCredentials> = {}) => ({
  accessKeyId,
  secretAccessKey: 'secret',
  ...more,
})

/** A store whose provider gives one of these answers after the other, and the arguments of each question. */
function storeWith(...answers: (() => unknown)[]) {
  const questions: unknown[][] = []
  const provider = (...question: unknown[]) => {
    const answer = answers[Math.min(questions.length, answers.length - 1)]
    questions.push(question)
    return answer?.()
  }
  const credentials = provider as FaceTheoryIsrMetaStoreCredentialProvider
  return { store: storeAt(stub, { region: 'eu-west-1', credentials }), questions }
}

const inMs = (ms: number): Date => new Date(Date.now() + ms)

describe('a provider of the AWS SDK for JavaScript', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDSDK')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'token of the SDK')
  })
  const ofSdk = (): FaceTheoryIsrMetaStoreCredentialProvider =>
    new DynamoDBClient({ region: 'eu-west-1' }).config.credentials

  test('signs requests as it is', async () => {
    await storeAt(stub, { region: 'eu-west-1', credentials: ofSdk() }).get('key')
    expect(signers()).toEqual(['AKIDSDK'])
    expect(stub.requests[0]?.headers['x-amz-security-token']).toBe('token of the SDK')
  })

  test('signs requests by its answer as an object', async () => {
    const credentials = await ofSdk()()
    await storeAt(stub, { region: 'eu-west-1', credentials }).get('key')
    expect(signers()).toEqual(['AKIDSDK'])
  })
})

describe('the answer of a provider', () => {
  test.each<[string, () => unknown]>([
    ['a promise', async () => keys('AKID')],
    ['an object', () => keys('AKID')],
    // biome-ignore lint/suspicious/noThenProperty: the test is about an object with this method
    ['an object with a then method', () => ({ then: (resolve: (value: unknown) => void) => resolve(keys('AKID')) })],
    ['a promise of null for optional members', async () => ({ ...keys('AKID'), sessionToken: null, expiration: null })],
    [
      'a promise of further members',
      async () => ({ ...keys('AKID'), $source: {}, accountId: '123456789012', more: 1 }),
    ],
  ])('signs requests when it is %s', async (_, answer) => {
    const { store } = storeWith(answer)
    await store.get('key')
    expect(signers()).toEqual(['AKID'])
  })

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'credentials must be an object'],
    ['a misspelt member', { ...keys('AKID'), sessiontoken: 'secret' }, 'unknown property credentials.sessiontoken'],
    ['no secret', { accessKeyId: 'AKID' }, 'credentials.secretAccessKey'],
    ['an empty key', keys(''), 'credentials.accessKeyId'],
    ['a string as expiration', { ...keys('AKID'), expiration: '2030-01-01' }, 'credentials.expiration'],
    ['an account of another form', { ...keys('AKID'), accountId: '12' }, 'credentials.accountId must have 12 digits'],
  ])('rejects the call with ErrCredentials, and sends nothing, when it is %s', async (_, answer, message) => {
    const { store } = storeWith(async () => answer)
    const error = await rejectionOf(() => store.get('key'))
    expectCode(error, 'ErrCredentials')
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('"secret"')
    expect(stub.requests).toEqual([])
  })
})

describe('a value that a provider throws', () => {
  const thrown: [string, unknown][] = [
    ['an error', new Error('from the app')],
    ['an object', { reason: 'from the app' }],
    ['a string', 'from the app'],
    ['a number', 42],
    ['undefined', undefined],
  ]
  test.each(thrown)('is the cause of ErrCredentials: %s', async (_, value) => {
    const throws = () => {
      throw value
    }
    for (const answer of [throws, async () => throws()]) {
      const error = await rejectionOf(() => storeWith(answer).store.get('key'))
      expectCode(error, 'ErrCredentials')
      expect(error).toHaveProperty('cause')
      expect(error.cause).toBe(value)
    }
    expect(stub.requests).toEqual([])
  })
})

describe('a provider is asked', () => {
  test('once for concurrent calls, and without arguments', async () => {
    const { store, questions } = storeWith(async () => keys('AKID'))
    await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)))
    await store.get('d')
    expect(questions).toEqual([[]])
  })

  test('again after a failure', async () => {
    const { store, questions } = storeWith(
      () => Promise.reject(new Error('not yet')),
      async () => keys('AKID'),
    )
    expectCode(await rejectionOf(() => store.get('key')), 'ErrCredentials')
    await store.get('key')
    expect([questions, signers()]).toEqual([[[], []], ['AKID']])
  })

  test('for new credentials before the old ones expire, one question at a time', async () => {
    let open = 0
    let most = 0
    const answer = (name: string, lifetimeMs: number) => async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 50))
      open--
      return keys(name, { expiration: inMs(lifetimeMs) })
    }
    const { store, questions } = storeWith(answer('AKIDOLD', 60_000), answer('AKIDNEW', 3_600_000))
    await store.get('key')
    await vi.waitFor(
      async () => {
        await store.get('key')
        expect(signers().at(-1)).toBe('AKIDNEW')
      },
      { timeout: 20_000, interval: 100 },
    )
    expect(questions).toEqual([[], [{ forceRefresh: true }]])
    expect(most).toBe(1)
  })

  test('once more in the call whose credentials DynamoDB refuses as expired', async () => {
    stub.play((request, index) =>
      index === 0 ? fault('ExpiredTokenException', 'The security token is expired') : succeed(request, index),
    )
    const { store, questions } = storeWith(
      async () => keys('AKIDOLD'),
      async () => keys('AKIDNEW'),
    )
    await store.get('key')
    expect(signers()).toEqual(['AKIDOLD', 'AKIDNEW'])
    expect(questions).toEqual([[], [{ forceRefresh: true }]])
  })
})
