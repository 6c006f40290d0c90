// Odd certificate files, and odd kinds of certificates. The store takes them as Node.js does, or its error names the kind.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { fileURLToPath } from 'node:url'

import { afterAll, describe, expect, test } from 'vitest'

import { type Environment, inProcess, type Runtime } from '../support/isolated.js'
import { serverIdentity, tlsFile } from '../support/stub/tls.js'

const folder = mkdtempSync(join(tmpdir(), 'isr-'))
afterAll(() => rmSync(folder, { recursive: true }))

const authority = tlsFile('authority.pem')
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

interface Identity {
  cert: Buffer
  key: Buffer
}

/** Resolves to the outcome of a call to a server with this identity, and to the warnings of the process. */
async function callAt(identity: Identity, environment: Environment, runtime?: Runtime) {
  const server = createServer(identity, (request, response) =>
    request.resume().once('end', () => response.end('{"Items":[],"Count":0}')),
  ).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const data = { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
  return inProcess(
    environment,
    data,
    async ({ FaceTheoryIsrMetaStore }, { endpoint }) => {
      const warnings: string[] = []
      process.on('warning', ({ message }) => warnings.push(message))
      const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
      const store = new FaceTheoryIsrMetaStore('isr-tls', { endpoint, ...patience })
      const error = await store.get('key').then(
        () => null,
        ({ code, message }) => ({ code, message }),
      )
      // Warnings are emitted in a later tick.
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { error, warnings }
    },
    runtime,
  ).finally(() => server.close())
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const pem = readFileSync(authority, 'utf8')
const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')

describe('NODE_EXTRA_CA_CERTS', () => {
  test.each<[string, () => string]>([
    ['is missing', () => join(folder, 'missing.pem')],
    ['is empty', () => file('empty.pem', '')],
    ['is a directory', () => folder],
    ['is in DER form', () => file('authority.der', der)],
    ['holds a damaged certificate', () => file('damaged.pem', pem.replace('MII', '!II'))],
  ])('causes a warning when its file %s, and calls succeed', async (_, path) => {
    const named = path()
    const { error, warnings } = await callAt(await serverIdentity(), {
      AWS_CA_BUNDLE: authority,
      NODE_EXTRA_CA_CERTS: named,
    })
    expect(error).toBeNull()
    // Node.js emits its own warning too.
    expect(warnings.filter((warning) => warning.startsWith('the file that NODE_EXTRA_CA_CERTS names'))).toEqual([
      expect.stringContaining(`"${named}"`),
    ])
  })

  test.each<[string, string]>([
    ['begins with a byte order mark', `\uFEFF${pem}`],
    ['has text after its last certificate', `${pem}the end`],
    ['holds a damaged certificate before a good one', `${pem.replace('MII', '!II')}${pem}`],
  ])('is used as far as possible, with a warning, when its file %s', async (_, content) => {
    const { error, warnings } = await callAt(await serverIdentity(), {
      NODE_EXTRA_CA_CERTS: file('odd.pem', content),
    })
    expect(error).toBeNull()
    expect(warnings).toContainEqual(expect.stringContaining('may be read in part only'))
  })

  test('causes no warning when its file is valid', async () => {
    const identity = await serverIdentity()
    expect(await callAt(identity, { NODE_EXTRA_CA_CERTS: authority })).toEqual({ error: null, warnings: [] })
  })
})

test('NODE_TLS_REJECT_UNAUTHORIZED=0 is not honoured, and a warning says so', async () => {
  const { error, warnings } = await callAt(await serverIdentity(), { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
  expect(error).toMatchObject({ code: 'ErrUnavailable' })
  expect(warnings).toContainEqual(expect.stringContaining('is not honoured'))
})

describe.skipIf(!hasOpenssl)('a self-signed certificate', () => {
  const subject = ['-subj', '/CN=localhost', '-days', '30', '-nodes']
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']

  /** Makes a certificate with `openssl req -x509`, and a key of this kind. */
  function selfSigned(name: string, key: string[], more: string[]): Identity & { path: string } {
    const [keyPath, path] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
    const output = ['-keyout', keyPath, '-out', path]
    execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...more, ...output], { stdio: 'ignore' })
    return { cert: readFileSync(path), key: readFileSync(keyPath), path }
  }

  const curve = (name: string): string[] => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${name}`]

  test('that is its own authority (CA:TRUE) is trusted only where a variable names it', async () => {
    const { path, ...identity } = selfSigned('own', curve('P-256'), names)
    expect((await callAt(identity, { NODE_EXTRA_CA_CERTS: path })).error).toBeNull()
    expect((await callAt(identity, { AWS_CA_BUNDLE: path })).error).toBeNull()
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: authority })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('NODE_EXTRA_CA_CERTS') })
  })

  test('that is its own authority is refused for another name', async () => {
    const { path, ...identity } = selfSigned('other', curve('P-256'), ['-addext', 'subjectAltName=DNS:other.test'])
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: path })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('not valid for name') })
  })

  test('without a subjectAltName is refused with an error that says so', async () => {
    const { path, ...identity } = selfSigned('nameless', curve('P-256'), [])
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: path })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('subjectAltName') })
  })

  test('with a P-521 key is refused with an error that names the kind', async () => {
    const { path, ...identity } = selfSigned('p521', curve('P-521'), names)
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: path })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('P-521') })
  })

  test('with an RSA key of 1,024 bits is refused with an error that names the kind', async () => {
    const { path, ...identity } = selfSigned('rsa1024', ['-newkey', 'rsa:1024'], names)
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: path })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('2048 bits') })
  })

  test('of X.509 version 1 is refused with an error that names the version', async () => {
    const [key, request, path] = ['v1.key', 'v1.csr', 'v1.pem'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const quiet = { stdio: 'ignore' } as const
    execFileSync(
      'openssl',
      ['req', '-new', ...curve('P-256'), ...subject.slice(0, 2), '-nodes', '-keyout', key, '-out', request],
      quiet,
    )
    execFileSync('openssl', ['x509', '-req', '-in', request, '-signkey', key, '-days', '30', '-out', path], quiet)
    const identity = { cert: readFileSync(path), key: readFileSync(key) }
    const { error } = await callAt(identity, { NODE_EXTRA_CA_CERTS: path })
    expect(error).toMatchObject({ code: 'ErrUnavailable', message: expect.stringContaining('version 1') })
  })
})

// Node.js looks for the system's certificates where OpenSSL does, and OpenSSL looks where SSL_CERT_FILE says.
describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')("the system's certificates", () => {
  const node = (version: number): string =>
    fileURLToPath(new URL(`../nodes/node_modules/node-${version}/bin/node`, import.meta.url))
  const system = { SSL_CERT_FILE: authority, SSL_CERT_DIR: folder }

  test.each<[string, number, string[], Environment]>([
    ['--use-system-ca', 22, ['--use-system-ca'], {}],
    ['--use-system-ca', 24, ['--use-system-ca'], {}],
    ['--use-openssl-ca', 24, ['--use-openssl-ca'], {}],
    ['NODE_OPTIONS', 24, [], { NODE_OPTIONS: '--use-system-ca' }],
    ['NODE_USE_SYSTEM_CA', 24, [], { NODE_USE_SYSTEM_CA: '1' }],
  ])('are trusted with %s in Node.js %i', async (_, version, flags, variables) => {
    const environment = { ...system, ...variables }
    const runtime = { node: node(version), flags }
    expect(await callAt(await serverIdentity(), environment, runtime)).toEqual({ error: null, warnings: [] })
  })

  test('are not trusted without a switch', async () => {
    const { error } = await callAt(await serverIdentity(), system, { node: node(24), flags: [] })
    expect(error).toMatchObject({ code: 'ErrUnavailable' })
  })

  test('are not trusted by a Node.js that cannot list them, and a warning says so', async () => {
    const runtime = { node: process.execPath, flags: ['--use-openssl-ca'] }
    const { error, warnings } = await callAt(await serverIdentity(), system, runtime)
    if ('getCACertificates' in tls) expect({ error, warnings }).toEqual({ error: null, warnings: [] })
    else expect(warnings).toContainEqual(expect.stringContaining('--use-openssl-ca is not honoured'))
  })
})
