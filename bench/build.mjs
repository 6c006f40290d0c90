// Builds the measured programs as they would be shipped.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import * as esbuild from 'esbuild'

import { run } from '../scripts/run.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Builds the addon with `npm run build`. */
export const buildAddon = () => run('npm', 'run', 'build')

/** Builds the Rust programs. Resolves to the path of each. */
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

/** Where each version of the AWS SDK is installed. */
const sdks = { current: here('../node_modules'), newest: here('newest/node_modules') }

/**
 * Bundles the peer on the AWS SDK into one file, as for a deployment: minified, and in the format that loads fastest.
 * `newest` is the same on the newest version of the AWS SDK.
 */
export async function bundle() {
  const folder = await mkdtemp(join(tmpdir(), 'tabletheory-isr-bundle-'))
  const bundleWith = async (name, modules) => {
    const sdk = join(modules, '@aws-sdk/client-dynamodb')
    const file = join(folder, `${name}.mjs`)
    await esbuild.build({
      entryPoints: [here('peers/sdk.mjs')],
      outfile: file,
      alias: { '@aws-sdk/client-dynamodb': sdk },
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // Some of the bundled modules are CommonJS.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      mainFields: ['module', 'main'],
      logLevel: 'warning',
    })
    return { file, version: JSON.parse(await readFile(join(sdk, 'package.json'), 'utf8')).version }
  }
  return {
    ...(await bundleWith('sdk', sdks.current)),
    newest: await bundleWith('sdk-newest', sdks.newest),
    remove: () => rm(folder, { recursive: true }),
  }
}
