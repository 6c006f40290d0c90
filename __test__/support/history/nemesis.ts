// A network that fails at random.
import { type Fate, losses } from '../stub/proxy.js'
import { below, pick, type Random } from './random.js'

/** The share of requests that fail. */
const faultyShare = 0.2
/** The share of requests that other requests may overtake. */
const slowShare = 0.2
/** The share of requests that begin a run of faults of one operation. */
const runShare = 0.03
const longestRun = 7

const conflict: Fate = 'meets another transaction'
const faults: Fate[] = [...losses, 'is lost on its way there', 'meets a server error', 'is throttled']
const slow: Fate[] = ['is slow on its way there', 'is slow on its way back']

/** Returns the fate of the next request for this operation. */
export type Nemesis = (operation: string) => Fate

export function nemesisFrom(random: Random): Nemesis {
  let run: Fate[] = []
  let runsOn = ''
  return (operation) => {
    if (operation === runsOn) {
      const next = run.pop()
      if (next !== undefined) return next
    }
    if (random() < runShare) {
      // The store would retry a transaction that meets only conflicts for seconds.
      const possible = operation === 'TransactWriteItems' ? faults : faultsOf(operation)
      run = Array<Fate>(below(random, longestRun)).fill(pick(random, possible))
      runsOn = operation
      return pick(random, possible)
    }
    const dice = random()
    if (dice < faultyShare) return pick(random, faultsOf(operation))
    return dice < faultyShare + slowShare ? pick(random, slow) : 'passes'
  }
}

const isRead = (operation: string): boolean => operation === 'Query' || operation === 'GetItem'

const faultsOf = (operation: string): readonly Fate[] => (isRead(operation) ? faults : [...faults, conflict, conflict])
