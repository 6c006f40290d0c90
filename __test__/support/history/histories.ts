// Random histories: clients in several processes make random calls on a few cache keys, through a network that fails.
import type { IsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { Contender, type Rejection } from '../contenders.js'
import { t0 } from '../model/steps.js'
import { pkOf } from '../rows.js'
import { storeOf } from '../store.js'
import { type Fate, partitionOf, through } from '../stub/proxy.js'
import { type Received, type Stub, startStub } from '../stub/stub.js'
import { type Client, learn, nextStep, type Setting } from './generator.js'
import { type Nemesis, nemesisFrom } from './nemesis.js'
import { randomFrom } from './random.js'
import type { Call, Exchange, Step } from './specification.js'

const processes = 4
const clientsOfEach = 3
const stepsOfEach = 9
const keys = 3

export const secretAccessKey = 'CANARY/secret+key'

export interface History {
  seed: number
  /** The calls on each cache key. */
  calls: Map<string, Call[]>
}

/** The processes that make the histories, and the network between them and the table. */
export class Workload {
  readonly #onlooker: IsrMetaStore
  readonly #stub: Stub
  readonly #processes: Contender[]
  /** The writes of each call that is in flight, by `callOf`. */
  readonly #inFlight = new Map<string, Exchange[]>()
  /** One for each process and each key. */
  readonly #nemeses = new Map<string, Nemesis>()
  /** Writes of calls that are not in flight, and requests that DynamoDB Local did not answer. */
  readonly unexpectedRequests: string[] = []

  private constructor(onlooker: IsrMetaStore, stub: Stub, processes: Contender[]) {
    this.#onlooker = onlooker
    this.#stub = stub
    this.#processes = processes
    stub.play(async (request, index) => {
      stub.requests.length = 0
      const [process = ''] = /(?<=Credential=)\w+/.exec(String(request.headers.authorization)) ?? []
      const fate = this.#nemesisOf(process, partitionOf(request))(request.operation)
      this.#note(process, request, fate)
      try {
        return await through(() => fate)(request, index)
      } catch (error) {
        this.unexpectedRequests.push(`${process}: ${request.text}: ${error}`)
        throw error
      }
    })
  }

  #nemesisOf(process: string, partition: string): Nemesis {
    const name = `${process} ${partition}`
    const nemesis = this.#nemeses.get(name) ?? nemesisFrom(randomFrom(name))
    this.#nemeses.set(name, nemesis)
    return nemesis
  }

  #note(process: string, request: Received, fate: Fate): void {
    if (request.operation === 'Query' || request.operation === 'GetItem') return
    const token = tokenOf(request)
    const call = callOfRequest(process, request)
    const exchanges = this.#inFlight.get(call)
    if (exchanges === undefined) this.unexpectedRequests.push(`${call}: ${request.text}`)
    exchanges?.push({ request: request.operation, token, fate })
    // An acquire that fails releases its own lease.
    if (exchanges !== undefined && request.operation === 'PutItem') {
      this.#inFlight.set(callOfRelease(process, partitionOf(request), token), exchanges)
    }
  }

  static async start(table: string): Promise<Workload> {
    const stub = await startStub()
    const started = Array.from({ length: processes }, (_, index) =>
      Contender.start(table, {
        endpoint: stub.endpoint,
        // The access key ID in each request identifies its process.
        credentials: { accessKeyId: `process${index}`, secretAccessKey },
        maxAttempts: 1 + (index % 3),
      }),
    )
    return new Workload(storeOf(table), stub, await Promise.all(started))
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end()))
    await this.#stub.close()
  }

  /** Plays the history of a seed, as far as the scheduling of processes allows. At its end, each key is read once more. */
  async play(seed: number): Promise<History> {
    const cacheKeys = Array.from({ length: keys }, (_, index) => `/${seed}/${index}`)
    const setting: Setting = { cacheKeys, nowMs: t0, claims: [] }
    const runs = this.#processes.flatMap((process, index) =>
      Array.from({ length: clientsOfEach }, (_, place) => {
        const number = index * clientsOfEach + place
        const random = randomFrom(`${seed} ${number}`)
        return this.#run(setting, process, { number, process: `process${index}`, random, held: new Map() })
      }),
    )
    const all = (await Promise.all(runs)).flat()
    const calls = new Map<string, Call[]>()
    for (const input of cacheKeys) {
      const step: Step = { operation: 'get', input }
      const last = await taken('the end', step, [], () => this.#onlooker.get(input))
      calls.set(input, [...all.filter(({ step }) => keyOf(step) === input), last])
    }
    return { seed, calls }
  }

  async #run(setting: Setting, process: Contender, client: Client): Promise<Call[]> {
    const calls: Call[] = []
    for (let turn = 0; turn < stepsOfEach; turn++) {
      let step = nextStep(setting, client, turn)
      // The requests of two equal calls in flight could not be told apart.
      if (this.#inFlight.has(callOf(client.process, step))) step = { operation: 'get', input: keyOf(step) }
      const exchanges: Exchange[] = []
      if (step.operation !== 'get') this.#inFlight.set(callOf(client.process, step), exchanges)
      const who = `${client.process}, client ${client.number},`
      const call = await taken(who, step, exchanges, () => process.call(step.operation, step.input))
      // The entry of its release stays: the release of a failed acquire may arrive after the call has ended.
      this.#inFlight.delete(callOf(client.process, step))
      calls.push(call)
      learn(setting, client, call)
    }
    return calls
  }
}

const keyOf = ({ input }: Step): string => (typeof input === 'string' ? input : input.cacheKey)

/** The key of a call, which no other call that its process has in flight shares. */
function callOf(process: string, step: Step): string {
  const partition = pkOf(keyOf(step))
  switch (step.operation) {
    case 'tryAcquireLease':
      return `${process} ${partition} acquire ${step.input.fallbackRevalidateSeconds}`
    case 'commitGeneration':
      return `${process} ${partition} commit ${step.input.htmlPointer}`
    case 'releaseLease':
      return callOfRelease(process, partition, step.input.leaseToken)
    default:
      return `${process} ${partition} ${step.operation}`
  }
}

const callOfRelease = (process: string, partition: string, token: string): string =>
  `${process} ${partition} release ${token}`

/** The same key, from a write request. */
function callOfRequest(process: string, request: Received): string {
  const partition = partitionOf(request)
  const [, fallback] = /"revalidate_seconds":\{"N":"(\d+)"\}/.exec(request.text) ?? []
  const [, htmlPointer] = /"s3_key":\{"S":"([^"]*)"\}/.exec(request.text) ?? []
  if (request.operation === 'PutItem') return `${process} ${partition} acquire ${fallback}`
  if (request.operation === 'DeleteItem') return callOfRelease(process, partition, tokenOf(request))
  return `${process} ${partition} ${htmlPointer === undefined ? 'invalidate' : `commit ${htmlPointer}`}`
}

async function taken(who: string, step: Step, exchanges: Exchange[], call: () => Promise<unknown>): Promise<Call> {
  const from = performance.now()
  const outcome = await call().then(
    (returned) => ({ returned }),
    (threw: Rejection) => ({ threw }),
  )
  return { who, step, from, until: performance.now(), outcome, exchanges }
}

function tokenOf({ text }: Received): string {
  return /"(?:lease_token|:token)":\{"S":"([^"]*)"\}/.exec(text)?.[1] ?? ''
}
