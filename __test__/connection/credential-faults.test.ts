// Sources of credentials that fail. A transient fault is retryable, and no error repeats the output of a program.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import {
  credentialProcess,
  ofContainer,
  ofMetadata,
  startContainerService,
  startSlowMetadataService,
} from '../support/credential-sources.js'
import { elsewhere, folder, offline, region, signers, stub, type Task } from '../support/elsewhere.js'
import { type Environment, inProcess } from '../support/isolated.js'
import { html, succeed } from '../support/stub/stub.js'

interface Ending {
  code: string
  retryable: boolean
  /** Everything that a logger could print. */
  printed: string
}

const callOnce: Task<string, Ending> = async ({ FaceTheoryIsrMetaStore }, endpoint) => {
  const store = new FaceTheoryIsrMetaStore('isr-connection', {
    endpoint,
    requestTimeoutMs: 10_000,
    operationTimeoutMs: 8_000,
  })
  const { inspect } = process.getBuiltinModule('node:util')
  return store.get('key').then(
    () => ({ code: 'success', retryable: false, printed: '' }),
    (error) => {
      const causes: unknown[] = []
      for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(cause.message, cause.stack)
      const printed = inspect({ error, message: error.message, causes }, { depth: null, showHidden: true })
      return { code: error.code, retryable: error.retryable, printed }
    },
  )
}

const endOf = (environment: Environment): Promise<Ending> => inProcess(environment, elsewhere(), callOnce)

const transient = { code: expect.stringMatching(/^Err(Unavailable|Timeout)$/), retryable: true }

describe('a call fails with a retryable error when', () => {
  test('a container service answers 500', async () => {
    const service = await startContainerService({ status: 500 })
    expect(await endOf(ofContainer(service)).finally(service.close)).toMatchObject(transient)
  })

  test('a container service never answers', async () => {
    const service = await startContainerService('never')
    expect(await endOf(ofContainer(service)).finally(service.close)).toMatchObject(transient)
  })

  test('STS answers 503', async () => {
    stub.play((request, index) => (request.headers['x-amz-target'] ? succeed(request, index) : html(503)))
    await writeFile(join(folder, 'token'), 'identity')
    const role = {
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/r',
    }
    const environment = { ...offline, ...region, ...role, AWS_ENDPOINT_URL_STS: stub.endpoint }
    expect(await endOf(environment)).toMatchObject(transient)
  })

  test('the metadata service does not answer within its timeout', async () => {
    const service = await startSlowMetadataService(5_000, 0)
    const limits = { AWS_METADATA_SERVICE_TIMEOUT: '1', AWS_METADATA_SERVICE_NUM_ATTEMPTS: '1' }
    expect(await endOf({ ...ofMetadata(service), ...limits }).finally(service.close)).toMatchObject(transient)
  })

  test('the metadata service answers a token request with 500', async () => {
    const service = await startSlowMetadataService(0, Number.POSITIVE_INFINITY)
    expect(await endOf(ofMetadata(service)).finally(service.close)).toMatchObject(transient)
  })
})

describe('the metadata service', () => {
  test('may take 1,500 ms where AWS_METADATA_SERVICE_TIMEOUT is 4', async () => {
    const service = await startSlowMetadataService(1_500, 0)
    const environment = { ...ofMetadata(service), AWS_METADATA_SERVICE_TIMEOUT: '4' }
    expect(await endOf(environment).finally(service.close)).toMatchObject({ code: 'success' })
    expect(signers()).toEqual(['AKIDINSTANCE'])
  })

  test('is asked three times where AWS_METADATA_SERVICE_NUM_ATTEMPTS is 3', async () => {
    const service = await startSlowMetadataService(0, 2)
    const limits = { AWS_METADATA_SERVICE_TIMEOUT: '5', AWS_METADATA_SERVICE_NUM_ATTEMPTS: '3' }
    expect(await endOf({ ...ofMetadata(service), ...limits }).finally(service.close)).toMatchObject({ code: 'success' })
    expect(service.asked()).toBe(3)
  })
})

test('a call without configured credentials fails with ErrCredentials, which is not retryable', async () => {
  expect(await endOf({ ...offline, ...region })).toMatchObject({ code: 'ErrCredentials', retryable: false })
})

describe('a credential_process', () => {
  test.each([
    ['exits with 1', 'process.exitCode = 1'],
    ['answers with JSON without credentials', `console.log('{"Version":1}')`],
    ['answers with a secret that is not JSON', `console.log('CANARY-stdout')`],
  ])('that %s keeps its output out of the error', async (_, ending) => {
    const environment = await credentialProcess(`console.error('CANARY-stderr'); ${ending}`)
    const { code, printed } = await endOf(environment)
    expect(code).toMatch(/^Err/)
    expect(printed).toContain(code)
    expect(printed).not.toContain('CANARY')
  })
})
