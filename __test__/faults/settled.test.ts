// A call that has settled is over: nothing of it is sent any more. Lambda freezes there, and thaws in another request.
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

/** Their pauses take longer than any that a call in a hurry could still make. */
const fenceAttempts = 5

/** Answers the fence with a server error, again and again, and everything else as `script` says. */
const fenced =
  (script: Script): Script =>
  (request, index) =>
    request.text.includes(fence) ? fault('InternalServerError', 'oops', 500) : script(request, index)

/** What came after a second request of the fence, but for its own. What was on its way came before that. */
async function sentAfterwards(stub: Stub): Promise<string[]> {
  const store = storeAt(stub, { maxAttempts: fenceAttempts })
  await store.get(fence).catch(() => {})
  const isFence = stub.requests.map(({ text }) => text.includes(fence))
  expect(isFence.filter(Boolean)).toHaveLength(fenceAttempts)
  const second = isFence.indexOf(true, isFence.indexOf(true) + 1)
  const after = stub.requests.slice(second).filter(({ text }) => !text.includes(fence))
  return after.map(({ operation }) => operation)
}

/** Short of time, and never short of attempts. */
const hurry: FaceTheoryIsrMetaStoreOptions = { maxAttempts: 10, requestTimeoutMs: 100, operationTimeoutMs: 150 }

/** Calls until a request has come through: on a busy machine the time may be over before. */
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

  test.each(faults)('that ended in %s, with attempts to spare, sends nothing more', (_, answer) =>
    withStub(fenced(answersOf(operation, answer)), async (stub) => {
      await callInHurry(stub, call)
      expect(await sentAfterwards(stub)).toEqual([])
    }),
  )

  test('that ended in an error for good sends nothing more', () =>
    withStub(fenced(answersOf(operation, fault('AccessDeniedException'))), async (stub) => {
      await run(storeAt(stub), 'key').catch(() => {})
      expect(stub.count(operation)).toBe(1)
      expect(await sentAfterwards(stub)).toEqual([])
    }))

  test('that succeeded sends nothing more', () =>
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
    ['whose read has failed for good', read(denied)],
    ['whose read was not answered', read(silence)],
    ['whose read and release were throttled', readAndRelease(fault('ThrottlingException'))],
    ['whose read and release were not answered', readAndRelease(silence)],
    ['of which nothing was answered', everything(silence)],
    ['of which nothing came through', everything(hangUp)],
  ])('%s sends nothing more', (_, script) =>
    withStub(fenced(script), async (stub) => {
      await callInHurry(stub, acquire)
      expect(await sentAfterwards(stub)).toEqual([])
    }),
  )

  test('whose write has failed for good gives up its read', () => {
    const script: Script = ({ operation }) => (operation === 'PutItem' ? denied : fault('ThrottlingException'))
    return withStub(fenced(script), async (stub) => {
      await acquire.run(storeAt(stub, { maxAttempts: 10 }), 'key').catch(() => {})
      expect(await sentAfterwards(stub)).toEqual([])
    })
  })
})

test.concurrent.each([get, acquire])(
  'calls of $method that share requests send nothing more when all have settled',
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
