// Credentials are renewed in the background: while the old ones are valid, no call waits for a renewal or fails because of it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import {
  credentialProcess,
  ofContainer,
  runsOfProcess,
  type ServiceAnswer,
  startContainerService,
} from '../support/credential-sources.js'
import { elsewhere, folder, keysOf, offline, region, signers, stub, type Task } from '../support/elsewhere.js'
import { inProcess } from '../support/isolated.js'
import { fault, succeed } from '../support/stub/stub.js'

interface Plan {
  endpoint: string
  /** The wait before each call. */
  waitsMs: number[]
  operationTimeoutMs: number
}

/** Makes the calls one after the other, and resolves to the outcome of each. */
const callInTurn: Task<Plan, string[]> = async ({ FaceTheoryIsrMetaStore }, plan) => {
  const { endpoint, operationTimeoutMs } = plan
  const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint, operationTimeoutMs })
  const ends: string[] = []
  for (const waitMs of plan.waitsMs) {
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    ends.push(
      await store.get('key').then(
        () => 'success',
        ({ code }) => code,
      ),
    )
  }
  return ends
}

const waits = (count: number, ms: number): number[] => Array<number>(count).fill(ms)
const successes = (count: number): string[] => Array<string>(count).fill('success')

describe('a renewal', () => {
  test.each<[string, ServiceAnswer]>([
    ['never answers', 'never'],
    ['answers 500', { status: 500 }],
  ])('from a source that %s neither delays nor fails a call while the credentials are valid', async (_, answer) => {
    const service = await startContainerService({ lastsMs: 60_000 }, answer)
    const plan = { endpoint: elsewhere(), waitsMs: waits(12, 250), operationTimeoutMs: 10_000 }
    const ends = await inProcess(ofContainer(service), plan, callInTurn).finally(service.close)
    expect(ends).toEqual(successes(12))
    expect(signers()).toEqual(Array(12).fill('AKID1'))
  })

  test('begins before the credentials expire, is made once for all calls, and gives the keys for later calls', async () => {
    // The first credentials last a minute: they are due for renewal at once, and valid during the whole test.
    const service = await startContainerService({ lastsMs: 60_000 }, { lastsMs: 3_600_000 })
    const plan = { endpoint: elsewhere(), waitsMs: waits(10, 200), operationTimeoutMs: 10_000 }
    const ends = await inProcess(ofContainer(service), plan, callInTurn).finally(service.close)
    expect(ends).toEqual(successes(10))
    expect(service.asked()).toBe(2)
    expect(signers().at(0)).toBe('AKID1')
    expect(signers().at(-1)).toBe('AKID2')
  })

  test('that failed is not repeated at every call', async () => {
    const service = await startContainerService({ lastsMs: 60_000 }, { status: 400 })
    const plan = { endpoint: elsewhere(), waitsMs: waits(20, 50), operationTimeoutMs: 10_000 }
    const ends = await inProcess(ofContainer(service), plan, callInTurn).finally(service.close)
    expect(ends).toEqual(successes(20))
    expect(service.asked()).toBeLessThan(10)
  })
})

describe('a credential_process of four seconds', () => {
  test('is started once: calls wait until their timeout, and later calls use its credentials', async () => {
    const environment = await credentialProcess('setTimeout(answer, 4_000)')
    const plan = { endpoint: elsewhere(), waitsMs: waits(12, 300), operationTimeoutMs: 1_000 }
    const ends = await inProcess(environment, plan, callInTurn)
    expect(ends.at(0)).toBe('ErrTimeout')
    expect(ends.at(-1)).toBe('success')
    expect(ends.toSorted()).toEqual(ends)
    expect(await runsOfProcess()).toBe(1)
  })
})

describe('after ExpiredTokenException', () => {
  const expired = ['AKIDOLD', 'AKID1']
  const refuseExpired = (): void => {
    let isRotated = false
    stub.play((request, index) => {
      const signer = signers().at(-1) ?? ''
      // At the first call, the credentials are still valid.
      const isValid = !isRotated || !expired.includes(signer)
      isRotated = true
      return isValid ? succeed(request, index) : fault('ExpiredTokenException', 'The security token is expired')
    })
  }

  test('the source is asked once more: a rotated file is read again within the call', async () => {
    refuseExpired()
    const file = join(folder, 'credentials')
    await writeFile(file, `[default]\n${keysOf('AKIDOLD')}`)
    const rotation = { endpoint: elsewhere(), file, text: `[default]\n${keysOf('AKIDNEW')}` }
    const env = { ...offline, ...region, AWS_SHARED_CREDENTIALS_FILE: file }
    const ends = await inProcess(env, rotation, async ({ FaceTheoryIsrMetaStore }, { endpoint, file, text }) => {
      const store = new FaceTheoryIsrMetaStore('isr', {
        endpoint,
        operationTimeoutMs: 20_000,
        requestTimeoutMs: 10_000,
      })
      const call = () =>
        store.get('key').then(
          () => 'success',
          ({ code }) => code,
        )
      const first = await call()
      process.getBuiltinModule('node:fs').writeFileSync(file, text)
      return [first, await call(), await call()]
    })
    expect(ends).toEqual(['success', 'success', 'success'])
    expect(signers()).toEqual(['AKIDOLD', 'AKIDOLD', 'AKIDNEW', 'AKIDNEW'])
  })

  test('a call fails with ErrCredentials if the source has no newer credentials', async () => {
    refuseExpired()
    const environment = await credentialProcess(`answer({ AccessKeyId: 'AKID1' })`)
    const plan = { endpoint: elsewhere(), waitsMs: [0, 0], operationTimeoutMs: 20_000 }
    expect(await inProcess(environment, plan, callInTurn)).toEqual(['success', 'ErrCredentials'])
    expect(await runsOfProcess()).toBe(2)
    expect(stub.count('Query')).toBeLessThanOrEqual(3)
  })
})
