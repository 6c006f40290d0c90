// Child processes, each with its own store.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type {
  FaceTheoryIsrMetaStoreOptions,
  IsrMetaStore,
  IsrStoreErrorCode,
  IsrStoreFailure,
} from '@theory-cloud/tabletheory-isr'

import { endpoint, patient } from './store.js'

type Operation = keyof IsrMetaStore
type Input<O extends Operation> = Parameters<IsrMetaStore[O]>[0]
type Output<O extends Operation> = Awaited<ReturnType<IsrMetaStore[O]>>

interface Thrown {
  name: string
  code: IsrStoreErrorCode
  message: string
  retryable: boolean
  /** Everything that a logger could print of the error. */
  printed: string
}
type Answer = { returned: unknown } | { threw: Thrown }

const program = fileURLToPath(new URL('contender.mjs', import.meta.url))

export class Contender {
  readonly #child: ChildProcess
  /** The exit code, or the signal, once the process has ended. */
  readonly #ended: Promise<number | NodeJS.Signals>
  readonly #open = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  #calls = 0

  private constructor(table: string, options: FaceTheoryIsrMetaStoreOptions, env: Record<string, string>) {
    const args = [table, JSON.stringify({ endpoint, ...patient, ...options })]
    this.#child = fork(program, args, { env: { ...process.env, ...env } })
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => code ?? signal)
  }

  static async start(
    table: string,
    options: FaceTheoryIsrMetaStoreOptions = {},
    env: Record<string, string> = {},
  ): Promise<Contender> {
    const contender = new Contender(table, options, env)
    await contender.#ready()
    return contender
  }

  /**
   * Makes the call in the child process. An error there rejects here, with the same `name`, `code`, `message` and
   * `retryable`. With `byOwnClock`, `nowMs` is the child's time when it receives the call.
   */
  async call<O extends Operation>(operation: O, input: Input<O>, byOwnClock = false): Promise<Output<O>> {
    const call = this.#calls++
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#open.set(call, { resolve, reject })
      this.#child.send([call, operation, input, byOwnClock], (error) => error && reject(error))
    })
    if ('threw' in answer) throw Object.assign(new Error(answer.threw.message), answer.threw) as Rejection
    return answer.returned as Output<O>
  }

  /** The store of that process. */
  readonly store: IsrMetaStore = {
    get: (input) => this.call('get', input),
    invalidate: (input) => this.call('invalidate', input),
    tryAcquireLease: (input) => this.call('tryAcquireLease', input),
    commitGeneration: (input) => this.call('commitGeneration', input),
    releaseLease: (input) => this.call('releaseLease', input),
  }

  /** Suspends the process until it is resumed. */
  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Kills the process, and resolves when it has ended. It never answers its pending calls. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Disconnects the parent, after which nothing keeps the process alive. Resolves to its exit code. */
  end(): Promise<number | NodeJS.Signals> {
    if (this.#child.connected) this.#child.disconnect()
    return this.#ended
  }

  async #ready(): Promise<void> {
    const lost = this.#ended.then((code) => Promise.reject(new Error(`the contender ended early, with code ${code}`)))
    const [message] = await Promise.race([once(this.#child, 'message'), lost])
    if (message !== 'ready') throw new Error(`the contender's first message is ${JSON.stringify(message)}`)
    this.#child.on('message', ([call, answer]: [number, Answer]) => {
      this.#open.get(call)?.resolve(answer)
      this.#open.delete(call)
    })
    // A call that will never be answered must not keep its test waiting.
    const abandon = (error: Error): void => {
      for (const { reject } of this.#open.values()) reject(error)
    }
    lost.catch(abandon)
  }
}

/** The error that a contender's call rejects with. */
export type Rejection = IsrStoreFailure & Pick<Thrown, 'printed'>
