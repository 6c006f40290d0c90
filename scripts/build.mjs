// The release build: without paths of this machine in the binary, and with stack protection in its C parts.
import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runWith } from './run.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '')
const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
const sysroot = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()

/** The last one that matches counts. */
const prefixes = [
  [root, '/tabletheory-isr'],
  [sysroot, '/rust'],
  [cargoHome, '/cargo'],
]
const rust = [process.env.RUSTFLAGS ?? '', ...prefixes.map(([from, to]) => `--remap-path-prefix=${from}=${to}`)].filter(
  Boolean,
)
// MSVC protects the stack by default.
const c = [
  process.env.CFLAGS ?? '',
  '-fstack-protector-strong',
  ...prefixes.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`),
].filter(Boolean)

const variables = { RUSTFLAGS: rust.join(' '), ...(process.platform === 'win32' ? {} : { CFLAGS: c.join(' ') }) }
await runWith(variables, 'npm', 'run', 'addon', '--', '--release', ...process.argv.slice(2))
