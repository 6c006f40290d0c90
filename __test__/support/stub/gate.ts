// Holds requests until a test lets them go, and waits until calls have begun.
import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { type Received, type Script, type Stub, succeed } from './stub.js'

/** Holds each caller of `pass` until it is let go, the oldest first. */
export class Gate {
  readonly #held: (() => void)[] = []
  readonly #expected: (() => void)[] = []
  #isOpen = false

  /** How many callers are held. */
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

  /** Resolves at the next arrival that no earlier `arrival()` waits for. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#expected.push(resolve))
  }

  letOneGo(): void {
    this.#held.shift()?.()
  }

  /** Lets all callers go, and holds none from now on. */
  open(): void {
    this.#isOpen = true
    for (const go of this.#held.splice(0)) go()
  }
}

const barrierKey = 'the barrier'

const isBarrier = ({ text }: Received): boolean => text.includes(barrierKey)

/** The requests of this operation, without those of `allBegun`. */
export const asked = (stub: Stub, operation: string): Received[] =>
  stub.requests.filter((request) => request.operation === operation && !isBarrier(request))

/**
 * Answers as `script` does, but holds some answers or all. Each answer is made when its request arrives, so it may be old
 * when it is delivered.
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
 * Resolves when all earlier calls have begun. The addon begins calls in the order in which they were made, except for a few
 * that it has at hand. These it begins during the calls below, since each of those polls the network many times.
 */
export async function allBegun(store: FaceTheoryIsrMetaStore): Promise<void> {
  for (let round = 0; round < 5; round += 1) await store.get(barrierKey)
}
