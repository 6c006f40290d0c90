// What is measured, built as it would be shipped.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import * as esbuild from 'esbuild'

import { run } from '../scripts/run.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** The addon as `npm run build` makes it. */
export const buildAddon = () => run('npm', 'run', 'build')

/** The Rust programs; resolves to where each of them lies. */
export async function buildPrograms() {
  const args = ['build', '--release', '--locked', '--package', 'bench-native', '--message-format', 'json']
  const cargo = spawn('cargo', args, { cwd: here('..'), stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code]] = await Promise.all([text(cargo.stdout), once(cargo, 'exit')])
  if (code !== 0) throw new Error(`cargo ended with ${code}`)
  const programs = {}
  for (const line of output.trim().split('\n')) {
    const { executable, target } = JSON.parse(line)
    if (executable) programs[target.name] = executable
  }
  return programs
}

/** The peer on the AWS SDK in one file, as one would deploy it: minified, and in the format that loads fastest. */
export async function bundle() {
  const folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-bundle-'))
  const file = join(folder, 'sdk.mjs')
  await esbuild.build({
    entryPoints: [here('peers/sdk.mjs')],
    outfile: file,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Some of what is bundled is CommonJS.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    mainFields: ['module', 'main'],
    logLevel: 'warning',
  })
  return { file, remove: () => rm(folder, { recursive: true }) }
}
