// Everything that CI checks. `npm test -- --only js` and the like runs one part of it on what was built last.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

import { startDynamoDbLocal } from './dynamodb-local.mjs'
import { installNodes, prepare } from './prepare.mjs'
import { run, runWith } from './run.mjs'

/** `napi build` names its target. Where the others name the same, dependencies are built once. */
const target = () => {
  const [, host] = /^host: (\S+)/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' })) ?? []
  return { CARGO_BUILD_TARGET: host }
}

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
  lint: async () => {
    await run('npx', 'biome', 'ci', '--error-on-warnings', '.')
    await run('npx', 'tsc')
    await run('npx', 'publint', '--strict')
  },
  js: async () => {
    await installNodes()
    await run('npx', 'vitest', 'run')
  },
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
if (values.only === undefined) {
  await prepare()
  // What the build generates is committed.
  await run('git', 'diff', '--exit-code', '--', 'index.js', 'index.d.ts', 'Cargo.lock', 'package-lock.json')
  for (const part of Object.values(parts)) await part()
} else if (Object.hasOwn(parts, values.only)) {
  await parts[values.only]()
} else {
  console.error(`--only takes one of ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}
