// JavaScript may write process.env at any time. A concurrent read by native code crashes the process, so only the
// JavaScript thread reads the environment.
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import {
  atHome,
  callOnce,
  elsewhere,
  folder,
  home,
  keysOf,
  offline,
  region,
  signers,
  stub,
} from '../support/elsewhere.js'
import { type Environment, inProcess } from '../support/isolated.js'
import { preloadable } from '../support/preload.js'
import { json, type Received, succeed } from '../support/stub/stub.js'

const library = preloadable('getenv')

/** Answers the requests to each credential service in the form of that service. */
function playServices(): void {
  const ends = '2999-01-01T00:00:00Z'
  const role = { Code: 'Success', AccessKeyId: 'AKIDSERVICE', SecretAccessKey: 'secret', Token: 't', Expiration: ends }
  const xml = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDSERVICE</AccessKeyId>
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${ends}</Expiration></Credentials>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
  const sso = {
    roleCredentials: {
      accessKeyId: 'AKIDSERVICE',
      secretAccessKey: 'secret',
      sessionToken: 't',
      expiration: Date.parse(ends),
    },
  }
  stub.play((request: Received, index) => {
    if (request.headers['x-amz-target']) return succeed(request, index)
    if (request.headers['x-amz-sso_bearer_token']) return json(sso)
    if (request.headers['x-aws-ec2-metadata-token-ttl-seconds']) {
      return (response) => response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '60').end('TOKEN')
    }
    if (request.path === '/latest/meta-data/iam/security-credentials/') return (response) => response.end('the-role')
    if (request.method === 'POST') return (response) => response.setHeader('content-type', 'text/xml').end(xml)
    return json(role)
  })
}

async function profile(lines: string): Promise<Environment> {
  return { ...offline, ...atHome, HOME: await home('profile', { config: `[default]\nregion = eu-west-1\n${lines}\n` }) }
}

const sources: [string, () => Promise<Environment>][] = [
  ['the environment', async () => ({ ...region, AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' })],
  ['a profile', () => profile(keysOf('AKIDPROFILE'))],
  [
    'a credential_process',
    () => profile(`credential_process = echo '{"Version":1,"AccessKeyId":"AKIDPROCESS","SecretAccessKey":"secret"}'`),
  ],
  [
    'a web identity token',
    async () => {
      await writeFile(join(folder, 'token'), 'identity')
      const role = {
        AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/r',
      }
      return { ...offline, ...region, ...role, AWS_ENDPOINT_URL_STS: stub.endpoint }
    },
  ],
  [
    'IAM Identity Center',
    async () => {
      const start = 'https://example.awsapps.com/start'
      const lines = [
        `sso_start_url = ${start}`,
        'sso_region = eu-west-1',
        'sso_account_id = 123456789012',
        'sso_role_name = r',
      ]
      const environment = await profile(lines.join('\n'))
      const cache = join(environment.HOME ?? '', '.aws/sso/cache')
      await mkdir(cache, { recursive: true })
      const token = { accessToken: 'token', expiresAt: '2999-01-01T00:00:00Z', region: 'eu-west-1', startUrl: start }
      const name = `${createHash('sha1').update(start).digest('hex')}.json`
      await writeFile(join(cache, name), JSON.stringify(token))
      return { ...environment, AWS_ENDPOINT_URL_SSO: stub.endpoint }
    },
  ],
  [
    'a container',
    async () => ({ ...offline, ...region, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${stub.endpoint}/credentials` }),
  ],
  ['the metadata service', async () => ({ ...region, AWS_EC2_METADATA_SERVICE_ENDPOINT: stub.endpoint })],
]

describe.skipIf(library === null)('no thread but the JavaScript thread reads the environment', () => {
  test.each(sources)('with credentials of %s', async (_, environment) => {
    playServices()
    const log = join(folder, 'getenv.log')
    const env = { ...(await environment()), LD_PRELOAD: library ?? '', GETENV_LOG: log }
    expect(await inProcess(env, elsewhere(), callOnce)).toBeNull()
    expect(signers().at(-1)).toMatch(/^AKID/)
    expect(await readFile(log, 'utf8')).toBe('')
  })

  test('without any credentials', async () => {
    const log = join(folder, 'getenv.log')
    const env = { ...offline, ...region, LD_PRELOAD: library ?? '', GETENV_LOG: log }
    expect(await inProcess(env, elsewhere(), callOnce)).toBe('ErrCredentials')
    expect(await readFile(log, 'utf8')).toBe('')
  })

  test('through HTTPS and a proxy, with a home directory and a certificate file', async () => {
    const log = join(folder, 'getenv.log')
    const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
    const more = { HTTPS_PROXY: 'http://127.0.0.1:1', NODE_EXTRA_CA_CERTS: join(folder, 'missing.pem'), HOME: folder }
    const env = { ...region, ...keys, ...more, LD_PRELOAD: library ?? '', GETENV_LOG: log }
    expect(await inProcess(env, 'https://0.0.0.0:1', callOnce)).toBe('ErrUnavailable')
    expect(await readFile(log, 'utf8')).toBe('')
  })

  test('and a read by a worker thread of Node.js appears in the log', async () => {
    const log = join(folder, 'getenv.log')
    const env = { LD_PRELOAD: library ?? '', GETENV_LOG: log }
    // By default a worker thread of Node.js reads a copy of the environment, and that of the process for the time zone only.
    // With SHARE_ENV it reads that of the process.
    await inProcess(env, null, () => {
      const { Worker, SHARE_ENV: env } = process.getBuiltinModule('node:worker_threads')
      const worker = new Worker('process.env.SEEN_BY_COUNTER', {
        eval: true,
        env: env as unknown as NodeJS.Dict<string>,
      })
      return new Promise<null>((resolve) => worker.once('exit', () => resolve(null)))
    })
    expect(await readFile(log, 'utf8')).not.toBe('')
  })
})

test('a process that sets 12,000 variables during its gets does not crash', { timeout: 300_000 }, async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
  const readWhileWriting = () =>
    inProcess({ ...region, ...keys }, elsewhere(), async ({ FaceTheoryIsrMetaStore }, endpoint) => {
      const patience = { connectTimeoutMs: 20_000, requestTimeoutMs: 20_000, operationTimeoutMs: 40_000 }
      const store = new FaceTheoryIsrMetaStore('isr-environment', { endpoint, ...patience })
      let isWriting = true
      let reads = 0
      const reader = async (number: number): Promise<void> => {
        while (isWriting) {
          await store.get(`key ${number} ${reads}`)
          reads += 1
        }
      }
      const readers = Array.from({ length: 32 }, (_, number) => reader(number))
      for (let written = 0; written < 12_000; ) {
        for (const end = written + 20; written < end; written += 1) process.env[`VARIABLE_${written}`] = 'x'.repeat(50)
        await new Promise((resolve) => setImmediate(resolve))
      }
      isWriting = false
      await Promise.all(readers)
      return reads > 32
    })
  const ends: unknown[] = []
  for (let pair = 0; pair < 3; pair += 1) {
    for (const outcome of await Promise.allSettled([readWhileWriting(), readWhileWriting()])) {
      ends.push(outcome.status === 'fulfilled' ? outcome.value : (outcome.reason.signal ?? outcome.reason.message))
    }
  }
  expect(ends).toEqual(Array(6).fill(true))
})
