// The errors that the store throws and rejects with.
import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'

import type { IsrStoreErrorCode, IsrStoreFailure } from '@theory-cloud/tabletheory-isr'
import { expect } from 'vitest'

import { printed } from './printed.mjs'

const canary = 'CANARY'

/** Credentials and lease tokens that must not occur in an error. */
export const secret = {
  credentials: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: `${canary}/secret+key`,
    sessionToken: `${canary}/session+token`,
  },
  leaseToken: (): string => `${canary} ${randomUUID()}`,
}

/** Expects no secret in the error: neither in its message, nor in anything else that a logger could print. */
export function expectNoSecret(error: unknown): void {
  const text = printed(error)
  expect(text).toContain('retryable')
  expect(text).not.toContain(canary)
}

/** The error that the promise is rejected with. A call that throws, or resolves, fails the test. */
export async function rejectionOf(call: () => Promise<unknown>): Promise<IsrStoreFailure> {
  const promise = call()
  expect(promise).toBeInstanceOf(Promise)
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in outcome)
    throw new Error(`resolved with ${inspect(outcome.value).slice(0, 1_000)} instead of being rejected`)
  return failure(outcome.error)
}

/** The error that the call throws before it returns. A call that returns fails the test. */
export function thrownBy(call: () => unknown): IsrStoreFailure {
  try {
    call()
  } catch (error) {
    return failure(error)
  }
  throw new Error('returned instead of throwing')
}

function failure(error: unknown): IsrStoreFailure {
  expect(error).toBeInstanceOf(Error)
  return error as IsrStoreFailure
}

const names: Record<Exclude<IsrStoreErrorCode, 'ErrInvalidArgument'>, string> = {
  ErrLeaseNotOwned: 'IsrLeaseConflictError',
  ErrConfig: 'IsrStoreConfigError',
  ErrTableNotFound: 'IsrStoreConfigError',
  ErrCredentials: 'IsrStoreConfigError',
  ErrAccessDenied: 'IsrStoreConfigError',
  ErrThrottled: 'IsrStoreUnavailableError',
  ErrConflict: 'IsrStoreUnavailableError',
  ErrTimeout: 'IsrStoreUnavailableError',
  ErrUnavailable: 'IsrStoreUnavailableError',
  ErrUnexpected: 'IsrStoreError',
}

/** Expects this code, its name and its `retryable`, and no secret. */
export function expectCode(error: IsrStoreFailure, code: keyof typeof names): void {
  expectNoSecret(error)
  const name = names[code]
  const retryable = name === 'IsrStoreUnavailableError'
  expect({ code: error.code, name: error.name, retryable: error.retryable }, error.stack).toEqual({
    code,
    name,
    retryable,
  })
}

/** Expects a refused argument: `TypeError` for a wrong type, `RangeError` for an impossible value of the right type. */
export function expectRefused(error: IsrStoreFailure, kind: typeof TypeError | typeof RangeError, about: string): void {
  expect(error, about).toBeInstanceOf(kind)
  expect(error, about).toMatchObject({ name: kind.name, code: 'ErrInvalidArgument', retryable: false })
}

/** Expects a refused argument, with either of the two errors. */
export function expectInvalid(error: IsrStoreFailure, about: string): void {
  expectRefused(error, error instanceof RangeError ? RangeError : TypeError, about)
}
