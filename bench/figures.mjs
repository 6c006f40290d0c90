// Figures of many rounds, and their statistics.

const sorted = (numbers) => numbers.toSorted((a, b) => a - b)

export function median(numbers) {
  const inOrder = sorted(numbers)
  const middle = inOrder.length / 2
  return Number.isInteger(middle) ? (inOrder[middle - 1] + inOrder[middle]) / 2 : inOrder[Math.floor(middle)]
}

export const percentile = (numbers, percent) => sorted(numbers)[Math.ceil((numbers.length * percent) / 100) - 1]

/** Runs each peer once a round. Each round begins with another peer. Resolves to the results of each peer. */
export async function alternate(rounds, names, measure) {
  const results = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length]
      results[name].push(await measure(name, round))
    }
  }
  return results
}

/** A row of the report: each peer's median of one figure, with the figure of every round. */
export function row(description, results, figure) {
  const values = {}
  for (const [name, rounds] of Object.entries(results)) {
    const figures = rounds.map(figure)
    // The floor measures its CPU on Linux only.
    if (figures.every(Number.isFinite)) values[name] = { median: median(figures), rounds: figures }
  }
  return { ...description, values }
}
