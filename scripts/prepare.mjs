// Installs what package-lock.json names and builds the addon, where that is not done already.
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { run } from './run.mjs'

const modified = (path) =>
  statSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), { throwIfNoEntry: false })?.mtimeMs ?? 0

export async function prepare() {
  if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
    await run('npm', 'ci', '--no-audit', '--no-fund')
  }
  await run('npx', 'napi', 'build', '--platform')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare()
