// Requests that are held where a test wants them, and calls that are known to have begun.
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { type Received, type Script, type Stub, succeed } from './stub.js'

/** Holds what comes until it is let go, the oldest first. */
export class Gate {
  readonly #held: (() => void)[] = []
  readonly #expected: (() => void)[] = []
  #isOpen = false

  /** How many are held. */
  get length(): number {
    return this.#held.length
  }

  pass(): Promise<void> {
    if (this.#isOpen) return Promise.resolve()
    return new Promise((go) => {
      this.#held.push(go)
      this.#expected.shift()?.()
    })
  }

  /** Resolves when something is held that was not awaited before. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#expected.push(resolve))
  }

  letOneGo(): void {
    this.#held.shift()?.()
  }

  /** From now on nothing is held. */
  open(): void {
    this.#isOpen = true
    for (const go of this.#held.splice(0)) go()
  }
}

const barrierKey = 'the barrier'

const isBarrier = ({ text }: Received): boolean => text.includes(barrierKey)

/** What was asked for by anybody but those who wait for others to begin. */
export const asked = (stub: Stub, operation: string): Received[] =>
  stub.requests.filter((request) => request.operation === operation && !isBarrier(request))

/**
 * Of what `script` is to answer, holds some or all. The answer is that of the moment in which the request came: it may
 * be old when it is given.
 */
export function behind(gate: Gate, script: Script, holds: (request: Received) => boolean = () => true): Script {
  const counts = new Map<string, number>()
  return async (request, index) => {
    if (isBarrier(request)) return succeed(request, index)
    const count = counts.get(request.operation) ?? 0
    counts.set(request.operation, count + 1)
    const answer = await script(request, count)
    if (holds(request)) await gate.pass()
    return answer
  }
}

/**
 * Resolves when the calls that were made before have all begun. The addon begins them in the order in which they were
 * made, but for a few that it has at hand; each of these calls takes many looks at the network meanwhile.
 */
export async function allBegun(store: FaceTheoryIsrMetaStore): Promise<void> {
  for (let round = 0; round < 5; round += 1) await store.get(barrierKey)
}
