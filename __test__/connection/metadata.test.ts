// Credentials from services: the metadata service of EC2, and a container's.
import type { RequestListener } from 'node:http'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import {
  atHome,
  callOnce,
  elsewhere,
  folder,
  home,
  isolations,
  keysOf,
  offline,
  region,
  signers,
  stub,
  type Task,
} from '../support/elsewhere.js'
import { type Environment, inProcess } from '../support/isolated.js'
import { type Server, startServer } from '../support/stub/server.js'
import { json, succeed } from '../support/stub/stub.js'

interface MetadataService extends Server {
  /** Method, path and token of each request. */
  asked: string[]
}

/** Starts the service that EC2 has at a link-local address. It gives an instance role to requests of version 2. */
async function startMetadataService(): Promise<MetadataService> {
  const asked: string[] = []
  const role = {
    Code: 'Success',
    Type: 'AWS-HMAC',
    LastUpdated: '2020-01-01T00:00:00Z',
    AccessKeyId: 'AKIDINSTANCE',
    SecretAccessKey: 'secret',
    Token: 'session-instance',
    Expiration: '2999-01-01T00:00:00Z',
  }
  const listener: RequestListener = ({ method, url, headers }, response) => {
    const token = headers['x-aws-ec2-metadata-token']
    const request = `${method} ${url}`
    asked.push(token ? `${request} with ${token}` : request)
    const lifetime = headers['x-aws-ec2-metadata-token-ttl-seconds']
    if (request === 'PUT /latest/api/token' && lifetime) {
      response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', lifetime).end('TOKEN')
    } else if (token !== 'TOKEN') {
      response.writeHead(401).end()
    } else if (request === 'GET /latest/meta-data/iam/security-credentials/') {
      response.end('the-role')
    } else if (request === 'GET /latest/meta-data/iam/security-credentials/the-role') {
      response.end(JSON.stringify(role))
    } else {
      response.writeHead(404).end()
    }
  }
  return { ...(await startServer(listener)), asked }
}

/** Repeats a call without credentials: the service has half a second for an answer, and this machine may be busy. */
const callPatiently: Task<string, string | null> = async ({ FaceTheoryIsrMetaStore }, endpoint) => {
  const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
  const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint, ...patience })
  let code: string | null = null
  for (let calls = 0; calls < 20; calls += 1) {
    code = await store.get('key').then(
      () => null,
      ({ code }) => code,
    )
    if (code !== 'ErrCredentials') break
  }
  return code
}

describe('the metadata service', () => {
  let service: MetadataService
  beforeEach(async () => {
    service = await startMetadataService()
  })
  afterEach(() => service.close())
  const named = (): Environment => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: service.endpoint })

  test.each(isolations)(
    'provides the role of the instance, which signs, if the environment of %s names the service',
    async (_, isolated) => {
      expect(await isolated({ ...region, ...named() }, elsewhere(), callPatiently)).toBeNull()
      expect(signers()).toEqual(['AKIDINSTANCE'])
      expect(stub.requests[0]?.headers['x-amz-security-token']).toBe('session-instance')
      const roles = 'GET /latest/meta-data/iam/security-credentials/'
      expect(service.asked.slice(-3)).toEqual([
        'PUT /latest/api/token',
        `${roles} with TOKEN`,
        `${roles}the-role with TOKEN`,
      ])
    },
  )

  test.each(isolations)('is not asked if the environment of %s turns it off', async (_, isolated) => {
    for (const value of ['true', 'TRUE', ' True ']) {
      const environment = { ...region, ...named(), AWS_EC2_METADATA_DISABLED: value }
      expect(await isolated(environment, elsewhere(), callOnce)).toBe('ErrCredentials')
    }
    expect(service.asked).toEqual([])
  })

  test('is not asked if other credentials exist', async () => {
    const files = { credentials: `[default]\n${keysOf('AKIDFILE')}`, config: '' }
    const environment = { ...region, ...named(), ...atHome, HOME: await home('with-files', files) }
    expect(await inProcess(environment, elsewhere(), callOnce)).toBeNull()
    expect(signers()).toEqual(['AKIDFILE'])
    expect(service.asked).toEqual([])
  })

  test.each([
    ['a home directory without AWS files', async () => ({ ...atHome, HOME: folder })],
    ['an AWS_CONFIG_FILE that does not exist', async () => ({ AWS_CONFIG_FILE: join(folder, 'missing') })],
    ['no home directory', async () => atHome],
  ])('is asked in an environment with %s', async (_, more) => {
    const environment = { ...region, ...named(), ...(await more()) }
    expect(await inProcess(environment, elsewhere(), callPatiently)).toBeNull()
    expect(signers()).toEqual(['AKIDINSTANCE'])
  })
})

test('a container gets its credentials even if its home directory has no AWS files', async () => {
  const credentials = { AccessKeyId: 'AKIDCONTAINER', SecretAccessKey: 'secret', Token: 'token' }
  const answer = json({ ...credentials, Expiration: '2999-01-01T00:00:00Z' })
  stub.play((request, index) => (request.headers['x-amz-target'] ? succeed(request, index) : answer))
  const container = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${stub.endpoint}/credentials` }
  const environment = { ...offline, ...region, ...atHome, ...container, HOME: folder }
  expect(await inProcess(environment, elsewhere(), callOnce)).toBeNull()
  expect(signers().at(-1)).toBe('AKIDCONTAINER')
})
