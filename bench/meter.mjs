// A proxy that asks DynamoDB what each request costs. It is slow, and for counting only.
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

    const body = JSON.stringify({ ...JSON.parse(await text(request)), ReturnConsumedCapacity: 'TOTAL' })
    await pause(gatherMs)
    const { authorization } = request.headers
    const headers = { 'x-amz-target': target, authorization, 'content-type': request.headers['content-type'] }
    const answer = await fetch(endpoint, { method: 'POST', headers, body })
    const answered = await answer.text()

    bill[reads.has(operation) ? 'rcu' : 'wcu'] += units(JSON.parse(answered))
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
      bill = { requests: 0, roundTrips: 0, rcu: 0, wcu: 0, operations: [] }
      await run()
      return bill
    },
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function units(answer) {
  // A refused write costs by the size of the row that is there, at least 1 unit, and its answer does not say so.
  if (answer.__type?.endsWith('#ConditionalCheckFailedException')) return 1
  if (answer.__type !== undefined) throw new Error(`unexpected: ${answer.__type}`)
  return [answer.ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0)
}
