// Messages of refusals and failures: they name a field by its whole path, and escape control characters.
import {
  createFaceTheoryIsrMetaStore,
  FaceTheoryIsrMetaStore,
  type FaceTheoryIsrMetaStoreOptions,
  type IsrStoreFailure,
} from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { acquire, commit, get, invalidate } from '../support/calls.js'
import { expectInvalid, expectRefused, rejectionOf, thrownBy } from '../support/failure.js'
import { goodInput, hostile } from '../support/hostile/inputs.js'
import { cancelled, closedEndpoint, storeAt, withStub } from '../support/stub/stub.js'

const options = { endpoint: closedEndpoint, region: 'eu-west-1' }
const make = (more: unknown): unknown => new FaceTheoryIsrMetaStore('isr', hostile<FaceTheoryIsrMetaStoreOptions>(more))
const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

describe('a refused field of an input', () => {
  test.each<[string, unknown]>([
    ['strictCspPolicy.inlineScripts', { inlineScripts: true }],
    ['strictCspPolicy.inlineStyles', { inlineStyles: 'false' }],
    [
      'strictCspPolicy.inlineStyles',
      {
        get inlineStyles() {
          throw new Error('of the getter')
        },
      },
    ],
  ])('is named by its whole path, %s', async (path, strictCspPolicy) => {
    const store = new FaceTheoryIsrMetaStore('isr', options)
    const input = { ...goodInput.commitGeneration, strictCspPolicy: hostile<null>(strictCspPolicy) }
    const error = await rejectionOf(() => store.commitGeneration(input))
    expectInvalid(error, path)
    expect(error.message).toContain(path)
  })
})

describe('refused credentials', () => {
  test.each<[string, object]>([
    ['credentials.secretAccessKey', { accessKeyId: 'AKID', secretAccessKey: 1 }],
    ['credentials.secretAccessKey', { accessKeyId: 'AKID' }],
    ['credentials.accessKeyId', { ...keys, accessKeyId: null }],
    ['credentials.sessionToken', { ...keys, sessionToken: {} }],
    ['credentials.sessiontoken', { ...keys, sessiontoken: 'token' }],
    ['credentials.SecretAccessKey', { ...keys, SecretAccessKey: 'secret' }],
    ['credentials.region', { ...keys, region: 'eu-west-1' }],
  ])('are named by the whole path, %s', (path, credentials) => {
    const error = thrownBy(() => make({ ...options, credentials }))
    expectRefused(error, TypeError, path)
    expect(error.message).toContain(path)
    expect(error.message).not.toContain('secret"')
  })
})

describe('an option that is only inherited', () => {
  const makers: [string, (given: unknown) => unknown][] = [
    ['the options', make],
    ['the only argument', (given) => new FaceTheoryIsrMetaStore(hostile(given))],
    ['the factory', (given) => createFaceTheoryIsrMetaStore(hostile(given))],
  ]

  test.each(makers)('is refused with its name, in %s', (_, makeFrom) => {
    for (const [name, value] of Object.entries({
      region: 'eu-west-1',
      maxAttempts: 2,
      onOperation: () => {},
      credentials: keys,
    })) {
      const own = { tableName: 'isr', endpoint: closedEndpoint }
      const given = Object.assign(
        Object.create({ [name]: value }),
        makeFrom === make ? { endpoint: closedEndpoint } : own,
      )
      const error = thrownBy(() => makeFrom(given))
      expectRefused(error, TypeError, name)
      expect(error.message).toContain(`"${name}"`)
    }
  })

  test('is refused when it is an accessor of a class', () => {
    class Options {
      endpoint = closedEndpoint
      get region(): string {
        return 'eu-west-1'
      }
    }
    const error = thrownBy(() => make(new Options()))
    expectRefused(error, TypeError, 'an accessor')
    expect(error.message).toContain('"region"')
  })

  test('is ignored when no option has its name', () => {
    make(Object.assign(Object.create({ other: 1, toString: () => 'options' }), options))
  })
})

describe('control characters of a cache key', () => {
  const cacheKey = 'a\r\nb\u0000\u001b[31mc\u007f\u0085\u009bd'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for these.
  const control = /[\u0000-\u001f\u007f-\u009f]/

  test.each([get, acquire, commit, invalidate])(
    'are escaped in the message of a $method that fails',
    async ({ run }) => {
      const error = await rejectionOf(() => run(new FaceTheoryIsrMetaStore('isr', options), cacheKey))
      expect(error).toMatchObject({ code: 'ErrUnavailable' })
      expect(error.message).not.toMatch(control)
      expect(error.message).toContain('a\\r\\nb')
    },
  )

  test('are escaped in the message of a lease that is lost', () =>
    withStub(
      () => cancelled('None', 'ConditionalCheckFailed'),
      async (stub) => {
        const error = await rejectionOf(() => commit.run(storeAt(stub), cacheKey))
        expect(error).toMatchObject({ code: 'ErrLeaseNotOwned' })
        expect(error.message).toMatch(/^ISR lease lost for cache key "a\\r\\nb/)
        expect(error.message).not.toMatch(control)
      },
    ))
})

describe('the class without "new"', () => {
  const construct = hostile<(this: unknown, ...args: unknown[]) => unknown>(FaceTheoryIsrMetaStore)
  const receivers: [string, unknown][] = [
    ['undefined', undefined],
    ['an object', {}],
    ['a store', new FaceTheoryIsrMetaStore('isr', options)],
    ['the class', FaceTheoryIsrMetaStore],
  ]

  test.each(receivers)('is refused with ErrInvalidArgument when its receiver is %s', async (_, receiver) => {
    let error: IsrStoreFailure | undefined
    try {
      await construct.call(receiver, 'isr', options)
    } catch (thrown) {
      error = thrown as IsrStoreFailure
    }
    if (error === undefined) throw new Error('the call did not throw')
    expectRefused(error, TypeError, 'without new')
    expect(error.message).toContain('new')
  })

  test('makes a store of a receiver that has its prototype, as a constructor function does', async () => {
    const receiver = Object.create(FaceTheoryIsrMetaStore.prototype)
    construct.call(receiver, 'isr', options)
    await expect(receiver.get('')).rejects.toMatchObject({ code: 'ErrInvalidArgument' })
  })
})
