// Installs what package-lock.json names and builds the addon, where that is not done already.
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

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
  await run('npm', 'run', 'addon', '--', '--features', 'simulated-time')
}

/** The other versions of Node.js. */
export const installNodes = () => install('__test__/nodes')

// `install` leaves the building to others.
if (isProgram(import.meta.url)) {
  await (process.argv[2] === 'install' ? install('.') : prepare())
}
