// Installs the packages of package-lock.json and builds the addon, unless that is done already.
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { buildAddon } from './build-progress.mjs'
import { isProgram, run } from './run.mjs'

const modified = (path) =>
  statSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), { throwIfNoEntry: false })?.mtimeMs ?? 0

async function install(folder) {
  if (modified(`${folder}/node_modules/.package-lock.json`) < modified(`${folder}/package-lock.json`)) {
    await run('npm', 'ci', '--no-audit', '--no-fund', '--prefix', folder)
  }
}

export async function prepare() {
  await install('.')
  await buildAddon('simulated-time')
}

/** Installed for the tests only: other versions of Node.js, and bundlers. */
export async function installForTests() {
  await install('__test__/nodes')
  await install('__test__/bundlers')
}

/** The newest AWS SDK, which the benchmark measures beside the one in use. */
export const installNewestSdk = () => install('bench/newest')

// `install` leaves the building to others.
if (isProgram(import.meta.url)) {
  await (process.argv[2] === 'install' ? install('.') : prepare())
}
