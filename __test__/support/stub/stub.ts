// A DynamoDB stub that records its requests and gives the answers of a test. It is for requests that must not be sent, and for
// faults that DynamoDB Local does not have.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { expect } from 'vitest'

import { type Server, startServer } from './server.js'

export interface Received {
  /** `Query`, `PutItem`, … */
  operation: string
  method: string
  path: string
  body: Record<string, unknown>
  headers: IncomingHttpHeaders
  /** The body as it was received, to be forwarded. */
  text: string
}

/** Answers one request, or leaves it unanswered. */
export type Answer = (response: ServerResponse) => void

/** Returns the answer to a request. `index` counts the requests of the same operation, from 0. */
export type Script = (request: Received, index: number) => Answer | Promise<Answer>

export const json =
  (body: unknown, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))

/** An error in DynamoDB's own form. */
export const fault = (code: string, message = `${code} said the stub`, status = 400, more: object = {}): Answer =>
  json({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message, ...more }, status)

/** A cancelled transaction with a reason for each of its items. */
export const cancelled = (...codes: string[]): Answer => {
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`
  const reasons = codes.map((Code) => (Code === 'None' ? { Code } : { Code, Message: `${Code} said the stub` }))
  return fault('TransactionCanceledException', message, 400, { CancellationReasons: reasons })
}

/** An answer that comes from a proxy and not from DynamoDB. */
export const html =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Not DynamoDB</body></html>')

export const hangUp: Answer = (response) => response.destroy()

export const reset: Answer = (response) => response.socket?.resetAndDestroy()

export const silence: Answer = () => {}

export const headersOnly: Answer = (response) => response.writeHead(200, { 'content-length': '2' }).flushHeaders()

export const halfAnAnswer: Answer = (response) => response.writeHead(200).write('{"Items":[')

export const text =
  (body: string, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body)

/** Answers as an empty table does. */
export const succeed: Script = ({ operation }) => json(operation === 'Query' ? { Items: [], Count: 0 } : {})

/** Gives these answers to `operation` in order, and the last one forever. Other operations succeed. */
export const answersOf =
  (operation: string, ...answers: [Answer, ...Answer[]]): Script =>
  (request, index) =>
    request.operation === operation
      ? (answers[Math.min(index, answers.length - 1)] ?? answers[0])
      : succeed(request, index)

export interface Stub extends Server {
  requests: Received[]
  /** The operations that were asked for, in order. */
  operations: () => string[]
  /** How often this operation was asked for. */
  count: (operation: string) => number
  /** Forgets the requests and answers with `script` from now on. */
  play: (script: Script) => void
}

/** An address at which no server listens. */
export const closedEndpoint = 'http://127.0.0.1:1'

/** Listens on a free port of the loopback interface, over TLS if it has a certificate. */
export async function startStub(identity?: { cert: Buffer; key: Buffer }): Promise<Stub> {
  let script = succeed
  const requests: Received[] = []
  const counts = new Map<string, number>()
  const count = (operation: string): number => counts.get(operation) ?? 0
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of incoming.setEncoding('utf8')) text += chunk
    const operation = String(incoming.headers['x-amz-target']).replace(/^DynamoDB_20120810\./, '')
    // Requests to credential services have other forms.
    const isJson = incoming.headers['content-type'] === 'application/x-amz-json-1.0'
    const body = JSON.parse(isJson ? text : '{}') as Record<string, unknown>
    const { method = '', url: path = '', headers } = incoming
    const request = { operation, method, path, body, headers, text }
    const index = count(operation)
    counts.set(operation, index + 1)
    requests.push(request)
    const answer = await script(request, index)
    answer(response)
  }
  const server = await startServer((incoming, response) => {
    // A client may break its connection after a timeout, even in the middle of a request.
    serve(incoming, response).catch(() => response.destroy())
  }, identity)
  return {
    ...server,
    requests,
    operations: () => requests.map(({ operation }) => operation),
    count,
    play: (next) => {
      script = next
      requests.length = 0
      counts.clear()
    },
  }
}

/** Runs a test with its own stub, so that tests can run concurrently. */
export async function withStub(script: Script, use: (stub: Stub) => Promise<void>): Promise<void> {
  const stub = await startStub()
  stub.play(script)
  await use(stub).finally(stub.close)
}

/** A busy machine must not cause a timeout. */
const patience = { requestTimeoutMs: 10_000, operationTimeoutMs: 30_000 }

/** A store whose DynamoDB is the stub. */
export const storeAt = (
  { endpoint }: Pick<Stub, 'endpoint'>,
  options: FaceTheoryIsrMetaStoreOptions = {},
): FaceTheoryIsrMetaStore => new FaceTheoryIsrMetaStore('isr-stub', { endpoint, ...patience, ...options })

/** Sends one last request. When it is answered, all earlier requests have arrived. */
export async function expectNothingSent(stub: Stub): Promise<void> {
  await new FaceTheoryIsrMetaStore('the-last-request', { endpoint: stub.endpoint, ...patience }).get('key')
  expect(stub.requests.map(({ operation, body }) => [operation, body.TableName])).toEqual([
    ['Query', 'the-last-request'],
  ])
}
