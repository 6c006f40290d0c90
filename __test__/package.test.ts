// The tarballs that are published, installed in an app elsewhere, without a registry. ISR_TEST_TARBALLS names a folder of some
// that are packed already.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import * as esbuild from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { packAll, packFat, tarballsIn } from '../scripts/pack.mjs'
import { endpoint, makeTable, newKey } from './support/store.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const execute = promisify(execFile)

let folder: string
let table: string
let packed: { main: string; platforms: string[]; fat: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-package-'))
  table = await makeTable()
  packed = given(process.env.ISR_TEST_TARBALLS) ?? { ...packAll(folder), fat: packFat(join(folder, 'fat')) }
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

function given(tarballs: string | undefined): typeof packed | undefined {
  if (tarballs === undefined) return undefined
  const [main = '', ...platforms] = tarballsIn(tarballs)
    .map(({ file }) => file)
    .toReversed()
  const [fat = ''] = tarballsIn(join(tarballs, 'fat'))
    .map(({ file }) => file)
    .toReversed()
  return { main, platforms: platforms.filter((file) => existsSync(file)), fat }
}

/** A new app of this module system with these tarballs, written in TypeScript. */
async function install(type: 'module' | 'commonjs', tarballs: string[]): Promise<string> {
  const app = await mkdtemp(join(folder, 'app-'))
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type }))
  await cp(`${root}__test__/fixtures/app`, app, { recursive: true })
  // Optional, so that npm leaves out what is for other platforms.
  const flags = ['--save-optional', '--offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await execute('npm', ['install', ...flags, ...tarballs], { cwd: app, shell: process.platform === 'win32' })
  return app
}

/** Type-checks and compiles it with the project's own compiler. */
async function compile(app: string, compiler: string, module: string, moduleResolution: string): Promise<void> {
  const types = ['--types', 'node', '--typeRoots', `${root}node_modules/@types`]
  const flags = ['--strict', '--exactOptionalPropertyTypes', '--target', 'es2023', ...types]
  const resolution = ['--module', module, '--moduleResolution', moduleResolution]
  const tsc = `${root}node_modules/${compiler}/bin/tsc`
  await execute(process.execPath, [tsc, ...flags, ...resolution, 'app.ts'], { cwd: app }).catch(({ stdout }) => {
    throw new Error(stdout)
  })
}

/** What it prints. */
async function run(app: string): Promise<string> {
  const env = { DYNAMODB_ENDPOINT: endpoint, PATH: process.env.PATH }
  const { stdout } = await execute(process.execPath, ['app.js', table, newKey()], { cwd: app, env })
  return stdout.trim()
}

const notices = async (app: string): Promise<string[]> =>
  (await readdir(join(app, 'node_modules/@theory-cloud'), { recursive: true })).filter((path) => /NOTICES/.test(path))

describe.each(['module', 'commonjs'] as const)('an app of type %s', (type) => {
  test('installs the package and that of its platform, type-checks however modules are resolved, and runs', async () => {
    const app = await install(type, [packed.main, ...packed.platforms])
    for (const compiler of ['typescript-5.9', 'typescript']) {
      if (type === 'module') await compile(app, compiler, 'esnext', 'bundler')
      await compile(app, compiler, 'nodenext', 'nodenext')
    }
    expect(await run(app)).toBe('page.html')
    // The binary comes with the notices of what is in it.
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
  'a handler in one file by esbuild runs with the package beside it: %s',
  async (format) => {
    const app = await install('commonjs', [packed.main, ...packed.platforms])
    // What goes to Lambda: the bundle, and the modules that are left out of it.
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

test('its types resolve in every module system that there is', async () => {
  const attw = `${root}node_modules/@arethetypeswrong/cli/dist/index.js`
  const { stdout } = await execute(process.execPath, [attw, packed.main, '--no-emoji', '--no-color'])
  expect(stdout).toContain('No problems found')
})

test('the single tarball needs no other', async () => {
  const app = await install('commonjs', [packed.fat])
  await compile(app, 'typescript', 'nodenext', 'nodenext')
  expect(await run(app)).toBe('page.html')
  expect(await notices(app)).toEqual(['tabletheory-isr/THIRD-PARTY-NOTICES.txt'])
})

test('where no binary fits, the error says what was looked for, and what to do', async () => {
  const app = await install('commonjs', [packed.main])
  await compile(app, 'typescript', 'nodenext', 'nodenext')
  const { stderr } = await run(app).then(
    () => ({ stderr: 'it ran' }),
    (error: { stderr: string }) => error,
  )
  expect(stderr).toContain('Cannot find native binding')
  expect(stderr).toContain('npm i')
  expect(stderr).toMatch(/@theory-cloud\/tabletheory-isr-\w+-\w+/)
})
