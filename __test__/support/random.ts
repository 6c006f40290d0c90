// Random numbers that come again with their seed.

export type Random = () => number

/** mulberry32, begun with the seed's FNV-1a. */
export function randomFrom(seed: string): Random {
  let state = 0x811c9dc5
  for (const char of seed) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const below = (random: Random, end: number): number => Math.floor(random() * end)

export function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[below(random, from.length)]
  if (picked === undefined) throw new Error('there is nothing to pick from')
  return picked
}
