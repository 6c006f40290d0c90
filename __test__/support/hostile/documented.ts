// The documented outcomes of a call, with any arguments.
import type { IsrStoreErrorCode, IsrStoreFailure } from '@theory-cloud/tabletheory-isr'
import { expect } from 'vitest'

/** Every documented code, with the error names that it may have. */
const names: Record<IsrStoreErrorCode, readonly string[]> = {
  ErrInvalidArgument: ['TypeError', 'RangeError'],
  ErrLeaseNotOwned: ['IsrLeaseConflictError'],
  ErrConfig: ['IsrStoreConfigError'],
  ErrTableNotFound: ['IsrStoreConfigError'],
  ErrCredentials: ['IsrStoreConfigError'],
  ErrAccessDenied: ['IsrStoreConfigError'],
  ErrThrottled: ['IsrStoreUnavailableError'],
  ErrConflict: ['IsrStoreUnavailableError'],
  ErrTimeout: ['IsrStoreUnavailableError'],
  ErrUnavailable: ['IsrStoreUnavailableError'],
  ErrUnexpected: ['IsrStoreError'],
}

export type Outcome = { returned: unknown } | { failed: IsrStoreFailure }

/** Resolves to the outcome of the call. A call that throws, returns no promise, or has an undocumented error fails the test. */
export async function outcomeOf(call: () => unknown): Promise<Outcome> {
  const promise = call()
  expect(promise).toBeInstanceOf(Promise)
  try {
    return { returned: await promise }
  } catch (error) {
    return { failed: documented(error) }
  }
}

/** Returns the outcome of a construction: a store, or a documented error. */
export function construction(make: () => unknown): Outcome {
  try {
    return { returned: make() }
  } catch (error) {
    const failure = documented(error)
    expect(['ErrInvalidArgument', 'ErrConfig']).toContain(failure.code)
    return { failed: failure }
  }
}

function documented(error: unknown): IsrStoreFailure {
  expect(error).toBeInstanceOf(Error)
  const failure = error as IsrStoreFailure
  const { name, code, message, retryable } = failure
  expect(Object.keys(names), message).toContain(code)
  expect(names[code], message).toContain(name)
  expect(retryable, message).toBe(name === 'IsrStoreUnavailableError')
  expect(message).toMatch(/./)
  const kind = name === 'TypeError' ? TypeError : name === 'RangeError' ? RangeError : Error
  expect(Object.getPrototypeOf(failure), message).toBe(kind.prototype)
  return failure
}

export const isRefusal = (outcome: Outcome): boolean =>
  'failed' in outcome && outcome.failed.code === 'ErrInvalidArgument'
