// The settings that AWS's tools share, beside the AWS SDK for JavaScript: for each setting the host, the signing region,
// the credentials and the number of attempts of both. Rows in which they differ have the reason.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  type CredentialService,
  startContainerService,
  startSlowMetadataService,
} from '../support/credential-sources.js'
import { keysOf } from '../support/elsewhere.js'
import { type Environment, inProcess, withoutFiles } from '../support/isolated.js'
import { type HttpProxy, startProxy } from '../support/stub/http-proxy.js'
import { type Server, startServer } from '../support/stub/server.js'
import { serverIdentity, tlsFile } from '../support/stub/tls.js'

/** The request of one side: its host, its signature and the number of attempts. */
type Seen = { host: string; region: string; keyId: string; hasToken: boolean; attempts: number } | 'an error'

interface Setting {
  name: string
  environment: Environment
  config?: string
  credentials?: string
  /** Options that both constructors take. */
  options?: { credentials: { accessKeyId: string; secretAccessKey: string; accountId: string } }
  /** An account's ARN as the table name, in this region. */
  arnIn?: string
  /** The result of this store where it is not the same, and the reason. */
  differs?: { store: Seen | Partial<Exclude<Seen, 'an error'>>; why: string }
}

const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
const base = { ...keys, AWS_REGION: 'eu-west-1' }
const account = '123456789012'
/** The servers refuse requests with this key by status 500. */
const failing = { ...base, AWS_ACCESS_KEY_ID: 'AKIDFAILS' }
const inProfile = (lines: string): Pick<Setting, 'config'> => ({ config: `[default]\n${lines}\n` })

const regions: Setting[] = [
  'us-east-1',
  'eu-west-1',
  'cn-north-1',
  'us-gov-west-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
  'eusc-de-east-1',
].map((region) => ({ name: `region ${region}`, environment: { ...keys, AWS_REGION: region } }))

const endpoints: Setting[] = [
  { name: 'region of a profile', environment: keys, ...inProfile('region = us-east-1') },
  {
    name: 'AWS_REGION and a profile',
    environment: { ...keys, AWS_REGION: 'eu-west-1' },
    ...inProfile('region = us-east-1'),
  },
  {
    name: 'AWS_DEFAULT_REGION',
    environment: { ...keys, AWS_DEFAULT_REGION: 'us-east-1' },
    differs: {
      store: { host: 'dynamodb.us-east-1.amazonaws.com', region: 'us-east-1' },
      why: 'the AWS CLI and the SDKs of other languages read it',
    },
  },
  { name: 'AWS_USE_FIPS_ENDPOINT', environment: { ...base, AWS_USE_FIPS_ENDPOINT: 'true' } },
  { name: 'AWS_USE_FIPS_ENDPOINT=false', environment: { ...base, AWS_USE_FIPS_ENDPOINT: 'false' } },
  {
    name: 'a malformed AWS_USE_FIPS_ENDPOINT',
    environment: { ...base, AWS_USE_FIPS_ENDPOINT: 'yes' },
    differs: { store: 'an error', why: 'the SDK uses the ordinary endpoint, and reports nothing' },
  },
  {
    name: 'AWS_USE_FIPS_ENDPOINT in GovCloud',
    environment: { ...keys, AWS_REGION: 'us-gov-west-1', AWS_USE_FIPS_ENDPOINT: 'true' },
  },
  { name: 'use_fips_endpoint', environment: base, ...inProfile('use_fips_endpoint = true') },
  {
    name: 'AWS_USE_FIPS_ENDPOINT with a custom endpoint',
    environment: { ...base, AWS_USE_FIPS_ENDPOINT: 'true', AWS_ENDPOINT_URL: 'PLAIN' },
  },
  { name: 'region fips-us-east-1', environment: { ...keys, AWS_REGION: 'fips-us-east-1' } },
  { name: 'region us-gov-west-1-fips', environment: { ...keys, AWS_REGION: 'us-gov-west-1-fips' } },
  { name: 'AWS_USE_DUALSTACK_ENDPOINT', environment: { ...base, AWS_USE_DUALSTACK_ENDPOINT: 'true' } },
  { name: 'use_dualstack_endpoint', environment: base, ...inProfile('use_dualstack_endpoint = true') },
  {
    name: 'dual-stack and FIPS',
    environment: { ...base, AWS_USE_DUALSTACK_ENDPOINT: 'true', AWS_USE_FIPS_ENDPOINT: 'true' },
  },
  { name: 'AWS_ENDPOINT_URL', environment: { ...base, AWS_ENDPOINT_URL: 'PLAIN' } },
  { name: 'AWS_ENDPOINT_URL_DYNAMODB', environment: { ...base, AWS_ENDPOINT_URL_DYNAMODB: 'PLAIN' } },
  {
    name: 'AWS_ENDPOINT_URL_DYNAMODB before AWS_ENDPOINT_URL',
    environment: { ...base, AWS_ENDPOINT_URL_DYNAMODB: 'PLAIN', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
  },
  { name: 'AWS_ENDPOINT_URL_S3', environment: { ...base, AWS_ENDPOINT_URL_S3: 'PLAIN' } },
  { name: 'endpoint_url', environment: base, ...inProfile('endpoint_url = PLAIN') },
  {
    name: 'a services section',
    environment: base,
    config: '[default]\nservices = local\n[services local]\ndynamodb =\n  endpoint_url = PLAIN\n',
  },
  {
    name: 'AWS_ENDPOINT_URL before a services section',
    environment: { ...base, AWS_ENDPOINT_URL: 'PLAIN' },
    config: '[default]\nservices = local\n[services local]\ndynamodb =\n  endpoint_url = http://127.0.0.1:1\n',
  },
  {
    name: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
    environment: { ...base, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true', AWS_ENDPOINT_URL: 'PLAIN' },
  },
  {
    name: 'ignore_configured_endpoint_urls',
    environment: base,
    ...inProfile('ignore_configured_endpoint_urls = true\nendpoint_url = PLAIN'),
  },
  {
    name: 'AWS_ENDPOINT_URL with ignore_configured_endpoint_urls of a profile',
    environment: { ...base, AWS_ENDPOINT_URL: 'PLAIN' },
    ...inProfile('ignore_configured_endpoint_urls = true'),
  },
  {
    name: 'AWS_ENDPOINT_URL with use_fips_endpoint of a profile',
    environment: { ...base, AWS_ENDPOINT_URL: 'PLAIN' },
    ...inProfile('use_fips_endpoint = true'),
  },
  {
    name: 'AWS_ENDPOINT_URL with use_dualstack_endpoint of a profile',
    environment: { ...base, AWS_ENDPOINT_URL: 'PLAIN' },
    ...inProfile('use_dualstack_endpoint = true'),
  },
  {
    name: 'services that names no section',
    environment: base,
    config: '[default]\nservices = locale\n[services local]\ndynamodb =\n  endpoint_url = PLAIN\n',
    differs: {
      store: 'an error',
      why: 'the SDK sends requests of a local profile to AWS; the AWS CLI has an error too',
    },
  },
  { name: 'AWS_ACCOUNT_ID', environment: { ...base, AWS_ACCOUNT_ID: account } },
  {
    name: 'accountId of the option credentials',
    environment: { AWS_REGION: 'eu-west-1' },
    options: { credentials: { accessKeyId: 'AKIDOPTION', secretAccessKey: 'secret', accountId: account } },
  },
  {
    name: 'AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled',
    environment: { ...base, AWS_ACCOUNT_ID: account, AWS_ACCOUNT_ID_ENDPOINT_MODE: 'disabled' },
  },
  {
    name: 'AWS_ACCOUNT_ID_ENDPOINT_MODE=required',
    environment: { ...base, AWS_ACCOUNT_ID: account, AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' },
  },
  {
    name: 'AWS_ACCOUNT_ID_ENDPOINT_MODE=required without an account',
    environment: { ...base, AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' },
  },
  {
    name: 'AWS_ACCOUNT_ID_ENDPOINT_MODE=required with FIPS',
    environment: {
      ...base,
      AWS_ACCOUNT_ID: account,
      AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required',
      AWS_USE_FIPS_ENDPOINT: 'true',
    },
  },
  {
    name: 'account_id_endpoint_mode',
    environment: { ...base, AWS_ACCOUNT_ID: account },
    ...inProfile('account_id_endpoint_mode = disabled'),
  },
  { name: 'an ARN as the table name', environment: base, arnIn: 'eu-west-1' },
  {
    name: 'an ARN and AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled',
    environment: { ...base, AWS_ACCOUNT_ID_ENDPOINT_MODE: 'disabled' },
    arnIn: 'eu-west-1',
  },
]

/** Forms of the files that the SDK and the AWS CLI read. */
const files: Setting[] = [
  ['indented properties', '[default]\n  region = us-east-1\n  max_attempts = 1\n'],
  ['an indented section', '  [default]\nregion = us-east-1\n'],
  ['an indented comment after a property', '[default]\nregion = us-east-1\n  # a comment\n'],
  [
    'a comment among nested properties',
    '[default]\nregion = us-east-1\nservices = local\n[services local]\ndynamodb =\n  # local\n  endpoint_url = PLAIN # too\n',
  ],
  [
    'nested properties of another tool',
    '[default]\ns3 =\n  # a comment\n  max_concurrent_requests = 20\nregion = us-east-1\n',
  ],
  ['Windows line ends', '[default]\r\nregion = us-east-1\r\n'],
  ['a byte order mark', '\uFEFF[default]\nregion = us-east-1\n'],
  ['a quoted name', '[profile "default"]\nregion = us-east-1\n'],
].map(([name, config]) => ({ name: `a file with ${name}`, environment: keys, config }) as Setting)

const credentials: Setting[] = [
  { name: 'AWS_SESSION_TOKEN', environment: { ...base, AWS_SESSION_TOKEN: 'token' } },
  {
    name: 'the default profile',
    environment: { AWS_REGION: 'eu-west-1' },
    credentials: `[default]\n${keysOf('AKIDDEFAULT')}`,
  },
  {
    name: 'AWS_PROFILE',
    environment: { AWS_REGION: 'eu-west-1', AWS_PROFILE: 'named' },
    credentials: `[named]\n${keysOf('AKIDNAMED')}aws_session_token = token\n`,
  },
  {
    name: 'AWS_PROFILE beside keys',
    environment: { ...base, AWS_PROFILE: 'named' },
    credentials: `[named]\n${keysOf('AKIDNAMED')}`,
    differs: { store: { keyId: 'AKIDENV' }, why: 'keys in the environment win, as in the AWS CLI' },
  },
  {
    name: 'AWS_PROFILE that names no profile, beside keys',
    environment: { ...base, AWS_PROFILE: 'missing' },
    differs: { store: { keyId: 'AKIDENV' }, why: 'keys in the environment win; a process warning says so' },
  },
  { name: 'AWS_PROFILE that names no profile', environment: { AWS_REGION: 'eu-west-1', AWS_PROFILE: 'missing' } },
  {
    name: 'aws_account_id of a profile',
    environment: { AWS_REGION: 'eu-west-1' },
    credentials: `[default]\n${keysOf('AKIDDEFAULT')}aws_account_id = ${account}\n`,
  },
  {
    name: 'credential_process',
    environment: { AWS_REGION: 'eu-west-1' },
    ...inProfile('credential_process = PROGRAM'),
  },
  {
    name: 'the service of a container',
    environment: { AWS_REGION: 'eu-west-1', AWS_CONTAINER_CREDENTIALS_FULL_URI: 'CONTAINER' },
  },
  {
    name: 'the metadata service',
    environment: { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'METADATA' },
  },
  {
    name: 'AWS_EC2_METADATA_DISABLED',
    environment: {
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: 'METADATA',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  },
  { name: 'no source at all', environment: { AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: 'true' } },
]

const retries: Setting[] = [
  { name: 'no AWS_MAX_ATTEMPTS', environment: failing },
  { name: 'AWS_MAX_ATTEMPTS', environment: { ...failing, AWS_MAX_ATTEMPTS: '2' } },
  { name: 'max_attempts', environment: failing, ...inProfile('max_attempts = 1') },
  {
    name: 'max_attempts beside AWS_ENDPOINT_URL',
    environment: { ...failing, AWS_ENDPOINT_URL: 'PLAIN' },
    ...inProfile('max_attempts = 1'),
  },
]

const settings = [...regions, ...endpoints, ...files, ...credentials, ...retries]

let folder: string
let encrypted: Server
let services: [CredentialService, CredentialService]
let proxy: HttpProxy
let plain: Server
/** By the number of the setting. */
const ofStore = new Map<number, Seen>()
let ofSdk: Record<number, Seen>

/** The service of a container numbers its credentials. */
const withoutNumber = (keyId: string): string => keyId.replace(/\d+$/, '')

/** The header of an AWS signature. */
const signature = /Credential=([^/]*)\/\d{8}\/([^/]*)\//

function record(request: IncomingMessage, text: string): number {
  const index = Number(/row-(\d+)/.exec(text)?.[1])
  const { host = '', authorization = '', 'x-amz-security-token': token } = request.headers
  const [, keyId = '', region = ''] = signature.exec(authorization) ?? []
  const before = ofStore.get(index)
  const attempts = typeof before === 'object' ? before.attempts + 1 : 1
  ofStore.set(index, { host, region, keyId: withoutNumber(keyId), hasToken: token !== undefined, attempts })
  return keyId === 'AKIDFAILS' ? 500 : 200
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  response.writeHead(record(request, text), { 'content-type': 'application/x-amz-json-1.0' })
  response.end('{"Items":[],"Count":0}')
}

/** Calls both in one process, for one setting after the other. Resolves to the requests of the SDK. */
const callBoth = (rows: (Pick<Setting, 'environment' | 'options'> & { table: string })[], trust: Environment) =>
  inProcess(trust, rows, async ({ FaceTheoryIsrMetaStore }, rows) => {
    const { createRequire } = process.getBuiltinModule('node:module')
    const name = '@aws-sdk/client-dynamodb'
    const sdk: typeof import('@aws-sdk/client-dynamodb') = createRequire(`${process.cwd()}/`)(name)
    const { DynamoDBClient, QueryCommand } = sdk
    const { Readable } = process.getBuiltinModule('node:stream')
    const seen: Record<number, unknown> = {}
    const initial = { ...process.env }
    for (const [index, { environment, options, table }] of rows.entries()) {
      process.env = { ...initial, ...environment }
      const limits = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
      await new FaceTheoryIsrMetaStore(table, { ...limits, ...options }).get('key').catch(() => {})

      let attempts = 0
      // The SDK's way to the network, which only records the request.
      const handle = async (request: { hostname: string; port?: number; headers: Record<string, string> }) => {
        attempts += 1
        const { hostname, port, headers } = request
        const [, keyId, region] = /Credential=([^/]*?)\d*\/\d{8}\/([^/]*)\//.exec(headers.authorization ?? '') ?? []
        const hasToken = headers['x-amz-security-token'] !== undefined
        seen[index] = { host: port ? `${hostname}:${port}` : hostname, region, keyId, hasToken, attempts }
        const statusCode = keyId === 'AKIDFAILS' ? 500 : 200
        return { response: { statusCode, headers: {}, body: Readable.from(['{}']) } }
      }
      try {
        const client = new DynamoDBClient({ ...options, requestHandler: { handle } as never })
        await client.send(new QueryCommand({ TableName: table, KeyConditionExpression: 'pk = pk' }))
      } catch {}
    }
    return seen
  })

/** The setting's variables, with the addresses of this run, and the files that it names. */
async function prepared(setting: Setting, index: number, program: string) {
  const { environment, config, credentials, options, arnIn } = setting
  const [container, metadata] = services
  const addresses: Record<string, string> = {
    PLAIN: plain.endpoint,
    CONTAINER: `${container.endpoint}/credentials`,
    METADATA: metadata.endpoint,
    PROGRAM: program,
  }
  const filled = (text: string): string => text.replace(/\b[A-Z]+\b/g, (name) => addresses[name] ?? name)
  const variables = Object.entries(environment).map(([name, value]) => [name, filled(value)])
  const files = Object.entries({ AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials })
  for (const [variable, text] of files) {
    if (text === undefined) continue
    const path = join(folder, `${variable}-${index}`)
    await writeFile(path, filled(text))
    variables.push([variable, path])
  }
  const table = arnIn ? `arn:aws:dynamodb:${arnIn}:${account}:table/row-${index}` : `row-${index}`
  return { environment: Object.fromEntries(variables) as Environment, table, ...(options ? { options } : {}) }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isr-sdk-'))
  plain = await startServer(serve)
  encrypted = await startServer(serve, await serverIdentity('aws.pem'))
  proxy = await startProxy(() => Number(new URL(encrypted.endpoint).port))
  services = [await startContainerService({ lastsMs: 3_600_000 }), await startSlowMetadataService(0, 0)]
})
afterAll(async () => {
  proxy.close()
  for (const server of [plain, encrypted, ...services]) await server.close()
  await rm(folder, { recursive: true })
})

describe('the AWS SDK for JavaScript and this store', () => {
  beforeAll(async () => {
    const program = join(folder, 'program.mjs')
    const answer = { Version: 1, AccessKeyId: 'AKIDPROGRAM', SecretAccessKey: 'secret', SessionToken: 'token' }
    await writeFile(program, `console.log('${JSON.stringify(answer)}')`)
    const command = `"${process.execPath}" "${program}"`
    const rows = await Promise.all(settings.map((setting, index) => prepared(setting, index, command)))
    const trust = { ...withoutFiles, NODE_EXTRA_CA_CERTS: tlsFile('authority.pem') }
    ofSdk = (await callBoth(rows, { ...trust, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })) as Record<number, Seen>
  })

  test.each(settings.map((setting, index) => ({ ...setting, index })))('$name', ({ index, differs }) => {
    const [store, sdk] = [ofStore.get(index) ?? 'an error', ofSdk[index] ?? 'an error']
    if (differs === undefined) {
      expect(store).toEqual(sdk)
      return
    }
    expect(store).toEqual(typeof differs.store === 'string' ? differs.store : expect.objectContaining(differs.store))
    expect(store, 'the difference is gone').not.toEqual(sdk)
  })
})
