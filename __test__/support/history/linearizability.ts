// Wing and Gong's search, with Lowe's memory: is there an order of the operations that explains what each one answered?

/** An operation that had its effect in one moment of its time, or, when that is not certain, perhaps never. */
export interface Operation<S> {
  /** For people. */
  what: string
  /** When it was called. */
  from: number
  /** When it had ended for certain: `Infinity` where it may still be under way. */
  until: number
  /** Whether it had an effect, or gave an answer, for certain. */
  certain: boolean
  /** If it happened at all, it happened before that one. */
  before?: Operation<S>
  /** It is certain, and never changes the state: a read, a refusal. */
  isObservation?: boolean
  /** The state after it; `undefined` where it cannot have ended as it did. */
  apply: (state: S) => S | undefined
}

/** A search that goes on for longer than this will not come to an end. */
const mostConfigurations = 1_000_000

export type Verdict =
  /** An order that explains the history. */
  | { linearizable: true; order: string[] }
  /** The longest explanation of a part of it, the state that it leads to, and what does not fit behind. */
  | { linearizable: false; order: string[]; state: string; left: string[] }

/** A set of operations that have happened, and the state that they led to in their order. */
interface Configuration<S> {
  state: S
  happened: bigint
  /** Of those that were certain to happen, how many have. */
  certain: number
  /** When the last of them was called: what ended before that can no longer happen. */
  latest: number
  last: { what: string; previous: Configuration<S> } | undefined
}

/** Each object can be linearized for itself: one key's history is enough. `print` tells states apart. */
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
    // What can be observed now need not be observed later, unless something has to come before.
    const observed = possible.find(
      (one) =>
        one.isObservation === true &&
        one.apply(state) !== undefined &&
        left.every((other) => other.before !== one && (other.certain || other.until >= one.from)),
    )
    for (const operation of observed === undefined ? possible : [observed]) {
      const next = operation.apply(state)
      if (next === undefined) continue
      // An effect that changes nothing is as good as none.
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
