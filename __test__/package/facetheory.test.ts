// FaceTheory's own tests and examples with this store, in a checkout of FaceTheory that FACETHEORY_DIR names. Its examples need
// `npm ci` in the checkout's folder `ts`.
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import * as esbuild from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { endpoint, makeTable } from '../support/store.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const facetheory = process.env.FACETHEORY_DIR ?? ''
const execute = promisify(execFile)

/** FaceTheory's code with this store under the name of its own in-memory store. */
const withThisStore: esbuild.Plugin = {
  name: 'with-this-store',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@theory-cloud\/facetheory(\/react)?$/ }, ({ path }) => ({
      path: join(facetheory, 'ts/src', path.endsWith('/react') ? 'react/index.ts' : 'index.ts'),
    }))
    onLoad({ filter: /(isr\.test|examples\/[\w-]+\/handler)\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const changed = source.replace(/^ {2}InMemoryIsrMetaStore,\n/m, '')
      if (changed === source) throw new Error(`${path} does not import InMemoryIsrMetaStore`)
      const ours = JSON.stringify(join(root, '__test__/fixtures/facetheory/store.mjs'))
      return {
        contents: `import { InMemoryIsrMetaStore } from ${ours}\n${changed}`,
        loader: 'ts',
        resolveDir: dirname(path),
      }
    })
  },
}

describe.runIf(facetheory !== '')('FaceTheory with this store', () => {
  let folder: string
  let table: string

  beforeAll(async () => {
    // Inside the package's own folder, where Node.js resolves the package by its own name.
    await mkdir(join(root, 'target'), { recursive: true })
    folder = await mkdtemp(join(root, 'target/facetheory-'))
    table = await makeTable()
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function bundle(entry: string): Promise<string> {
    const outfile = join(folder, `${entry.replaceAll(/\W/g, '-')}.mjs`)
    await esbuild.build({
      entryPoints: [join(facetheory, 'ts', entry)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      external: ['@theory-cloud/tabletheory-isr'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      plugins: [withThisStore],
    })
    return outfile
  }

  test('passes its own ISR tests', async () => {
    const file = await bundle('test/unit/isr.test.ts')
    const env = { PATH: process.env.PATH, DYNAMODB_ENDPOINT: endpoint, FACETHEORY_CACHE_TABLE_NAME: table }
    const { stdout } = await execute(process.execPath, ['--test', '--test-reporter=tap', file], { env }).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(31)
  }, 900_000)

  test.each(['isr-blocking', 'react-isr'])('serves its example %s over HTTP: a miss, then hits', async (name) => {
    Object.assign(process.env, { DYNAMODB_ENDPOINT: endpoint, FACETHEORY_CACHE_TABLE_NAME: table })
    const { handler } = await import(pathToFileURL(await bundle(`examples/${name}/handler.ts`)).href)
    const server = createServer(async ({ url = '/', method }, response) => {
      const { statusCode, headers, body } = await handler({
        rawPath: url,
        requestContext: { http: { method, path: url } },
      })
      response.writeHead(statusCode, headers).end(body)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const answers: (string | null)[] = []
      const bodies = new Set<string>()
      for (let visit = 0; visit < 3; visit++) {
        const answer = await fetch(`http://127.0.0.1:${port}/news/${name}`)
        answers.push(answer.headers.get('x-facetheory-isr'))
        bodies.add(await answer.text())
      }
      expect(answers).toEqual(['miss', 'hit', 'hit'])
      expect(bodies.size).toBe(1)
    } finally {
      server.close()
    }
  })

  test('has a starter to which the patch of the deployment recipe applies', async () => {
    const patch = join(root, 'docs/infrastructure/facetheory-starter.patch')
    const copy = join(folder, 'starter.patch')
    copyFileSync(patch, copy)
    await execute('git', ['apply', '--check', copy], { cwd: facetheory })
  })
})
