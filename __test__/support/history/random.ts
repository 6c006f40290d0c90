// Random numbers, which are the same in every run with the same seed.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

import { seed } from '../seed.js'

export type Random = () => number

/** Makes one stream for each name: the FNV-1a hash of the name, mixed with the seed of the run, seeds it. */
export function randomFrom(name: string): Random {
  let state = 0x811c9dc5 ^ seed
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193)
  const generator = xoroshiro128plus(state)
  return () => uniformFloat64(generator)
}

export const below = (random: Random, end: number): number => Math.floor(random() * end)

export function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[below(random, from.length)]
  if (picked === undefined) throw new Error('the list to pick from is empty')
  return picked
}
