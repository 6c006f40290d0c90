// DynamoDB Local behind a network that does with each exchange what a test says.
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import type { FaceTheoryIsrMetaStore, FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'

import { secret } from '../failure.js'
import { randomFrom } from '../history/random.js'
import { endpoint, storeOf } from '../store.js'
import { type Answer, cancelled, fault, hangUp, type Received, reset, type Script, type Stub } from './stub.js'

/** What becomes of one exchange. */
export type Fate = keyof typeof fates

interface Said {
  status: number
  headers: Record<string, string>
  text: string
}

// An idle connection is given up long before DynamoDB Local could break it under a request.
const agent = new Agent({ keepAlive: true, timeout: 2_000 })

/** What DynamoDB Local answers. By then, the request has had its effect. */
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

/** The connection breaks in the middle of the body. */
const deliverHalf =
  ({ status, headers, text }: Said): Answer =>
  (response) =>
    response
      .writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(text)) })
      .write(text.slice(0, text.length / 2), () => response.destroy())

const serverError = fault('InternalServerError', 'oops', 500)

/** Long enough for other calls to come and go. */
const random = randomFrom('the delays of the network')
const aWhile = (): number => 40 * random()

const isTransaction = ({ operation }: Received): boolean => operation === 'TransactWriteItems'

/** Each is told the request and returns what the client is to see. */
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

/** Lets each request meet the fate that is chosen for it; `index` counts those of the same operation, from 0. */
export const through =
  (choose: (request: Received, index: number) => Fate): Script =>
  (request, index) =>
    fates[choose(request, index)](request)

/** After which the client knows what DynamoDB Local said. */
export const arrivals = ['passes', 'is slow on its way there', 'is slow on its way back'] as const satisfies Fate[]

/** After which the client cannot know whether its request took effect. It did. */
export const losses = [
  'is lost on its way back',
  'is reset on its way back',
  'is cut off on its way back',
  'takes effect under a server error',
] as const satisfies Fate[]

/** The first request of the operation for each key loses its answer, in one way or another; everything else passes. */
export function losingFirstAnswers(operation: string): Script {
  const met = new Set<string>()
  return through((request) => {
    const partition = partitionOf(request)
    if (request.operation !== operation || met.has(partition)) return 'passes'
    met.add(partition)
    return losses[met.size % losses.length] ?? losses[0]
  })
}

/** The partition that a request is about. */
export function partitionOf({ text }: Received): string {
  const [, partition] = /":?pk":\{"S":"((?:[^"\\]|\\.)*)"/.exec(text) ?? []
  if (partition === undefined) throw new Error(`no partition in ${text}`)
  return partition
}

/** A patient store on a real table, at the far end of the stub, that has secrets to keep. */
export const storeBehind = (
  table: string,
  stub: Pick<Stub, 'endpoint'>,
  options: FaceTheoryIsrMetaStoreOptions = {},
): FaceTheoryIsrMetaStore => storeOf(table, { endpoint: stub.endpoint, ...secret, ...options })
