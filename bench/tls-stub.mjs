// The stub's answers behind TLS, with the certificate of the tests.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'

const [stub] = process.argv.slice(2)
const fixture = (name) => readFile(new URL(`../__test__/fixtures/tls/${name}`, import.meta.url))

async function answerTo(operation) {
  const headers = { 'x-amz-target': `DynamoDB_20120810.${operation}` }
  return Buffer.from(await (await fetch(stub, { method: 'POST', headers, body: '{}' })).arrayBuffer())
}

const answers = { Query: await answerTo('Query'), GetItem: await answerTo('GetItem') }

const [cert, key] = await Promise.all([fixture('server.pem'), fixture('server.key')])
const server = createServer({ cert, key }, (request, response) => {
  const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '')
  request.resume().once('end', () => {
    response.setHeader('content-type', 'application/x-amz-json-1.0')
    response.end(answers[operation])
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().once('end', () => process.exit())
