// Everything that CI checks. `npm test -- --only js` and the like runs one part of it on what was built last.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { runCargoTool } from './cargo-tools.mjs'
import { startDynamoDbLocal } from './dynamodb-local.mjs'
import { installNodes, prepare } from './prepare.mjs'
import { run, runWith } from './run.mjs'
import { unpack } from './unpack.mjs'

/** `napi build` names its target. Where the others name the same, dependencies are built once. */
const target = () => {
  const [, host] = /^host: (\S+)/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' })) ?? []
  return { CARGO_BUILD_TARGET: host }
}

/** What says of a binary whether it works, on any machine: these need no signals, no build and no network but loopback. */
const ofArtifacts = [
  'package',
  'runtime',
  'cli',
  'cli-doctor',
  'parity',
  'parity-random',
  'contention',
  'lease-expiry',
  'rows',
  'foreign-rows',
  'exact-numbers',
  'partition-key',
  'interop',
  'boundary',
  'boundary-receivers',
  'errors-conflicts',
  // Windows writes paths in another way, and reaches no server at 0.0.0.0.
  ...(process.platform === 'win32' ? [] : ['tls', 'errors']),
].map((name) => `__test__/${name}.test.ts`)

/** Where `npm run tarballs` leaves what it has packed. */
const tarballs = fileURLToPath(new URL('../dist', import.meta.url))

const parts = {
  rust: async () => {
    await run('cargo', 'fmt', '--all', '--check')
    await runWith(target(), 'cargo', 'clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings')
    const { endpoint, stop } = await startDynamoDbLocal()
    const variables = { ...target(), DYNAMODB_ENDPOINT: endpoint, SIMULATION_SEEDS: '20000' }
    await runWith(variables, 'cargo', 'test', '--locked', '--quiet', '--', '--include-ignored')
    await stop()
    const strict = { ...target(), RUSTDOCFLAGS: '-D warnings' }
    await runWith(strict, 'cargo', 'doc', '--no-deps', '--locked', '--quiet')
  },
  dependencies: async () => {
    await runCargoTool('deny', 'check', 'bans', 'licenses', 'sources')
  },
  lint: async () => {
    await run('npx', 'biome', 'ci', '--error-on-warnings', '.')
    await run('npx', 'tsc')
    await run('npx', 'cspell', '--no-progress', '--dot', '.')
    await run('npx', 'publint', '--strict')
    await run('node', 'scripts/lint-workflows.mjs')
    await run('node', 'scripts/versions.mjs')
  },
  demo: async () => {
    await run('node', 'examples/demo.mjs')
  },
  js: async () => {
    await installNodes()
    await run('npx', 'vitest', 'run')
  },
}

/** Only when they are asked for. */
const more = {
  // What is packed already, in the place of what was built.
  artifacts: async () => {
    await unpack(tarballs)
    await runWith({ ISR_TEST_TARBALLS: tarballs }, 'npx', 'vitest', 'run', ...ofArtifacts)
  },
  // What has become known of dependencies. It changes without a change here, and is kept on another server than they are.
  advisories: () => runCargoTool('deny', 'check', 'advisories'),
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const all = { ...parts, ...more }
if (values.only === undefined) {
  await prepare()
  // What the build generates is committed.
  await run('git', 'diff', '--exit-code', '--', 'index.js', 'index.d.ts', 'Cargo.lock', 'package-lock.json')
  for (const part of Object.values(parts)) await part()
} else if (Object.hasOwn(all, values.only)) {
  await all[values.only]()
} else {
  console.error(`--only takes one of ${Object.keys(all).join(', ')}`)
  process.exit(2)
}
