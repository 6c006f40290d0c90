// Puts the packed files in the place of the built ones, so that the tests run the files that npm installs on this platform.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { tarballsIn } from './pack.mjs'
import { run } from './run.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Installed as an app does it, and copied from there. */
export async function unpack(folder) {
  const tarballs = tarballsIn(folder).filter(({ file }) => existsSync(file))
  const app = mkdtempSync(join(tmpdir(), 'tabletheory-isr-unpack-'))
  writeFileSync(join(app, 'package.json'), '{ "private": true }\n')
  // Optional, so that npm leaves out the packages of other platforms.
  const flags = ['--save-optional', '--offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', 'install', '--prefix', app, ...flags, ...tarballs.map(({ file }) => file))

  for (const name of readdirSync(root)) if (name.endsWith('.node')) rmSync(join(root, name))
  for (const { name } of tarballs) {
    const installed = join(app, 'node_modules', name)
    if (!existsSync(installed)) continue
    const { files } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    for (const file of files) cpSync(join(installed, file), join(root, file), { recursive: true })
  }
  rmSync(app, { recursive: true })
}
