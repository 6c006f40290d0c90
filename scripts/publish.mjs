// Publishes the tarballs of `scripts/pack.mjs`. It skips versions that the registry has already, so it can run again.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { tarballsIn } from './pack.mjs'
import { isProgram } from './run.mjs'

/** The first that publishes without a token. */
const leastNpm = '11.5.1'

const integrityOf = (file) => `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`

/** The registry's entry for this name and version, or nothing. */
function published(npm, { name, version }) {
  const { status, stdout, stderr } = npm('view', `${name}@${version}`, 'dist.integrity', '--json')
  const answer = stdout.trim() ? JSON.parse(stdout) : undefined
  if (status === 0) return answer
  if (answer?.error?.code === 'E404') return undefined
  throw new Error(`npm view ${name}@${version} failed:\n${stdout}${stderr}`)
}

/**
 * The platforms' packages come first, so that an app that gets the main one finds them. Throws at the first fault.
 *
 * @param {string} folder with the tarballs
 * @param {(...args: string[]) => { status: number | null, stdout: string, stderr: string }} npm runs it
 * @param {boolean} isRehearsal publishes nothing
 */
export function publishAll(folder, npm, isRehearsal) {
  const tarballs = tarballsIn(folder)
  const missing = tarballs.filter(({ file }) => !existsSync(file))
  if (missing.length > 0) throw new Error(`not packed: ${missing.map(({ file }) => file).join(', ')}`)
  for (const { name, version, file } of tarballs) {
    const integrity = published(npm, { name, version })
    if (integrity === integrityOf(file)) {
      console.log(`${name}@${version} is there`)
      continue
    }
    if (integrity !== undefined) {
      const advice = 'Run only the jobs again that failed, which takes the same tarballs; or release another version.'
      const message = `${name}@${version} is there with other contents (${integrity}). ${advice}`
      if (!isRehearsal) throw new Error(message)
      console.log(message)
      continue
    }
    // A version like 1.0.0-rc.1 is not for those who ask for no version.
    const tag = version.includes('-') ? 'next' : 'latest'
    const how = isRehearsal ? '--dry-run' : '--provenance'
    const { status, stdout, stderr } = npm('publish', file, '--access', 'public', '--tag', tag, how)
    console.log(stdout + stderr)
    if (status !== 0) throw new Error(`npm publish ${file} failed`)
    console.log(`${name}@${version} ${isRehearsal ? 'would be' : 'is'} published`)
  }
}

function run(...args) {
  const { error, ...result } = spawnSync('npm', args, { encoding: 'utf8' })
  if (error) throw error
  return result
}

if (isProgram(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [folder = fileURLToPath(new URL('../dist', import.meta.url))] = positionals
  try {
    const version = run('--version').stdout.trim()
    if (version.localeCompare(leastNpm, 'en', { numeric: true }) < 0) {
      throw new Error(`npm ${version} is too old: trusted publishing came with ${leastNpm}`)
    }
    publishAll(folder, run, values['dry-run'])
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
}
