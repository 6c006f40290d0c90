// Wing and Gong's search, with Lowe's memory: is there an order of the operations that explains each answer?

/** An operation that took effect at one moment between `from` and `until`; without `certain`, perhaps never. */
export interface Operation<S> {
  /** A description for people. */
  what: string
  /** When it was called. */
  from: number
  /** The moment at which it had certainly ended; `Infinity` if it may still be in flight. */
  until: number
  /** Whether it certainly took effect or gave an answer. */
  certain: boolean
  /** If this operation happened, it happened before that one. */
  before?: Operation<S>
  /** It is certain and never changes the state, as a read or a refusal. */
  isObservation?: boolean
  /** The state after it, or `undefined` where the state before contradicts its answer. */
  apply: (state: S) => S | undefined
}

/** The search gives up after so many configurations. */
const mostConfigurations = 1_000_000

export type Verdict =
  /** An order that explains the history. */
  | { linearizable: true; order: string[] }
  /** The longest order of a part of the history, the state after it, and the operations left. */
  | { linearizable: false; order: string[]; state: string; left: string[] }

/** A set of operations that have happened, and the state that they led to in their order. */
interface Configuration<S> {
  state: S
  happened: bigint
  /** How many of the certain operations have happened. */
  certain: number
  /** The latest `from` of them. An operation that ended before it can no longer happen. */
  latest: number
  last: { what: string; previous: Configuration<S> } | undefined
}

/** Checks the history of one object: each can be linearized alone. `print` tells states apart. */
export function linearize<S>(history: readonly Operation<S>[], initial: S, print: (state: S) => string): Verdict {
  const operations = history.toSorted((a, b) => a.from - b.from)
  const certain = operations.filter((operation) => operation.certain).length
  const bitOf = new Map(operations.map((operation, index) => [operation, 1n << BigInt(index)]))
  const has = (happened: bigint, operation: Operation<S> | undefined): boolean =>
    operation !== undefined && (happened & (bitOf.get(operation) ?? 0n)) !== 0n

  const start: Configuration<S> = { state: initial, happened: 0n, certain: 0, latest: -Infinity, last: undefined }
  const seen = new Set<string>()
  const open = [start]
  let furthest = start
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    const { state, happened } = here
    if (here.certain === certain) return { linearizable: true, order: orderOf(here) }
    if (here.certain > furthest.certain) furthest = here

    if (seen.size > mostConfigurations) throw new Error(`${operations.length} operations are too many to be checked`)

    const left = operations.filter(
      (one) => !has(happened, one) && !has(happened, one.before) && one.until >= here.latest,
    )
    const firstEnd = Math.min(...left.filter(({ certain }) => certain).map(({ until }) => until))
    const possible = left.filter(({ from }) => from <= firstEnd)
    // An observation that is true now comes next, unless another operation may have to come before it.
    const observed = possible.find(
      (one) =>
        one.isObservation === true &&
        one.apply(state) !== undefined &&
        left.every((other) => other.before !== one && (other.certain || other.until >= one.from)),
    )
    for (const operation of observed === undefined ? possible : [observed]) {
      const next = operation.apply(state)
      if (next === undefined) continue
      // An uncertain operation that changes nothing can be left out.
      if (!operation.certain && print(next) === print(state)) continue
      const reached = happened | (bitOf.get(operation) ?? 0n)
      const configuration = `${reached.toString(36)} ${print(next)}`
      if (seen.has(configuration)) continue
      seen.add(configuration)
      open.push({
        state: next,
        happened: reached,
        certain: here.certain + Number(operation.certain),
        latest: Math.max(here.latest, operation.from),
        last: { what: operation.what, previous: here },
      })
    }
  }
  const left = operations.filter((operation) => !has(furthest.happened, operation)).map(({ what }) => what)
  return { linearizable: false, order: orderOf(furthest), state: print(furthest.state), left }
}

function orderOf<S>(configuration: Configuration<S>): string[] {
  const order: string[] = []
  for (let { last } = configuration; last !== undefined; { last } = last.previous) order.unshift(last.what)
  return order
}
