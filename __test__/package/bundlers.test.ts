// The packed tarballs in bundled apps. A bundle works by itself or beside the installed package, or an error names the
// package and the setting.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type Build, builds } from '../support/bundlers.js'
import { endpoint, makeTable, newKey } from '../support/store.js'
import { installApp, packedTarballs, type Tarballs } from '../support/tarballs.js'

let folder: string
let app: string
let table: string
let packed: Tarballs

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-bundlers-'))
  table = await makeTable()
  packed = packedTarballs()
  app = await installApp(folder, 'commonjs', [packed.main, ...packed.platforms])
  await writeApp(app)
}, 240_000)
afterAll(() => rm(folder, { recursive: true }))

/** The same app in both module systems: it prints `null` when its call was answered. */
async function writeApp(place: string): Promise<void> {
  const use = 'new FaceTheoryIsrMetaStore(process.argv[2]).get(process.argv[3]).then((record) => console.log(record))'
  const name = '@theory-cloud/tabletheory-isr'
  await writeFile(join(place, 'app.mjs'), `import { FaceTheoryIsrMetaStore } from '${name}'\n${use}\n`)
  await writeFile(join(place, 'app.cjs'), `const { FaceTheoryIsrMetaStore } = require('${name}')\n${use}\n`)
}

/** All that the program prints, standard error included. */
const run = (program: string): Promise<string> => execute(process.execPath, program)

function execute(file: string, ...programs: string[]): Promise<string> {
  const env = { DYNAMODB_ENDPOINT: endpoint, PATH: process.env.PATH }
  return new Promise((resolve) => {
    execFile(file, [...programs, table, newKey()], { env }, (_, stdout, stderr) => resolve(`${stdout}${stderr}`.trim()))
  })
}

/** The paths of the bundle in a folder of the app, and in a folder outside the app. */
async function bundle(build: Build): Promise<{ beside: string; alone: string }> {
  const inside = await mkdtemp(join(app, 'out-'))
  const name = await build(app, inside)
  const away = await mkdtemp(join(folder, 'alone-'))
  cpSync(inside, away, { recursive: true })
  return { beside: join(inside, name), alone: join(away, name) }
}

const buildError = (build: Build) =>
  bundle(build).then(
    () => 'it was built',
    (error) => String(error),
  )

describe('a bundle works without the installed package', () => {
  test.each(Object.entries(builds.complete))('by %s', async (_, build) => {
    const { alone } = await bundle(build)
    expect(await run(alone)).toBe('null')
  })
})

describe('a bundle works beside the installed package, and elsewhere its error names the package and the setting', () => {
  test.each(Object.entries(builds.beside))('by %s', async (_, build) => {
    const { beside, alone } = await bundle(build)
    expect(await run(beside)).toBe('null')
    const message = await run(alone)
    expect(message).toContain('This bundle lacks the native addon of @theory-cloud/tabletheory-isr.')
    expect(message).toContain('Keep "@theory-cloud/tabletheory-isr" external and install it beside the bundle')
  })
})

describe('a bundle that keeps the package external works only beside the installed package', () => {
  test.each(Object.entries(builds.external))('by %s', async (_, build) => {
    const { beside, alone } = await bundle(build)
    expect(await run(beside)).toBe('null')
    expect(await run(alone)).toMatch(/Cannot find (package|module) '@theory-cloud\/tabletheory-isr'/)
  })
})

describe('the build fails at the file of the addon, with a message about this kind of file', () => {
  test.each(Object.entries(builds.refused))('by %s', async (_, { build, hint }) => {
    const message = await buildError(build)
    expect(message).toMatch(/@theory-cloud\/tabletheory-isr-\S+\.node/)
    expect(message).toContain(hint)
  })
})

describe('the build fails with a message that names the package when no addon is installed', () => {
  test.each(Object.entries(builds.copying))('by %s', async (_, build) => {
    const bare = await installApp(folder, 'commonjs', [packed.main])
    await writeApp(bare)
    const out = join(bare, 'out')
    mkdirSync(out)
    const message = await build(bare, out).then(
      () => 'it was built',
      (error) => String(error),
    )
    expect(message).toContain('No package with a native addon of @theory-cloud/tabletheory-isr is installed')
  })
})

test.each(['app.mjs', 'app.cjs'])('@vercel/nft traces the package and its addon from %s', async (entry) => {
  const require = createRequire(new URL('../bundlers/package.json', import.meta.url))
  const { nodeFileTrace } = require('@vercel/nft')
  const { fileList } = await nodeFileTrace([join(app, entry)], { base: app })
  const traced = await mkdtemp(join(folder, 'traced-'))
  for (const file of fileList) cpSync(join(app, file), join(traced, file), { recursive: true })
  expect(await run(join(traced, entry))).toBe('null')
})

// The first version of Node.js that builds one by itself is 25.5.
const node = fileURLToPath(new URL('../nodes/node_modules/node-26/bin/node', import.meta.url))
test.skipIf(!existsSync(node))('a single executable application loads the package that is beside it', async () => {
  const out = await mkdtemp(join(app, 'sea-'))
  const [main, config, output] = ['main.cjs', 'sea.json', 'app'].map((name) => join(out, name)) as [
    string,
    string,
    string,
  ]
  const source = `require = process.getBuiltinModule('node:module').createRequire(process.execPath)\n`
  await writeFile(main, source + (await readFile(join(app, 'app.cjs'), 'utf8')))
  await writeFile(config, JSON.stringify({ main, output, disableExperimentalSEAWarning: true }))
  await promisify(execFile)(node, ['--build-sea', config])
  expect(await execute(output)).toBe('null')
})
