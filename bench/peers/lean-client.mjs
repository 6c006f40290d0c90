// DynamoDB over node:http, with Signature Version 4 by hand.
import { createHash, createHmac } from 'node:crypto'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

const region = 'us-east-1'
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
const signedHeaders = 'content-type;host;x-amz-date;x-amz-target'
const contentType = 'application/x-amz-json-1.0'

const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
const sha256 = (text) => createHash('sha256').update(text).digest('hex')

let today = { date: '', key: undefined }

/** Returns the signing key, which is the same for a whole day. */
function signingKey(date) {
  if (today.date !== date) {
    const parts = [date, region, 'dynamodb', 'aws4_request']
    today = { date, key: parts.reduce(hmac, `AWS4${credentials.secretAccessKey}`) }
  }
  return today.key
}

function headersOf(host, operation, body) {
  const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const target = `DynamoDB_20120810.${operation}`
  const request = `POST\n/\n\ncontent-type:${contentType}\nhost:${host}\nx-amz-date:${time}\nx-amz-target:${target}\n\n${signedHeaders}\n${sha256(body)}`
  const scope = `${date}/${region}/dynamodb/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`
  const signature = hmac(signingKey(date), text).toString('hex')
  return {
    host,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-amz-date': time,
    'x-amz-target': target,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  }
}

/** The error for a request that DynamoDB refuses, with its answer. */
export class Refusal extends Error {
  constructor(answer) {
    super(answer.message ?? answer.Message)
    this.name = String(answer.__type).replace(/^.*#/, '')
    this.answer = answer
  }
}

/** Makes a function that sends one request and resolves to DynamoDB's answer. */
export function connect(endpoint) {
  const url = new URL(endpoint)
  // Loads only the module that is needed, since each takes time.
  const { Agent, request } = require(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const to = { host: url.hostname, port: url.port, method: 'POST', path: '/' }
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })

  return (operation, input) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(input)
      const headers = headersOf(url.host, operation, body)
      const sent = request({ ...to, agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          try {
            const answer = JSON.parse(text)
            if (response.statusCode === 200) resolve(answer)
            else reject(new Refusal(answer))
          } catch (error) {
            reject(error)
          }
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
}
