// Bytes that are not an answer of DynamoDB make one call fail with the right code. They cause no hang and no crash, and
// the next call of the same store succeeds.
import { gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { all } from '../support/calls.js'
import { expectCode, rejectionOf, secret } from '../support/failure.js'
import {
  type Answer,
  answersOf,
  halfAnAnswer,
  hangUp,
  headersOnly,
  html,
  json,
  reset,
  silence,
  storeAt,
  succeed,
  text,
  withStub,
} from '../support/stub/stub.js'

/** Sends these bytes alone, and then ends the connection or keeps it open. */
const bytes =
  (data: string | Uint8Array, then: 'end' | 'stay' = 'end'): Answer =>
  ({ socket }) => {
    socket?.write(data)
    if (then === 'end') socket?.end()
  }

const head = 'HTTP/1.1 200 OK\r\n'
/** Without it, the store would use the connection again, and the end of the connection would be a second fault. */
const close = 'connection: close\r\n'

const noAnswers: [string, Answer][] = [
  ['a broken connection', hangUp],
  ['a connection that is reset', reset],
  ['garbage', bytes(new Uint8Array([0, 255, 1, 2, 13, 10, 13, 10]))],
  ['garbage on a connection that stays', bytes(new Uint8Array([0, 255, 1, 2, 13, 10, 13, 10]), 'stay')],
  ['a body without a head', bytes('{}')],
  ['HTTP/2', bytes(Buffer.from('00001204000000000000030000006400040010000000050000400000', 'hex'))],
  ['TLS', bytes(Buffer.from('15030100020228', 'hex'))],
  ['an invalid status', bytes('HTTP/1.1 99 What\r\ncontent-length: 2\r\n\r\n{}')],
  ['an unknown status', bytes(`HTTP/1.1 999 What\r\n${close}content-length: 2\r\n\r\n{}`)],
  ['a head of more than 1 MB', bytes(`${head}x: ${'y'.repeat(1 << 20)}\r\n\r\n{}`)],
  ['more than 5,000 headers', bytes(`${head}${'x: y\r\n'.repeat(5_000)}content-length: 2\r\n\r\n{}`)],
  ['two different content lengths', bytes(`${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`)],
  ['a body that is cut off', bytes(`${head}content-length: 20\r\n\r\n{"Items":[`)],
  ['a body that is cut off before it begins', bytes(`${head}content-length: 2\r\n\r\n`)],
  ['a body that is cut off and has no length', bytes(`${head}\r\n{"Items":[`)],
  ['a body that is longer than its content length', bytes(`${head}${close}content-length: 1\r\n\r\n{}`)],
  ['a chunk that is cut off', bytes(`${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`)],
  ['an invalid chunk', bytes(`${head}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`)],
  ['HTML', html(200)],
  ['HTML with an error', html(502)],
  ['a redirection', (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()],
  ['a switch to another protocol', bytes('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')],
  ['an empty body', text('')],
  ['an empty body without a length', bytes(`${head}\r\n`)],
  ['status 204', (response) => response.writeHead(204).end()],
  ['a blank body', text(' \n')],
  ['the JSON value null', text('null')],
  ['a JSON array', text('[]')],
  ['a compressed body', (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}'))],
  ['UTF-16', (response) => response.writeHead(200).end(Buffer.from('{}', 'utf16le'))],
  ['bytes that are not UTF-8', (response) => response.writeHead(200).end(Buffer.from('7b22ff223a317d', 'hex'))],
  ['JSON that is too deep', text(`{"Items":[{"a":${'{"L":['.repeat(20_000)}${']}'.repeat(20_000)}}]}`)],
  ['an error that is too deep', text(`{"__type":"x","Item":${'{"M":'.repeat(100_000)}`, 400)],
]

const halts: [string, Answer][] = [
  ['silence', silence],
  ['a head and silence', headersOnly],
  ['half a body and silence', halfAnAnswer],
  ['status 100 and silence', bytes('HTTP/1.1 100 Continue\r\n\r\n', 'stay')],
]

describe.concurrent.each(all)('$method', ({ method, operation, run }) => {
  const meet = (answer: Answer, code: 'ErrUnavailable' | 'ErrTimeout'): Promise<void> =>
    withStub(answersOf(operation, answer, json({ Items: [] })), async (stub) => {
      const store = storeAt(stub, { ...secret, maxAttempts: 1, requestTimeoutMs: code === 'ErrTimeout' ? 500 : 20_000 })
      if (method === 'releaseLease') expect(await run(store, 'key')).toBeUndefined()
      else expectCode(await rejectionOf(() => run(store, 'key')), code)
      await run(store, 'key')
      expect(stub.count(operation)).toBe(2)
    })

  test.each(noAnswers)('treats %s as a failed request, and the next call succeeds', (_, answer) =>
    meet(answer, 'ErrUnavailable'),
  )

  test.each(halts)('treats %s as a timeout, and the next call succeeds', (_, answer) => meet(answer, 'ErrTimeout'))
})

test('get reads an answer in HTTP/1.0, in chunks, or after status 100', () =>
  withStub(succeed, async (stub) => {
    for (const answer of [
      bytes('HTTP/1.0 200 OK\r\n\r\n{"Items":[]}'),
      bytes(`${head}transfer-encoding: chunked\r\n\r\n1\r\n{\r\nb\r\n"Items":[]}\r\n0\r\n\r\n`),
      bytes(`HTTP/1.1 100 Continue\r\n\r\n${head}content-length: 12\r\n\r\n{"Items":[]}`),
    ]) {
      stub.play(() => answer)
      expect(await storeAt(stub).get('key')).toBeNull()
    }
  }))

test('get does not read surplus bytes after an answer as the answer to its next request', () => {
  const page = {
    sk: { S: 'META' },
    s3_key: { S: 'unpublished' },
    generated_at: { N: '1' },
    revalidate_seconds: { N: '1' },
  }
  const surplus = JSON.stringify({ Items: [page] })
  const answer = `${head}content-length: 12\r\n\r\n{"Items":[]}${head}content-length: ${surplus.length}\r\n\r\n${surplus}`
  return withStub(answersOf('Query', bytes(answer, 'stay')), async (stub) => {
    const store = storeAt(stub)
    for (let round = 0; round < 20; round++) expect(await store.get('key')).toBeNull()
  })
})
