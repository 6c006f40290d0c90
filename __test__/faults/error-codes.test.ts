// The codes and the messages of the store's errors.
import { inspect } from 'node:util'

import { CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { acquire, commit, get, reporting } from '../support/calls.js'
import { expectCode, rejectionOf, thrownBy } from '../support/failure.js'
import { inProcess } from '../support/isolated.js'
import { dynamodb, endpoint, makeTable, newKey, storeOf } from '../support/store.js'
import { answersOf, fault, json, type Stub, startStub, storeAt, succeed, text } from '../support/stub/stub.js'

let stub: Stub

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => stub.play(succeed))
afterAll(() => stub.close())

test('a call on a table that does not exist rejects with ErrTableNotFound, with table name and endpoint', async () => {
  const table = `isr-none-${crypto.randomUUID()}`
  for (const { method, run } of reporting) {
    const error = await rejectionOf(() => run(storeOf(table), newKey()))
    expectCode(error, 'ErrTableNotFound')
    expect(error.message, method).toContain(`table "${table}" does not exist in endpoint ${endpoint}`)
    expect(error.message, method).toContain(method)
  }
})

test("a call on a table with other keys rejects with ErrUnexpected, with DynamoDB's error in the message", async () => {
  const TableName = `isr-other-${crypto.randomUUID()}`
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  )
  for (const { run } of reporting) {
    const error = await rejectionOf(() => run(storeOf(TableName), newKey()))
    expectCode(error, 'ErrUnexpected')
    expect(error.message).toContain('ValidationException')
  }
})

test('the message of ErrLeaseNotOwned has the whole cache key, its control characters escaped, and no more', async () => {
  const store = storeOf(await makeTable())
  for (const cacheKey of [newKey(), `${newKey()}${'x'.repeat(3_000)}`, `${newKey()} "quoted"\n`]) {
    const error = await rejectionOf(() => commit.run(store, cacheKey))
    expectCode(error, 'ErrLeaseNotOwned')
    expect(error.message).toBe(`ISR lease lost for cache key "${cacheKey.replace('\n', '\\n')}"`)
  }
})

test('the first call rejects with ErrConfig without a region, and with ErrCredentials without credentials', async () => {
  // A loopback address would need neither a region nor credentials.
  const endpoint = stub.endpoint.replace('127.0.0.1', '0.0.0.0')
  const env = { AWS_EC2_METADATA_DISABLED: 'true' }
  const outcomes = await inProcess(env, endpoint, async ({ FaceTheoryIsrMetaStore }, endpoint) => {
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
    const stores = [{ credentials }, { region: 'eu-central-1' }].map(
      (options) => new FaceTheoryIsrMetaStore('isr-errors', { endpoint, ...options }),
    )
    type Failure = { code: string; name: string; retryable: boolean; message: string }
    const told = ({ code, name, retryable, message }: Failure) => ({ code, name, retryable, message })
    return Promise.all(stores.map((store) => store.get('key').then(() => null, told)))
  })
  const common = { name: 'IsrStoreConfigError', retryable: false }
  expect(outcomes).toEqual([
    { ...common, code: 'ErrConfig', message: expect.stringMatching(/options\.region.*AWS_REGION/) },
    { ...common, code: 'ErrCredentials', message: expect.stringMatching(/options\.credentials.*AWS_ACCESS_KEY_ID/) },
  ])
  expect(stub.requests).toEqual([])
})

test('get rejects or returns null for an answer with values of wrong types, without a crash', async () => {
  const bodies = [
    '[]',
    'null',
    '1',
    '{"Items":1}',
    '{"Items":[1]}',
    '{"Items":[{"pk":{"S":1}}]}',
    '{"Items":[{"pk":{"Q":""}}]}',
  ]
  for (const body of bodies) {
    stub.play(() => text(body))
    const told = (error: Error): string => error.name
    const outcome = await storeAt(stub, { maxAttempts: 1 }).get('key').then(String, told)
    expect(['null', 'IsrStoreUnavailableError', 'IsrStoreError'], body).toContain(outcome)
  }
})

test('a failed call does not affect concurrent calls of the same store', async () => {
  stub.play((request) => (request.text.includes('CACHE#bad') ? fault('ValidationException') : json({ Items: [] })))
  const store = storeAt(stub)
  const outcomes = await Promise.allSettled([get.run(store, 'good'), get.run(store, 'bad'), acquire.run(store, 'good')])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('a store whose call failed succeeds when DynamoDB answers again', async () => {
  const store = storeAt(stub, { maxAttempts: 1 })
  for (const { run, operation } of reporting) {
    stub.play(answersOf(operation, fault('InternalServerError', 'oops', 500), json({ Items: [] })))
    expectCode(await rejectionOf(() => run(store, 'key')), 'ErrUnavailable')
    await run(store, 'key')
  }
})

test('code and retryable of an error are enumerable, and name, message and cause are not', async () => {
  stub.play(() => fault('AccessDeniedException'))
  const reported = await rejectionOf(() => get.run(storeAt(stub), 'key'))
  const refused = await rejectionOf(() => storeAt(stub).get(''))
  const thrown = thrownBy(() => new FaceTheoryIsrMetaStore(''))
  for (const error of [reported, refused, thrown]) {
    const { code, retryable } = error
    expect(Object.keys(error), code).toEqual(['code', 'retryable'])
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code, retryable })
    expect({ ...error }).toEqual({ code, retryable })
    for (const part of [`code: '${code}'`, `retryable: ${retryable}`, error.name, error.message]) {
      expect(inspect(error)).toContain(part)
    }
  }
  expect(inspect(reported)).toContain('[cause]: ')
  expect(Object.getOwnPropertyDescriptors(reported)).toMatchObject({
    code: { enumerable: true, writable: true, configurable: true },
    retryable: { enumerable: true, writable: true, configurable: true },
    name: { enumerable: false, writable: true, configurable: true },
    message: { enumerable: false, writable: true, configurable: true },
    cause: { enumerable: false, writable: true, configurable: true },
  })
})
