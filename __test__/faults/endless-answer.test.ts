// An answer that does not end is refused while it is read: the longest answer of DynamoDB has 1 MB of items.
import { once } from 'node:events'

import { expect, test } from 'vitest'

import { inProcess } from '../support/isolated.js'
import { type Answer, answersOf, json, storeAt, withStub } from '../support/stub/stub.js'

const mebibyte = 2 ** 20

/** Sends whitespace while the client reads it, and counts the bytes. */
function endless(): { answer: Answer; sentBytes: () => number } {
  const chunk = Buffer.alloc(mebibyte / 4, ' ')
  let sent = 0
  const answer: Answer = async (response) => {
    response.on('error', () => {})
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
    while (!response.destroyed) {
      sent += chunk.length
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]).catch(() => {})
    }
  }
  return { answer, sentBytes: () => sent }
}

test('get refuses an endless answer at 8 MB, and the memory of the process grows by less than 100 MB', async () => {
  const { answer, sentBytes } = endless()
  await withStub(answersOf('Query', answer), async (stub) => {
    const { code, retryable, grownBy } = await inProcess({}, stub.endpoint, async (isr, endpoint) => {
      const store = new isr.FaceTheoryIsrMetaStore('isr', {
        endpoint,
        requestTimeoutMs: 10_000,
        operationTimeoutMs: 20_000,
      })
      const before = process.memoryUsage().rss
      let most = before
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss)
      }, 20)
      const { code, retryable } = await store.get('key').then(
        () => ({ code: 'resolved', retryable: false }),
        (error) => error,
      )
      clearInterval(watch)
      return { code, retryable, grownBy: Math.max(most, process.memoryUsage().rss) - before }
    })
    expect({ code, retryable }).toEqual({ code: 'ErrUnavailable', retryable: true })
    expect(grownBy).toBeLessThan(100 * mebibyte)
    // Three attempts at most, and the buffers of the sockets.
    expect(sentBytes()).toBeLessThan(60 * mebibyte)
  })
})

test('get reads an answer of 7 MB', () =>
  withStub(answersOf('Query', json({ padding: ' '.repeat(7 * mebibyte), Items: [], Count: 0 })), async (stub) => {
    expect(await storeAt(stub).get('key')).toBeNull()
  }))
