// A settled call sends no more requests. Lambda freezes the process then, and thaws it for another invocation.
import type { FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { acquire, all, get, type MethodCall } from '../support/calls.js'
import {
  type Answer,
  answersOf,
  fault,
  hangUp,
  type Script,
  type Stub,
  silence,
  storeAt,
  succeed,
  withStub,
} from '../support/stub/stub.js'

const fence = 'the fence'

/** Their back-offs take longer than any that a call with the timeouts of `hurry` could still have. */
const fenceAttempts = 5

/** Answers every request of the fence with a server error, and all other requests as `script` does. */
const fenced =
  (script: Script): Script =>
  (request, index) =>
    request.text.includes(fence) ? fault('InternalServerError', 'oops', 500) : script(request, index)

/** The operations that arrive after the second request of the fence. Requests in flight arrive before it. */
async function sentAfterwards(stub: Stub): Promise<string[]> {
  const store = storeAt(stub, { maxAttempts: fenceAttempts })
  await store.get(fence).catch(() => {})
  const isFence = stub.requests.map(({ text }) => text.includes(fence))
  expect(isFence.filter(Boolean)).toHaveLength(fenceAttempts)
  const second = isFence.indexOf(true, isFence.indexOf(true) + 1)
  const after = stub.requests.slice(second).filter(({ text }) => !text.includes(fence))
  return after.map(({ operation }) => operation)
}

/** Timeouts that end a call before its last attempt. */
const hurry: FaceTheoryIsrMetaStoreOptions = { maxAttempts: 10, requestTimeoutMs: 100, operationTimeoutMs: 150 }

/** Calls until a request has arrived: on a busy machine the deadline may pass before that. */
async function callInHurry(stub: Stub, { operation, run }: MethodCall): Promise<void> {
  const store = storeAt(stub, hurry)
  while (stub.count(operation) === 0) await run(store, 'key').catch(() => {})
}

const faults: [string, Answer][] = [
  ['throttling', fault('ThrottlingException')],
  ['a conflict', fault('TransactionConflictException')],
  ['a server error', fault('InternalServerError', 'oops', 500)],
  ['a broken connection', hangUp],
  ['no answer', silence],
]

describe.concurrent.each(all)('$method', (call) => {
  const { operation, run } = call

  test.each(faults)('sends nothing after it ended in %s, with attempts left', (_, answer) =>
    withStub(fenced(answersOf(operation, answer)), async (stub) => {
      await callInHurry(stub, call)
      expect(await sentAfterwards(stub)).toEqual([])
    }),
  )

  test('sends nothing after it ended in an error that is not retryable', () =>
    withStub(fenced(answersOf(operation, fault('AccessDeniedException'))), async (stub) => {
      await run(storeAt(stub), 'key').catch(() => {})
      expect(stub.count(operation)).toBe(1)
      expect(await sentAfterwards(stub)).toEqual([])
    }))

  test('sends nothing after it succeeded', () =>
    withStub(fenced(succeed), async (stub) => {
      await run(storeAt(stub), 'key')
      expect(stub.count(operation)).toBe(1)
      expect(await sentAfterwards(stub)).toEqual([])
    }))
})

const failing =
  (...operations: string[]) =>
  (answer: Answer): Script =>
  (request, index) =>
    operations.includes(request.operation) ? answer : succeed(request, index)

describe.concurrent('tryAcquireLease', () => {
  const denied = fault('AccessDeniedException')
  const read = failing('GetItem')
  const readAndRelease = failing('GetItem', 'DeleteItem')
  const everything = failing('PutItem', 'GetItem', 'DeleteItem')

  test.each<[string, Script]>([
    ['whose read was denied', read(denied)],
    ['whose read was not answered', read(silence)],
    ['whose read and release were throttled', readAndRelease(fault('ThrottlingException'))],
    ['whose read and release were not answered', readAndRelease(silence)],
    ['whose requests were not answered', everything(silence)],
    ['whose connections all broke', everything(hangUp)],
  ])('%s sends nothing after it settled', (_, script) =>
    withStub(fenced(script), async (stub) => {
      await callInHurry(stub, acquire)
      expect(await sentAfterwards(stub)).toEqual([])
    }),
  )

  test('whose put was denied stops the attempts of its read', () => {
    const script: Script = ({ operation }) => (operation === 'PutItem' ? denied : fault('ThrottlingException'))
    return withStub(fenced(script), async (stub) => {
      await acquire.run(storeAt(stub, { maxAttempts: 10 }), 'key').catch(() => {})
      expect(await sentAfterwards(stub)).toEqual([])
    })
  })
})

test.concurrent.each([get, acquire])(
  'calls of $method that share requests send nothing after all have settled',
  ({ run }) =>
    withStub(
      fenced(() => hangUp),
      async (stub) => {
        const store = storeAt(stub, hurry)
        await Promise.allSettled(Array.from({ length: 10 }, () => run(store, 'key')))
        expect(await sentAfterwards(stub)).toEqual([])
      },
    ),
)
