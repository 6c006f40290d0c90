// A stub at an address outside the loopback range, where calls need credentials, and a folder of files for each test. It serves
// the tests of regions and credentials from files, programs and the metadata service.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'

import { inProcess, inWorker } from './isolated.js'
import { type Stub, startStub, succeed } from './stub/stub.js'

let root: string
export let stub: Stub
export let folder: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'isr-'))
  stub = await startStub()
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'test-'))
  stub.play(succeed)
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await stub.close()
  await rm(root, { recursive: true })
})

export type Task<D, R> = Parameters<typeof inProcess<D, R>>[2]
export type Isolated = typeof inProcess

export const isolations: [string, Isolated][] = [
  ['a process', inProcess],
  ['a worker', inWorker],
]

/** This machine at an address that is not a loopback address: there the store uses no dummy credentials. */
export const elsewhere = (): string => stub.endpoint.replace('127.0.0.1', '0.0.0.0')

/** Turns the metadata service off. */
export const offline = { AWS_EC2_METADATA_DISABLED: 'true' }
export const region = { AWS_REGION: 'eu-west-1' }

/** Uses the files of the home directory, and not the empty files of `inProcess` and `inWorker`. */
export const atHome = { AWS_CONFIG_FILE: '', AWS_SHARED_CREDENTIALS_FILE: '' }

export const keysOf = (accessKeyId: string): string =>
  `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = secret\n`

/** A home directory with these AWS files. */
export async function home(name: string, files: Record<string, string>): Promise<string> {
  const path = join(folder, name)
  await mkdir(join(path, '.aws'), { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, '.aws', file), text)
  return path
}

/** The access key ID that signed each request, in order. */
export const signers = (): (string | undefined)[] =>
  stub.requests.map(({ headers }) => /Credential=([^/]*)\//.exec(headers.authorization ?? '')?.[1])

export const regions = (): (string | undefined)[] =>
  stub.requests.map(({ headers }) => /Credential=[^/]*\/\d{8}\/([^/]*)\//.exec(headers.authorization ?? '')?.[1])

/** Makes one call, and resolves to `null` or to the code of its error. */
export const callOnce: Task<string, string | null> = async ({ FaceTheoryIsrMetaStore }, endpoint) => {
  const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
  const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint, ...patience })
  return store.get('key').then(
    () => null,
    ({ code }) => code,
  )
}
