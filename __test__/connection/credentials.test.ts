// How long a store keeps the result of its first call: a failure not at all, and credentials until they expire.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { elsewhere, folder, keysOf, offline, region, regions, signers, stub, type Task } from '../support/elsewhere.js'
import { type Environment, inProcess } from '../support/isolated.js'

interface Late {
  endpoint: string
  file: string
  text: string
}

/** Resolves to the outcomes of two calls before a file is written, and of two calls after. */
const callAroundWriting: Task<Late, (string | null)[]> = async ({ FaceTheoryIsrMetaStore }, late) => {
  const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
  const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint: late.endpoint, ...patience })
  const call = (): Promise<string | null> =>
    store.get('key').then(
      () => null,
      ({ code }) => code,
    )
  const before = [await call(), await call()]
  process.getBuiltinModule('node:fs').writeFileSync(late.file, late.text)
  return [...before, await call(), await call()]
}

describe('a first call that failed is not repeated to later calls', () => {
  test('without credentials: the next call succeeds when some exist', async () => {
    const file = join(folder, 'credentials')
    const environment = { ...offline, ...region, AWS_SHARED_CREDENTIALS_FILE: file }
    const late = { endpoint: elsewhere(), file, text: `[default]\n${keysOf('AKIDLATE')}` }
    const outcomes = await inProcess(environment, late, callAroundWriting)
    expect(outcomes).toEqual(['ErrCredentials', 'ErrCredentials', null, null])
    expect(signers()).toEqual(['AKIDLATE', 'AKIDLATE'])
  })

  test('without a region: the next call succeeds when one exists', async () => {
    const file = join(folder, 'config')
    const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
    const late = { endpoint: elsewhere(), file, text: '[default]\nregion = eu-west-3\n' }
    const outcomes = await inProcess({ ...keys, AWS_CONFIG_FILE: file }, late, callAroundWriting)
    expect(outcomes).toEqual(['ErrConfig', 'ErrConfig', null, null])
    expect(regions()).toEqual(['eu-west-3', 'eu-west-3'])
  })
})

/**
 * Resolves to an environment whose profile gets credentials from a program. Its nth run gives the nth of `runs`, and later
 * runs give the last: credentials with this lifetime in seconds, or an error. The nth access key ID is `AKID` and n.
 */
async function credentialProcess(runs: (number | 'never' | 'fails')[]): Promise<Environment> {
  const program = join(folder, 'program.mjs')
  await writeFile(
    program,
    `import { appendFileSync, readFileSync } from 'node:fs'
    const [runs, log] = [${JSON.stringify(runs)}, ${JSON.stringify(join(folder, 'runs'))}]
    appendFileSync(log, '.')
    const run = readFileSync(log, 'utf8').length
    const seconds = runs[Math.min(run, runs.length) - 1]
    if (seconds === 'fails') process.exit(1)
    const Expiration = seconds === 'never' ? undefined : new Date(Date.now() + seconds * 1_000)
    console.log(JSON.stringify({ Version: 1, AccessKeyId: 'AKID' + run, SecretAccessKey: 'secret', Expiration }))`,
  )
  return askProgram(`"${process.execPath}" "${program}"`)
}

async function askProgram(command: string): Promise<Environment> {
  const config = join(folder, 'config')
  await writeFile(config, `[default]\nregion = eu-west-1\ncredential_process = ${command}\n`)
  return { ...offline, AWS_CONFIG_FILE: config }
}

const runs = async (): Promise<number> => (await readFile(join(folder, 'runs'), 'utf8')).length

interface Calls {
  endpoint: string
  /** The number of concurrent calls in each round. */
  rounds: number[]
}

const callInRounds: Task<Calls, (string | null)[][]> = async ({ FaceTheoryIsrMetaStore }, { endpoint, rounds }) => {
  const patience = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000, operationTimeoutMs: 20_000 }
  const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint, ...patience })
  const outcomes: (string | null)[][] = []
  for (const count of rounds) {
    const calls = Array.from({ length: count }, (_, i) =>
      store.get(`key ${i}`).then(
        () => null,
        ({ code }) => code,
      ),
    )
    outcomes.push(await Promise.all(calls))
  }
  return outcomes
}

const succeeded = (rounds: number[]): null[][] => rounds.map((count) => Array<null>(count).fill(null))

describe('credentials of a program', () => {
  test.each([
    ['that never expire', 'never'],
    ['that expire in an hour', 3_600],
  ] as const)('%s are loaded once for all calls', async (_, seconds) => {
    const rounds = [5, 1, 1]
    const environment = await credentialProcess([seconds])
    expect(await inProcess(environment, { endpoint: elsewhere(), rounds }, callInRounds)).toEqual(succeeded(rounds))
    expect(await runs()).toBe(1)
    expect(signers()).toEqual(Array(7).fill('AKID1'))
  })

  test('that have expired fail calls with ErrCredentials until the program gives new ones', async () => {
    const rounds = [1, 1]
    const environment = await credentialProcess([-1, 'fails', 3_600])
    const outcomes = await inProcess(environment, { endpoint: elsewhere(), rounds }, callInRounds)
    expect(outcomes).toEqual([['ErrCredentials'], [null]])
    expect(signers()).toEqual(['AKID3'])
  })

  test('that take too long fail a call with ErrTimeout, which says so; nothing is sent, and a later call succeeds', async () => {
    const gate = join(folder, 'gate')
    const answer = JSON.stringify({ Version: 1, AccessKeyId: 'AKIDSLOW', SecretAccessKey: 'secret' })
    const program = join(folder, 'program.sh')
    // The program ends with the test, even if the test fails.
    await writeFile(program, `until [ -e '${gate}' ] || [ ! -e "$0" ]; do sleep 0.1; done\necho '${answer}'\n`)
    const slow = { endpoint: elsewhere(), gate }
    const task: Task<typeof slow, { code: string; message: string; released: unknown; later: unknown }> = async (
      { FaceTheoryIsrMetaStore },
      { endpoint, gate },
    ) => {
      const store = new FaceTheoryIsrMetaStore('isr-connection', { endpoint, operationTimeoutMs: 300 })
      type Failure = { code: string; message: string }
      const told = ({ code, message }: Failure): Failure => ({ code, message })
      const { code, message } = (await store.get('key').catch(told)) as Failure
      const claim = { cacheKey: 'key', leaseOwner: 'owner', leaseToken: 'token' }
      const released = (await store.releaseLease(claim)) ?? null
      process.getBuiltinModule('node:fs').writeFileSync(gate, '')
      for (;;) {
        // On a busy machine, even a program that does not wait may take too long.
        const later = (await store.get('key').catch(told)) as Failure | null
        if (later?.code !== 'ErrTimeout') return { code, message, released, later }
      }
    }
    const { message, ...outcome } = await inProcess(await askProgram(`sh ${program}`), slow, task)
    expect(outcome).toEqual({ code: 'ErrTimeout', released: null, later: null })
    expect(message).toContain('operationTimeoutMs (300 ms) exceeded while waiting for AWS credentials')
    expect(stub.operations()).toEqual(['Query'])
    expect(signers()).toEqual(['AKIDSLOW'])
  })
})
