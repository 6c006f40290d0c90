// Builds the addon, and shows how far the build is and about how long it still takes.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Where the output is not a terminal: a line at most this often. */
const reportIntervalMs = 10_000

/** The number of things that cargo compiles or runs for the addon: every crate, and every build script twice. */
function countUnits(features) {
  const host = /^host: (\S+)/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))?.[1]
  const args = ['metadata', '--format-version', '1', '--locked', '--manifest-path', 'addon/Cargo.toml']
  if (features.length > 0) args.push('--features', features.join(','))
  const output = execFileSync('cargo', [...args, '--filter-platform', host], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 27,
  })
  const { packages, resolve } = JSON.parse(output)
  const needed = new Set()
  const need = (id) => {
    if (needed.has(id)) return
    needed.add(id)
    const { deps } = resolve.nodes.find((node) => node.id === id)
    for (const { pkg, dep_kinds: kinds } of deps) if (kinds.some(({ kind }) => kind !== 'dev')) need(pkg)
  }
  need(resolve.root)
  const hasScript = ({ targets }) => targets.some(({ kind }) => kind.includes('custom-build'))
  return packages.filter(({ id }) => needed.has(id)).reduce((units, one) => units + (hasScript(one) ? 3 : 1), 0)
}

function createReport(total) {
  const began = Date.now()
  let done = 0
  let compiled = 0
  let reported = began
  const line = () => {
    const seconds = (Date.now() - began) / 1_000
    const left = Math.ceil((seconds / compiled) * Math.max(0, total - done))
    return `building the addon: ${done} of about ${total} steps after ${Math.round(seconds)} s, about ${left} s left`
  }
  return {
    /** Steps that were done before take no time, and say nothing of the others. */
    step: (isFresh) => {
      done += 1
      if (!isFresh) compiled += 1
      if (compiled === 0) return
      if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line()}`)
      else if (Date.now() - reported >= reportIntervalMs) {
        reported = Date.now()
        console.log(line())
      }
    },
    end: () => {
      if (process.stdout.isTTY && compiled > 0) process.stdout.write('\r\x1b[K')
      if (compiled > 0) console.log(`built the addon in ${Math.round((Date.now() - began) / 1_000)} s`)
    },
  }
}

/** Builds the addon for development. Ends this process with cargo's exit code when that fails. */
export async function buildAddon(...features) {
  console.log('\n> npm run addon')
  const report = createReport(countUnits(features))
  const cargo = ['--message-format', 'json-render-diagnostics', '--quiet']
  const args = ['run', '--silent', 'addon', '--', '--features', features.join(','), '--', ...cargo]
  // npm is a script on Windows.
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' }
  const build = spawn('npm', args, options)
  createInterface(build.stdout).on('line', (line) => {
    if (!line.startsWith('{"reason":')) return console.log(line)
    const { reason, fresh = true } = JSON.parse(line)
    if (reason === 'compiler-artifact' || reason === 'build-script-executed') report.step(fresh)
  })
  const [code, signal] = await once(build, 'close')
  report.end()
  if (code === 0) return
  console.error(`\nThe build of the addon failed (${signal ?? `exit code ${code}`})`)
  process.exit(code || 1)
}
