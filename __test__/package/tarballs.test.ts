// The tarballs that are published, installed in an app elsewhere, without a registry.
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as esbuild from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { endpoint, makeTable, newKey } from '../support/store.js'
import { execute, installApp, packedTarballs, root, type Tarballs } from '../support/tarballs.js'

let folder: string
let table: string
let packed: Tarballs

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-package-'))
  table = await makeTable()
  packed = packedTarballs()
}, 240_000)
afterAll(() => rm(folder, { recursive: true }))

/** A new app of this module system with these tarballs, written in TypeScript. */
async function install(type: 'module' | 'commonjs', tarballs: string[]): Promise<string> {
  const app = await installApp(folder, type, tarballs)
  await cp(`${root}__test__/fixtures/app`, app, { recursive: true })
  return app
}

/** Type-checks and compiles the app with a compiler of this project. */
async function compile(
  app: string,
  compiler: string,
  module: string,
  moduleResolution: string,
  more: string[] = [],
): Promise<void> {
  const types = ['--types', 'node', '--typeRoots', `${root}node_modules/@types`]
  const flags = ['--strict', '--exactOptionalPropertyTypes', '--target', 'es2023', ...types]
  const resolution = ['--module', module, '--moduleResolution', moduleResolution, ...more]
  const tsc = `${root}node_modules/${compiler}/bin/tsc`
  await execute(process.execPath, [tsc, ...flags, ...resolution, 'app.ts'], { cwd: app }).catch(({ stdout }) => {
    throw new Error(stdout)
  })
}

/** The program's output. */
async function run(app: string): Promise<string> {
  const env = { DYNAMODB_ENDPOINT: endpoint, PATH: process.env.PATH }
  const { stdout } = await execute(process.execPath, ['app.js', table, newKey()], { cwd: app, env })
  return stdout.trim()
}

const notices = async (app: string): Promise<string[]> =>
  (await readdir(join(app, 'node_modules/@theory-cloud'), { recursive: true })).filter((path) => /NOTICES/.test(path))

/** `node10` does not exist in TypeScript 7, and TypeScript 6 warns of it. */
const resolutions = [
  ['typescript-5.9', 'commonjs', 'node10'],
  ...['typescript-5.9', 'typescript-6', 'typescript'].flatMap((compiler) => [
    [compiler, 'nodenext', 'nodenext'],
    [compiler, 'esnext', 'bundler'],
  ]),
]

describe.each(['module', 'commonjs'] as const)('an app of type %s', (type) => {
  let app: string
  beforeAll(async () => {
    app = await install(type, [packed.main, ...packed.platforms])
  }, 240_000)

  test.each(resolutions)('type-checks with %s, module %s and moduleResolution %s', async (...settings) => {
    await compile(app, ...(settings as [string, string, string]), ['--noEmit'])
  })

  test('runs, has the licence notices of its binary, and lists its page with the command', async () => {
    await compile(app, 'typescript', 'nodenext', 'nodenext')
    expect(await run(app)).toBe('page.html')
    expect(await notices(app)).toHaveLength(1)
    const { stdout } = await execute('npx', ['--offline', 'tabletheory-isr', 'list', '--json', '--table-name', table], {
      cwd: app,
      env: { DYNAMODB_ENDPOINT: endpoint, PATH: process.env.PATH },
      shell: process.platform === 'win32',
    })
    expect(stdout).toContain('"htmlPointer":"page.html"')
  })
})

test.each(['cjs', 'esm'] as const)(
  'a handler that esbuild bundles into one file runs with the package beside it: %s',
  async (format) => {
    const app = await install('commonjs', [packed.main, ...packed.platforms])
    // The files for Lambda: the bundle, and the modules that it leaves out.
    const asset = await mkdtemp(join(folder, 'asset-'))
    await cp(join(app, 'node_modules'), join(asset, 'node_modules'), { recursive: true })
    await writeFile(join(asset, 'package.json'), JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }))
    await esbuild.build({
      entryPoints: [join(app, 'app.ts')],
      outfile: join(asset, 'app.js'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      external: ['@theory-cloud/tabletheory-isr'],
    })
    expect(await run(asset)).toBe('page.html')
  },
)

test('the types of the main tarball resolve in every module system', async () => {
  const attw = `${root}node_modules/@arethetypeswrong/cli/dist/index.js`
  const { stdout } = await execute(process.execPath, [attw, packed.main, '--no-emoji', '--no-color'])
  expect(stdout).toContain('No problems found')
})

test('the single tarball for all platforms works without another tarball', async () => {
  const app = await install('commonjs', [packed.fat])
  await compile(app, 'typescript', 'nodenext', 'nodenext')
  expect(await run(app)).toBe('page.html')
  expect(await notices(app)).toEqual(['tabletheory-isr/THIRD-PARTY-NOTICES.txt'])
})

test('the loader names the missing package and the command that installs it when only the main package is installed', async () => {
  const app = await install('commonjs', [packed.main])
  await compile(app, 'typescript', 'nodenext', 'nodenext')
  const { stderr } = await run(app).then(
    () => ({ stderr: 'it ran' }),
    (error: { stderr: string }) => error,
  )
  expect(stderr).toMatch(/the package "@theory-cloud\/tabletheory-isr-\w+-\w+(-\w+)?" is not installed/)
  expect(stderr).toContain('npm install --include=optional --os=')
  expect(stderr).not.toMatch(/npm has a bug|wasm32/)
})
