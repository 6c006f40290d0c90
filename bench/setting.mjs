// The options of the command line, and a description of this machine.
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, tmpdir, type } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export const parts = ['lambda', 'get', 'regeneration', 'crowd', 'fleet', 'cold', 'costs', 'size']

const help = `Usage: npm run bench [-- options]

--rounds 9        rounds of each timed measurement
--only get,cold   only some of ${parts.join(', ')}
--short           few calls in each round: whether it works, not how fast
--no-build        with the existing addon
--output folder   for the results; default: bench, or a temporary folder with --short or --only`

const full = {
  get: { warmUp: 500, calls: 300 },
  many: { warmUp: 20, atOnce: 32, ofEach: 150 },
  regenerations: { stub: { warmUp: 20, calls: 100 }, local: { warmUp: 5, calls: 30 } },
  crowd: { callers: 500, renderMs: 300 },
  lambda: { views: 60 },
  fleet: { stores: 60, environments: [1_000, 4_000], renderMs: 500, views: 80, rounds: 3 },
}

const short = {
  get: { warmUp: 20, calls: 20 },
  many: { warmUp: 1, atOnce: 32, ofEach: 5 },
  regenerations: { stub: { warmUp: 2, calls: 5 }, local: { warmUp: 1, calls: 3 } },
  crowd: { callers: 50, renderMs: 300 },
  lambda: { views: 60 },
  fleet: { stores: 60, environments: [4_000], renderMs: 500, views: 30, rounds: 1 },
}

function refuse(message) {
  console.error(`${message}\n\n${help}`)
  process.exit(2)
}

export function readSetting() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '9' },
      only: { type: 'string' },
      short: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      output: { type: 'string' },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    refuse(`invalid --rounds "${values.rounds}"; pass a whole number above 0`)
  const only = values.only?.split(',') ?? parts
  for (const part of only) if (!parts.includes(part)) refuse(`unknown part "${part}"; valid parts: ${parts.join(', ')}`)
  // The output folder does not change the results.
  const measured = process.argv.slice(2).filter((arg) => arg !== values.output && !arg.startsWith('--output'))
  const partial = values.short || values.only !== undefined
  const bench = fileURLToPath(new URL('.', import.meta.url))
  return {
    rounds,
    only,
    sizes: values.short ? short : full,
    build: !values['no-build'],
    output: values.output ?? (partial ? join(tmpdir(), 'tabletheory-isr-bench') : bench),
    command: ['npm run bench', ...(measured.length > 0 ? ['--', ...measured] : [])].join(' '),
  }
}

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    platform: `${type()} ${process.arch}`,
    node: process.version,
    rustc: execFileSync('rustc', ['--version'], { encoding: 'utf8' }).trim(),
    loadAverage: loadavg().map((load) => Math.round(load * 100) / 100),
  }
}
