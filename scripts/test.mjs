// Everything that CI checks. `npm test -- --only js` and the like runs one part of it on the last build.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { runCargoTool } from './cargo-tools.mjs'
import { startDynamoDbLocal } from './dynamodb-local.mjs'
import { installForTests, prepare } from './prepare.mjs'
import { run, runWith } from './run.mjs'
import { unpack } from './unpack.mjs'

/** `napi build` names its target. Where the others name the same, dependencies are built once. */
const target = () => {
  const [, host] = /^host: (\S+)/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' })) ?? []
  return { CARGO_BUILD_TARGET: host }
}

/** Tests that show whether a binary works, on any machine. They need no signals, no build, and only the loopback network. */
const ofArtifacts = [
  'package/tarballs',
  'package/runtime',
  'cli/command-line',
  'cli/inspect',
  'cli/list',
  'cli/invalidate',
  'cli/invalidate-prefix',
  'cli/doctor',
  'contract/parity',
  'contract/random-operations',
  'contract/contention',
  'contract/lease-expiry',
  'contract/rows',
  'contract/foreign-rows',
  'contract/exact-numbers',
  'contract/partition-key',
  'interop/tabletheory',
  'boundary/fields',
  'boundary/receivers',
  'faults/conflicts',
  // Windows writes paths in another way, and reaches no server at 0.0.0.0.
  ...(process.platform === 'win32' ? [] : ['connection/tls', 'faults/error-codes']),
].map((name) => `__test__/${name}.test.ts`)

/** The folder to which `npm run tarballs` packs. */
const tarballs = fileURLToPath(new URL('../dist', import.meta.url))

const parts = {
  rust: async () => {
    await run('cargo', 'fmt', '--all', '--check')
    await runWith(target(), 'cargo', 'clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings')
    const { endpoint, stop } = await startDynamoDbLocal()
    // The code is the addon's, not optimised; a scheduled run has many more seeds, and an optimised build.
    const variables = { ...target(), DYNAMODB_ENDPOINT: endpoint, SIMULATION_SEEDS: '500' }
    const chosen = ['--include-ignored', '--skip', 'fleet_table']
    await runWith(variables, 'cargo', 'test', '--locked', '--quiet', '--features', 'simulated-time', '--', ...chosen)
    await runWith(target(), 'cargo', 'test', '--locked', '--quiet', '--package', 'protocol-model')
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
    await run('node', 'scripts/prose.mjs')
    await run('npx', 'publint', '--strict')
    await run('node', 'scripts/lint-workflows.mjs')
    await run('node', 'scripts/unused-dependencies.mjs')
    await run('node', 'scripts/versions.mjs')
  },
  demo: async () => {
    await run('node', 'examples/demo.mjs')
  },
  js: async () => {
    await installForTests()
    await run('npx', 'vitest', 'run')
  },
}

/** Only when they are asked for. */
const more = {
  // The tarballs that are packed already, in the place of the build.
  artifacts: async () => {
    await unpack(tarballs)
    await runWith({ ISR_TEST_TARBALLS: tarballs }, 'npx', 'vitest', 'run', ...ofArtifacts)
  },
  // Advisories about dependencies. They change without a change here, and are on another server than the dependencies.
  advisories: () => runCargoTool('deny', 'check', 'advisories'),
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const all = { ...parts, ...more }
if (values.only === undefined) {
  await prepare()
  // The generated files are committed.
  await run('git', 'diff', '--exit-code', '--', 'index.d.ts', 'cli/admin.d.ts', 'Cargo.lock', 'package-lock.json')
  for (const part of Object.values(parts)) await part()
} else if (Object.hasOwn(all, values.only)) {
  await all[values.only]()
} else {
  console.error(`--only takes one of ${Object.keys(all).join(', ')}`)
  process.exit(2)
}
