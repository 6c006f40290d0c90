// DynamoDB Local behind a network that gives each exchange the fate that a test chooses.
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import type { FaceTheoryIsrMetaStore, FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'

import { secret } from '../failure.js'
import { randomFrom } from '../history/random.js'
import { endpoint, storeOf } from '../store.js'
import { type Answer, cancelled, fault, hangUp, type Received, reset, type Script, type Stub } from './stub.js'

/** The fate of one exchange of a request and its answer. */
export type Fate = keyof typeof fates

interface Said {
  status: number
  headers: Record<string, string>
  text: string
}

// The agent closes an idle connection long before DynamoDB Local could close it under a request.
const agent = new Agent({ keepAlive: true, timeout: 2_000 })

/** Resolves to the answer of DynamoDB Local. By then, the request has taken effect. */
async function forward({ headers, text }: Received): Promise<Said> {
  const request = httpRequest(endpoint, { method: 'POST', agent, headers })
  request.end(text)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 0,
    headers: { 'content-type': String(response.headers['content-type']) },
    text: await readText(response),
  }
}

const deliver =
  ({ status, headers, text }: Said): Answer =>
  (response) =>
    response.writeHead(status, headers).end(text)

/** Breaks the connection in the middle of the body. */
const deliverHalf =
  ({ status, headers, text }: Said): Answer =>
  (response) =>
    response
      .writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(text)) })
      .write(text.slice(0, text.length / 2), () => response.destroy())

const serverError = fault('InternalServerError', 'oops', 500)

/** Delays are long enough for other calls to begin and end. */
const random = randomFrom('the delays of the network')
const aWhile = (): number => 40 * random()

const isTransaction = ({ operation }: Received): boolean => operation === 'TransactWriteItems'

/** Each resolves to the answer that the client gets to the request. */
const fates = {
  passes: async (request) => deliver(await forward(request)),
  'is slow on its way there': async (request) => {
    await sleep(aWhile())
    return deliver(await forward(request))
  },
  'is slow on its way back': async (request) => {
    const said = await forward(request)
    await sleep(aWhile())
    return deliver(said)
  },
  'is lost on its way there': async () => hangUp,
  'is lost on its way back': async (request) => forward(request).then(() => hangUp),
  'is reset on its way back': async (request) => forward(request).then(() => reset),
  'is cut off on its way back': async (request) => deliverHalf(await forward(request)),
  'meets a server error': async () => serverError,
  'takes effect under a server error': async (request) => forward(request).then(() => serverError),
  'is throttled': async (request) =>
    isTransaction(request) ? cancelled('None', 'ThrottlingError') : fault('ThrottlingException'),
  'meets another transaction': async (request) =>
    isTransaction(request) ? cancelled('TransactionConflict', 'None') : fault('TransactionConflictException'),
} satisfies Record<string, (request: Received) => Promise<Answer>>

/** Gives each request the fate that `choose` returns. `index` counts the requests of the same operation, from 0. */
export const through =
  (choose: (request: Received, index: number) => Fate): Script =>
  (request, index) =>
    fates[choose(request, index)](request)

/** The fates after which the client has the answer of DynamoDB Local. */
export const arrivals = ['passes', 'is slow on its way there', 'is slow on its way back'] as const satisfies Fate[]

/** The fates after which the request has taken effect, but the client cannot know it. */
export const losses = [
  'is lost on its way back',
  'is reset on its way back',
  'is cut off on its way back',
  'takes effect under a server error',
] as const satisfies Fate[]

/** The first request of the operation for each key loses its answer, in one of several ways. All others pass. */
export function losingFirstAnswers(operation: string): Script {
  const met = new Set<string>()
  return through((request) => {
    const partition = partitionOf(request)
    if (request.operation !== operation || met.has(partition)) return 'passes'
    met.add(partition)
    return losses[met.size % losses.length] ?? losses[0]
  })
}

/** The partition of a request. */
export function partitionOf({ text }: Received): string {
  const [, partition] = /":?pk":\{"S":"((?:[^"\\]|\\.)*)"/.exec(text) ?? []
  if (partition === undefined) throw new Error(`no partition in ${text}`)
  return partition
}

/** A store with long timeouts and secret credentials, whose requests reach a real table through the stub. */
export const storeBehind = (
  table: string,
  stub: Pick<Stub, 'endpoint'>,
  options: FaceTheoryIsrMetaStoreOptions = {},
): FaceTheoryIsrMetaStore => storeOf(table, { endpoint: stub.endpoint, ...secret, ...options })
