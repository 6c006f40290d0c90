// A proxy that asks DynamoDB for the cost of each request. It is slow, and only counts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** Each request waits so long for other requests that its client sends at the same time. */
const waitForOthersMs = 25

const reads = new Set(['GetItem', 'Query'])

/**
 * Starts a proxy in front of DynamoDB Local. `metered(run)` resolves to the requests, round trips, and read and write
 * capacity units of `run`.
 */
export async function startMeter(endpoint) {
  let bill
  let inFlight = 0

  async function pass(request, response) {
    if (inFlight === 0) bill.roundTrips += 1
    inFlight += 1
    bill.requests += 1
    const target = request.headers['x-amz-target']
    const operation = target.replace(/^.*\./, '')
    bill.operations.push(operation)

    const input = JSON.parse(await text(request))
    const body = JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' })
    await pause(waitForOthersMs)
    const { authorization } = request.headers
    const headers = { 'x-amz-target': target, authorization, 'content-type': request.headers['content-type'] }
    const answer = await fetch(endpoint, { method: 'POST', headers, body })
    const answered = await answer.text()

    const units = chargedUnits(operation, input, JSON.parse(answered))
    bill[reads.has(operation) ? 'rcu' : 'wcu'] += units
    bill.reportedUnits += reportedUnits(JSON.parse(answered))
    inFlight -= 1
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(answered)
  }

  const server = createServer((request, response) => {
    pass(request, response).catch((error) => response.destroy(error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    metered: async (run) => {
      bill = { requests: 0, roundTrips: 0, rcu: 0, wcu: 0, reportedUnits: 0, operations: [] }
      await run()
      return bill
    },
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The cost of a request in DynamoDB Local's report. It is 0 for a refused write. */
function reportedUnits(answer) {
  if (isRefusal(answer)) return 0
  if (answer.__type !== undefined) throw new Error(`unexpected: ${answer.__type}`)
  return [answer.ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0)
}

/** The cost by DynamoDB's developer guide, if DynamoDB Local reports another. All rows are below 1 KB. */
function chargedUnits(operation, input, answer) {
  const reported = reportedUnits(answer)
  // The cost of a refused write depends on the size of the existing row, and is at least one unit.
  if (isRefusal(answer)) return 1
  // Each write of a transaction costs two units. DynamoDB Local counts an existing row twice or not, by the others.
  if (operation === 'TransactWriteItems') return 2 * input.TransactItems.length
  // A read that finds nothing costs as much as one that finds something.
  if (reads.has(operation)) return Math.max(reported, input.ConsistentRead ? 1 : 0.5)
  return reported
}

const isRefusal = (answer) => answer.__type?.endsWith('#ConditionalCheckFailedException')
