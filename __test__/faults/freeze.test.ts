// AWS Lambda can freeze a process while its answers arrive. After the thaw such an answer counts, even if its deadline has
// passed.
import { setTimeout as sleep } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { Contender } from '../support/contenders.js'
import { Gate } from '../support/stub/gate.js'
import { startStub, succeed } from '../support/stub/stub.js'
import { serverIdentity, tlsFile } from '../support/stub/tls.js'

const calls = 10
const limits = { connectTimeoutMs: 5_000, requestTimeoutMs: 1_500, operationTimeoutMs: 2_000, maxAttempts: 1 }

test.skipIf(process.platform === 'win32').each([
  ['plain HTTP', undefined],
  ['TLS', serverIdentity],
])('calls over %s succeed when their answers arrive in a freeze longer than their timeouts', async (_, identity) => {
  const stub = await startStub(await identity?.())
  const env = { NODE_EXTRA_CA_CERTS: tlsFile('authority.pem') }
  const frozen = await Contender.start('isr-frozen', { endpoint: stub.endpoint, ...limits }, env)
  try {
    // The connections are opened first, because their handshakes take a while on a busy machine.
    await Promise.all(Array.from({ length: calls }, (_, index) => frozen.store.get(`warm ${index}`).catch(() => null)))
    const gate = new Gate()
    stub.play(async (request, index) => {
      await gate.pass()
      return succeed(request, index)
    })
    const answers = Promise.allSettled(Array.from({ length: calls }, (_, index) => frozen.store.get(`key ${index}`)))
    while (gate.length < calls) await gate.arrival()
    frozen.stop()
    gate.open()
    await sleep(3_500)
    frozen.resume()
    const ends = (await answers).map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason.message))
    expect(ends).toEqual(Array(calls).fill(null))
  } finally {
    await frozen.kill()
    await stub.close()
  }
})
