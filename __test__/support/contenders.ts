// Processes of their own, each with a store of its own.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { endpoint, patient } from './store.js'

type Operation = 'get' | 'tryAcquireLease' | 'commitGeneration'
type Input<O extends Operation> = Parameters<FaceTheoryIsrMetaStore[O]>[0]
type Output<O extends Operation> = Awaited<ReturnType<FaceTheoryIsrMetaStore[O]>>
type Answer<O extends Operation> = { returned: Output<O> } | { threw: { name: string; code: string; message: string } }

const program = fileURLToPath(new URL('contender.mjs', import.meta.url))

export class Contender {
  readonly #child: ChildProcess
  /** The exit code, once the process has ended. */
  readonly #ended: Promise<number | null>

  private constructor(table: string) {
    this.#child = fork(program, [table, JSON.stringify({ endpoint, ...patient })])
    this.#ended = once(this.#child, 'exit').then(([code]) => code)
  }

  static async start(table: string): Promise<Contender> {
    const contender = new Contender(table)
    expectReady(await contender.#message())
    return contender
  }

  /** One call at a time. What rejects there rejects here, with `name`, `code` and `message`. */
  async call<O extends Operation>(operation: O, input: Input<O>): Promise<Output<O>> {
    this.#child.send([operation, input])
    const answer = (await this.#message()) as Answer<O>
    if ('threw' in answer) throw Object.assign(new Error(answer.threw.message), answer.threw)
    return answer.returned
  }

  /** Takes the parent away, after which nothing keeps the process alive. Resolves to its exit code. */
  end(): Promise<number | null> {
    if (this.#child.connected) this.#child.disconnect()
    return this.#ended
  }

  async #message(): Promise<unknown> {
    const lost = this.#ended.then((code) => Promise.reject(new Error(`the contender ended early, with code ${code}`)))
    const [message] = await Promise.race([once(this.#child, 'message'), lost])
    return message
  }
}

function expectReady(message: unknown): void {
  if (message !== 'ready') throw new Error(`the contender's first message is ${JSON.stringify(message)}`)
}
