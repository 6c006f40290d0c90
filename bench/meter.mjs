// A proxy that asks DynamoDB for each request's cost. It is slow, and for counting only.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** For so long a request waits for others that its sender sends at once. */
const gatherMs = 25

const reads = new Set(['GetItem', 'Query'])

/**
 * Starts a proxy in front of DynamoDB Local. `metered(run)` resolves to the requests, round trips, and read and write
 * capacity units of what `run` does.
 */
export async function startMeter(endpoint) {
  let bill
  let underWay = 0

  async function pass(request, response) {
    if (underWay === 0) bill.roundTrips += 1
    underWay += 1
    bill.requests += 1
    const target = request.headers['x-amz-target']
    const operation = target.replace(/^.*\./, '')
    bill.operations.push(operation)

    const input = JSON.parse(await text(request))
    const body = JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' })
    await pause(gatherMs)
    const { authorization } = request.headers
    const headers = { 'x-amz-target': target, authorization, 'content-type': request.headers['content-type'] }
    const answer = await fetch(endpoint, { method: 'POST', headers, body })
    const answered = await answer.text()

    const units = chargedUnits(operation, input, JSON.parse(answered))
    bill[reads.has(operation) ? 'rcu' : 'wcu'] += units
    bill.reportedUnits += reportedUnits(JSON.parse(answered))
    underWay -= 1
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

/** The cost of a request by DynamoDB Local's report; nothing for a write that it refuses. */
function reportedUnits(answer) {
  if (isRefusal(answer)) return 0
  if (answer.__type !== undefined) throw new Error(`unexpected: ${answer.__type}`)
  return [answer.ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0)
}

/** The price by DynamoDB's developer guide, where DynamoDB Local reports another. All rows are below 1 KB. */
function chargedUnits(operation, input, answer) {
  const reported = reportedUnits(answer)
  // A refused write costs by the size of the row that is there, and at least a unit.
  if (isRefusal(answer)) return 1
  // Two units for each write of a transaction. DynamoDB Local counts a row that is there twice, or not, by its company.
  if (operation === 'TransactWriteItems') return 2 * input.TransactItems.length
  // A read that finds nothing costs as much as one that finds something.
  if (reads.has(operation)) return Math.max(reported, input.ConsistentRead ? 1 : 0.5)
  return reported
}

const isRefusal = (answer) => answer.__type?.endsWith('#ConditionalCheckFailedException')
