// The checker itself, on histories of a register whose verdicts are known.
import { describe, expect, test } from 'vitest'

import { linearize, type Operation } from './linearizability.js'

type Register = number

const write = (value: number, from: number, until: number, certain = true): Operation<Register> => ({
  what: `${certain ? 'write' : 'perhaps write'} ${value}`,
  from,
  until,
  certain,
  apply: () => value,
})

const read = (value: number, from: number, until: number): Operation<Register> => ({
  what: `read ${value}`,
  from,
  until,
  certain: true,
  isObservation: true,
  apply: (state) => (state === value ? state : undefined),
})

/** Succeeds only on the value that it expects. */
const swap = (expected: number, value: number, from: number, until: number, certain = true): Operation<Register> => ({
  what: `swap ${expected} for ${value}`,
  from,
  until,
  certain,
  apply: (state) => (state === expected ? value : undefined),
})

const verdict = (...history: Operation<Register>[]) => linearize(history, 0, String)
const isLinearizable = (...history: Operation<Register>[]): boolean => verdict(...history).linearizable

describe('a history is linearizable:', () => {
  test.each<[string, Operation<Register>[]]>([
    ['no operations', []],
    ['operations one after the other', [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)]],
    ['a read during a write that sees the old value', [write(1, 0, 10), read(0, 2, 3)]],
    ['a read during a write that sees the new value', [write(1, 0, 10), read(1, 2, 3)]],
    [
      'two reads that see two concurrent writes, in either order',
      [write(1, 0, 10), write(2, 0, 10), read(2, 1, 2), read(1, 3, 4)],
    ],
    ['a read of the old value that begins when the write ends', [write(1, 0, 1), read(0, 1, 2)]],
    [
      'an order that only the last operation reveals',
      [write(1, 0, 9), write(2, 0, 9), write(3, 0, 9), read(2, 10, 11)],
    ],
    ['an uncertain write that is never seen', [write(1, 0, Infinity, false), read(0, 5, 6), read(0, 7, 8)]],
    ['an uncertain write that is seen long after', [write(1, 0, Infinity, false), read(0, 5, 6), read(1, 7, 8)]],
    ['an uncertain write that ended and is seen', [write(1, 0, 2, false), read(1, 5, 6)]],
    ['an uncertain write that ended and is not seen', [write(1, 0, 2, false), read(0, 5, 6)]],
    [
      'a chain of uncertain writes',
      [swap(1, 2, 0, Infinity, false), swap(0, 1, 0, Infinity, false), swap(2, 3, 0, Infinity, false), read(3, 5, 6)],
    ],
  ])('%s', (_, history) => {
    expect(verdict(...history)).toMatchObject({ linearizable: true })
  })
})

describe('a history is not linearizable:', () => {
  test.each<[string, Operation<Register>[]]>([
    ['a read of a value that was never written', [write(1, 0, 1), read(2, 2, 3)]],
    ['a stale read', [write(1, 0, 1), read(0, 2, 3)]],
    ['a read of a value that is written later', [read(1, 0, 1), write(1, 2, 3)]],
    ['a read of the old value after a read of the new value', [write(1, 0, 10), read(1, 2, 3), read(0, 4, 5)]],
    [
      'two reads that see two writes in opposite orders',
      [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)],
    ],
    ['two successful swaps of the same value', [swap(0, 1, 0, 10), swap(0, 2, 0, 10)]],
    [
      'an uncertain write that takes effect twice',
      [write(1, 0, Infinity, false), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)],
    ],
    ['an uncertain write that is seen before its call', [read(1, 0, 1), write(1, 2, Infinity, false)]],
    ['an uncertain write that takes effect after its end', [write(1, 0, 2, false), read(0, 3, 4), read(1, 5, 6)]],
    ['a lost update', [swap(0, 1, 0, 1), swap(1, 2, 2, 3), read(1, 4, 5)]],
  ])('%s', (_, history) => {
    expect(verdict(...history)).toMatchObject({ linearizable: false })
  })
})

test('an operation with a "before" is never ordered after that operation', () => {
  const last = swap(0, 1, 0, 10)
  const perhaps = write(2, 0, 10, false)
  const history = [last, read(1, 1, 2), read(2, 3, 4)]
  expect(isLinearizable(...history, perhaps)).toBe(true)
  expect(isLinearizable(...history, { ...perhaps, before: last })).toBe(false)
  expect(isLinearizable(last, { ...perhaps, before: last }, swap(2, 0, 1, 2), read(1, 3, 4))).toBe(true)
})

test('a verdict shows an order, or the longest order of a part and the operations left', () => {
  expect(verdict(read(1, 0, 9), write(1, 0, 9))).toEqual({ linearizable: true, order: ['write 1', 'read 1'] })
  expect(verdict(write(1, 0, 1), read(1, 2, 3), read(0, 4, 5))).toEqual({
    linearizable: false,
    order: ['write 1', 'read 1'],
    state: '1',
    left: ['read 0'],
  })
})

test('the search visits each configuration once: 12 times 2^12 instead of 12! steps', () => {
  const writes = Array.from({ length: 12 }, (_, index) => write(index, 0, 1))
  expect(isLinearizable(...writes, read(12, 2, 3))).toBe(false)
})
