// The seed of every random generator. It is fixed, so that each run has the same values. The environment variable TEST_SEED
// sets it to an integer or to `random`.
import { randomInt } from 'node:crypto'

const fixed = 1_487_368_888

function seedFrom(text: string | undefined): number {
  if (text === undefined || text === '') return fixed
  if (text === 'random') return randomInt(2 ** 31)
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text)
  throw new Error(`TEST_SEED is "${text}"; pass an integer from 0 to 2147483647, or "random"`)
}

/** The seed of this run. */
export const seed: number = seedFrom(process.env.TEST_SEED)

/** Runs before the first test file: prints the seed, and passes it to the processes of the test files. */
export default function setup(): void {
  process.env.TEST_SEED = String(seed)
  console.log(`TEST_SEED=${seed} repeats the random values of this run.`)
}
