// Endpoint, region and credentials: options first, then the environment as JavaScript sees it, then AWS's chain.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { expectRefused, thrownBy } from '../support/failure.js'
import { inProcess, inWorker, withoutFiles } from '../support/isolated.js'
import { endpoint, makeTable } from '../support/store.js'
import { closedEndpoint, json, type Received, type Stub, startStub, storeAt, succeed } from '../support/stub/stub.js'

let stub: Stub

const endpoints = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL', 'DYNAMODB_ENDPOINT']
const identity = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
]
const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => {
  stub.play(succeed)
  for (const name of [...endpoints, ...identity]) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(withoutFiles)) vi.stubEnv(name, value)
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => stub.close())

/** The access key, region and session token of the request's signature. */
function signer({ headers }: Received): object {
  const [, accessKeyId, region] =
    /Credential=([^/]*)\/\d{8}\/([^/]*)\/dynamodb\/aws4_request/.exec(headers.authorization ?? '') ?? []
  return { accessKeyId, region, sessionToken: headers['x-amz-security-token'] }
}

async function signerFor(options: FaceTheoryIsrMetaStoreOptions = {}): Promise<object> {
  stub.play(succeed)
  await storeAt(stub, options).get('key')
  expect(stub.requests).toHaveLength(1)
  return Object.assign({}, ...stub.requests.map(signer)) as object
}

/** An address of this machine that is not a loopback address, and so gets no dummy credentials. */
const elsewhere = (): string => stub.endpoint.replace('127.0.0.1', '0.0.0.0')

describe('the endpoint', () => {
  test('is the first environment variable that is not blank, trimmed', async () => {
    for (const [index, name] of endpoints.entries()) {
      for (const [other, variable] of endpoints.entries()) {
        vi.stubEnv(variable, other < index ? ' \t' : other === index ? ` ${stub.endpoint}\n` : closedEndpoint)
      }
      stub.play(succeed)
      await new FaceTheoryIsrMetaStore('isr').get(name)
      expect(stub.operations(), name).toEqual(['Query'])
    }
  })

  test('in the options overrides the environment', async () => {
    for (const name of endpoints) vi.stubEnv(name, closedEndpoint)
    await new FaceTheoryIsrMetaStore('isr', { endpoint: stub.endpoint }).get('key')
    expect(stub.operations()).toEqual(['Query'])
  })

  test('in the environment is refused at once when it is not a URL, and the error names its variable', () => {
    for (const name of endpoints) {
      vi.stubEnv(name, 'localhost:8000')
      const error = thrownBy(() => new FaceTheoryIsrMetaStore('isr'))
      expectRefused(error, RangeError, name)
      expect(error.message).toContain(name)
      vi.stubEnv(name, undefined)
    }
  })
})

describe('region and credentials', () => {
  test('are dummies at a loopback endpoint when none are set', async () => {
    expect(await signerFor()).toEqual({
      accessKeyId: expect.stringMatching(/./),
      region: 'us-east-1',
      sessionToken: undefined,
    })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDHALF')
    expect(await signerFor()).not.toMatchObject({ accessKeyId: 'AKIDHALF' })
  })

  test('come from the environment, also at a loopback endpoint', async () => {
    vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-2')
    for (const [name, value] of Object.entries(keys)) vi.stubEnv(name, value)
    expect(await signerFor()).toEqual({ accessKeyId: 'AKIDENV', region: 'eu-west-2', sessionToken: undefined })
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('AWS_SESSION_TOKEN', 'session-env')
    expect(await signerFor()).toEqual({ accessKeyId: 'AKIDENV', region: 'eu-west-1', sessionToken: 'session-env' })
  })

  test('in the options override those of the environment, and the two sets of credentials are not mixed', async () => {
    const env = { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2', AWS_SESSION_TOKEN: 'session-env', ...keys }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const credentials = { accessKeyId: 'AKIDOPTION', secretAccessKey: 'secret' }
    expect(await signerFor({ region: 'eu-west-3', credentials })).toEqual({
      accessKeyId: 'AKIDOPTION',
      region: 'eu-west-3',
      sessionToken: undefined,
    })
    const withToken = { ...credentials, sessionToken: 'session-option' }
    expect(await signerFor({ credentials: withToken })).toMatchObject({
      region: 'eu-west-1',
      sessionToken: 'session-option',
    })
  })

  test('the region in the ARN of a table overrides the environment, and the options override it', async () => {
    const arn = 'arn:aws:dynamodb:eu-central-2:123456789012:table/isr'
    const regionFor = async (region?: string): Promise<object> => {
      stub.play(succeed)
      await new FaceTheoryIsrMetaStore(arn, { endpoint: stub.endpoint, region }).get('key')
      return Object.assign({}, ...stub.requests.map(signer)) as object
    }
    expect(await regionFor()).toMatchObject({ region: 'eu-central-2' })
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-2')
    expect(await regionFor()).toMatchObject({ region: 'eu-central-2' })
    expect(await regionFor('eu-west-3')).toMatchObject({ region: 'eu-west-3' })
  })

  test('are read from the environment when the store is made, and not later', async () => {
    const store = storeAt(stub)
    for (const [name, value] of Object.entries({ AWS_REGION: 'eu-west-1', ...keys })) vi.stubEnv(name, value)
    await store.get('key')
    expect(signer(stub.requests[0] as Received)).toMatchObject({ region: 'us-east-1' })
    expect(await signerFor()).toMatchObject({ region: 'eu-west-1', accessKeyId: 'AKIDENV' })
  })
})

test('a store for DynamoDB Local needs no setting but a loopback endpoint', async () => {
  const table = await makeTable()
  const record = await inProcess({}, { table, endpoint }, ({ FaceTheoryIsrMetaStore }, { table, endpoint }) =>
    new FaceTheoryIsrMetaStore(table, { endpoint }).get('key'),
  )
  expect(record).toBeNull()
})

test('a store at a loopback endpoint sends no request to a metadata service', async () => {
  const services = {
    AWS_EC2_METADATA_SERVICE_ENDPOINT: stub.endpoint,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${stub.endpoint}/credentials`,
  }
  await inProcess(services, stub.endpoint, async ({ FaceTheoryIsrMetaStore }, endpoint) => {
    await new FaceTheoryIsrMetaStore('isr', { endpoint }).get('key')
  })
  expect(stub.operations()).toEqual(['Query'])
})

describe.each([
  ['a process', inProcess],
  ['a worker thread', inWorker],
])('in %s', (_, isolated) => {
  const run = (env: Record<string, string>, at: string): Promise<unknown> =>
    isolated(env, at, async ({ FaceTheoryIsrMetaStore }, endpoint) => {
      const told = ({ code }: { code: string }): string => code
      return new FaceTheoryIsrMetaStore('isr', { endpoint }).get('key').catch(told)
    })
  const signers = (): object[] => stub.requests.filter(({ operation }) => operation === 'Query').map(signer)

  test('endpoint, region and credentials come from its own environment', async () => {
    vi.stubEnv('AWS_REGION', 'of-the-parent')
    vi.stubEnv('AWS_SESSION_TOKEN', 'of-the-parent')
    const env = { ...keys, AWS_REGION: 'eu-north-1', AWS_ENDPOINT_URL: stub.endpoint }
    await isolated(env, null, async ({ FaceTheoryIsrMetaStore }) => {
      await new FaceTheoryIsrMetaStore('isr').get('key')
    })
    expect(signers()).toEqual([{ accessKeyId: 'AKIDENV', region: 'eu-north-1', sessionToken: undefined }])
  })

  test('variables that only its parent has are not used', async () => {
    for (const [name, value] of Object.entries({ AWS_REGION: 'of-the-parent', ...keys })) vi.stubEnv(name, value)
    expect(await run({}, stub.endpoint)).toBeNull()
    expect(signers()).toEqual([{ accessKeyId: 'local', region: 'us-east-1', sessionToken: undefined }])
  })

  test('a variable that it changes itself is used', async () => {
    await isolated({ AWS_REGION: 'eu-north-1' }, stub.endpoint, async ({ FaceTheoryIsrMetaStore }, endpoint) => {
      process.env.AWS_REGION = 'eu-south-1'
      await new FaceTheoryIsrMetaStore('isr', { endpoint }).get('key')
    })
    expect(signers()).toMatchObject([{ region: 'eu-south-1' }])
  })

  test('region and credentials come from its profile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isr-'))
    const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') }
    await writeFile(files.AWS_CONFIG_FILE, '[profile blue]\nregion = eu-west-3\n[default]\nregion = eu-west-2\n')
    await writeFile(
      files.AWS_SHARED_CREDENTIALS_FILE,
      '[blue]\naws_access_key_id = AKIDBLUE\naws_secret_access_key = secret\n',
    )
    expect(await run({ ...files, AWS_PROFILE: 'blue' }, elsewhere())).toBeNull()
    expect(signers()).toEqual([{ accessKeyId: 'AKIDBLUE', region: 'eu-west-3', sessionToken: undefined }])
    await rm(folder, { recursive: true })
  })
})

describe('the credentials of a container', () => {
  const credentials = { AccessKeyId: 'AKIDCONTAINER', SecretAccessKey: 'secret', Token: 'session-container' }
  const region = { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' }
  const container = (): Record<string, string> => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${stub.endpoint}/credentials`,
  })
  const run: Parameters<typeof inProcess<string, unknown>>[2] = async ({ FaceTheoryIsrMetaStore }, endpoint) => {
    const told = ({ code }: { code: string }): string => code
    return new FaceTheoryIsrMetaStore('isr', { endpoint }).get('key').catch(told)
  }

  beforeEach(() => {
    const answer = json({ ...credentials, Expiration: '2999-01-01T00:00:00Z' })
    stub.play((request, index) => (request.headers['x-amz-target'] ? succeed(request, index) : answer))
  })

  test('are used when the environment of the process names their URL', async () => {
    expect(await inProcess({ ...region, ...container() }, elsewhere(), run)).toBeNull()
    expect(stub.requests.slice(1).map(signer)).toEqual([
      { accessKeyId: 'AKIDCONTAINER', region: 'eu-west-1', sessionToken: 'session-container' },
    ])
  })

  test('are not used in a worker thread whose environment does not name their URL', async () => {
    for (const [name, value] of Object.entries({ ...region, ...container() })) vi.stubEnv(name, value)
    expect(await inWorker(region, elsewhere(), run)).toBe('ErrCredentials')
    expect(stub.requests).toEqual([])
  })
})
