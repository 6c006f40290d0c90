// Every field of every input, with values of every type and at the ends of its range.
import { inspect } from 'node:util'

import type { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { expectRefused, rejectionOf } from '../support/failure.js'
import {
  callWith,
  type Field,
  goodInput,
  hostile,
  loneSurrogates,
  methodFields,
  oddStrings,
  samples,
} from '../support/hostile/inputs.js'
import { expectNothingSent, type Stub, startStub, storeAt, succeed } from '../support/stub/stub.js'

let stub: Stub
let store: FaceTheoryIsrMetaStore

beforeAll(async () => {
  stub = await startStub()
})
beforeEach(() => {
  stub.play(succeed)
  store = storeAt(stub)
})
afterAll(() => stub.close())

const wrongTypes = (field: Field): [string, unknown][] =>
  Object.entries(samples).filter(([type]) => !(field.takes as readonly string[]).includes(type))

describe.each(methodFields)('%s: %s', (method, name, field) => {
  const withValue = (value: unknown): object => ({ ...goodInput[method], [name]: value })

  test('a value of another type is refused with a TypeError that names the field, and nothing is sent', async () => {
    expect(wrongTypes(field).length).toBeGreaterThan(5)
    for (const [type, value] of wrongTypes(field)) {
      const error = await rejectionOf(() => callWith(store, method, withValue(value)))
      expectRefused(error, TypeError, type)
      expect(error.message, type).toContain(name)
      expect(Object.hasOwn(error, 'cause'), type).toBe(false)
    }
    await expectNothingSent(stub)
  })

  if (field.impossible.length > 0) {
    test('an impossible value is refused with a RangeError that names the field, and nothing is sent', async () => {
      for (const value of field.impossible) {
        const error = await rejectionOf(() => callWith(store, method, withValue(value)))
        expectRefused(error, RangeError, inspect(value))
        expect(error.message, inspect(value)).toContain(name)
      }
      await expectNothingSent(stub)
    })
  }

  test('an odd but valid value is sent', async () => {
    expect(field.odd.length).toBeGreaterThan(2)
    for (const value of field.odd) {
      stub.play(succeed)
      // A new store each time: a store that has committed a token sends no more requests for it.
      await callWith(storeAt(stub), method, withValue(value))
      expect(stub.requests, inspect(value)).not.toEqual([])
    }
  })
})

describe.each(['get', 'invalidate'] as const)('%s: cacheKey', (method) => {
  const call = (cacheKey: unknown): Promise<unknown> => store[method](hostile<string>(cacheKey))

  test('a value of another type is refused with a TypeError that names the field, and nothing is sent', async () => {
    for (const [type, value] of Object.entries(samples).filter(([type]) => type !== 'string')) {
      const error = await rejectionOf(() => call(value))
      expectRefused(error, TypeError, type)
      expect(error.message, type).toContain('cacheKey')
    }
    const nothing = await rejectionOf(() => hostile<() => Promise<void>>(store[method].bind(store))())
    expectRefused(nothing, TypeError, 'no argument')
    await expectNothingSent(stub)
  })

  test('an impossible value is refused with a RangeError that names the field, and nothing is sent', async () => {
    for (const value of ['', ...loneSurrogates]) {
      const error = await rejectionOf(() => call(value))
      expectRefused(error, RangeError, JSON.stringify(value))
      expect(error.message).toContain('cacheKey')
    }
    await expectNothingSent(stub)
  })

  test('an odd but valid value is sent, and has a partition of its own', async () => {
    for (const value of oddStrings) await call(value)
    const partitions = stub.requests.map(({ body }) => JSON.stringify(body).match(/"CACHE#(?:[^"\\]|\\.)*"/)?.[0])
    expect(partitions.map((partition) => JSON.parse(partition ?? 'null'))).toEqual(
      oddStrings.map((key) => `CACHE#${key}`),
    )
  })

  test('further arguments are ignored', async () => {
    await hostile<(...all: unknown[]) => Promise<unknown>>(store[method].bind(store))('key', 1n, Symbol('text'), {})
    expect(stub.requests).toHaveLength(1)
  })
})
