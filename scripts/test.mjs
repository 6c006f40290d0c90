// Everything that CI checks. `npm test -- --only js` and the like runs one part of it on what was built last.
import { parseArgs } from 'node:util'

import { installNodes, prepare } from './prepare.mjs'
import { run } from './run.mjs'

const parts = {
  rust: async () => {
    await run('cargo', 'fmt', '--check')
    await run('cargo', 'clippy', '--all-targets', '--locked', '--', '-D', 'warnings')
    await run('cargo', 'test', '--locked', '--quiet')
    process.env.RUSTDOCFLAGS = '-D warnings'
    await run('cargo', 'doc', '--no-deps', '--locked', '--quiet')
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
