// The simulated fleet shows the worth of each rule for crowds. The time is virtual, and every store is a real one.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

import { runWith } from './run.mjs'

const help = `Usage: npm run fleet [-- --environments 10000] [--seed 1]

Prints a table of errors, renders, times, capacity units and throttles, with all rules and with each switched off.
Fewer environments stand for the same fleet, behind a smaller part of a partition's limits, and take less time.`

const { values } = parseArgs({
  options: {
    environments: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
const numbers = [values.environments, values.seed].map(Number)
if (values.help || !numbers.every((number) => Number.isInteger(number) && number > 0)) {
  console.error(help)
  process.exit(values.help ? 0 : 2)
}

const [, host] = /^host: (\S+)/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' })) ?? []
const [environments, seed] = numbers.map(String)
const variables = { CARGO_BUILD_TARGET: host, FLEET_ENVIRONMENTS: environments, FLEET_SEED: seed }
const test = ['--test', 'simulation', 'fleet_table', '--', '--ignored', '--nocapture']
await runWith(variables, 'cargo', 'test', '--locked', '--quiet', '--profile', 'simulation', ...test)
