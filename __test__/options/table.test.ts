// The table of options that the constructor reads. Each option has a range, a type, and an entry in the typings and in
// `README.md`.
import { readFileSync } from 'node:fs'

import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'
import { describe, expect, test } from 'vitest'

import { admin } from '../../cli/native.mjs'
import { expectRefused, rejectionOf } from '../support/failure.js'

const table = admin.classOptions()

const make = (name: string, value: unknown): FaceTheoryIsrMetaStore =>
  new FaceTheoryIsrMetaStore('isr', { [name]: value } as FaceTheoryIsrMetaStoreOptions)

const refusal = (name: string, value: unknown) => rejectionOf(async () => make(name, value))

const ofKind = (wanted: string) => table.filter(({ kind }) => kind === wanted)

describe.each(ofKind('number'))('$name', ({ name, least, most, whole }) => {
  test('accepts the ends and the middle of its range', () => {
    for (const number of [least, most, (Number(least) + Number(most)) / 2]) {
      make(name, whole === true ? Math.trunc(Number(number)) : number)
    }
  })

  test('refuses a number out of its range with a RangeError that names it', async () => {
    const outside = [Number(least) - 1, Number(most) * 2, Number.NaN, Number.POSITIVE_INFINITY]
    for (const number of whole === true ? [...outside, Number(least) + 0.5] : outside) {
      const error = await refusal(name, number)
      expectRefused(error, RangeError, name)
      expect(error.message).toMatch(new RegExp(`^${name} must be `))
    }
  })
})

const samples: Record<string, unknown[]> = {
  number: ['1', true, null, {}, () => 1],
  boolean: [1, 'true', null, {}, () => true],
  string: [1, true, null, {}, () => ''],
  function: [1, 'function', null, {}, true],
  credentials: [1, 'credentials', null, true, []],
}

test.each(table)('$name refuses a value of another type with a TypeError that names it', async ({ name, kind }) => {
  for (const value of samples[kind] ?? []) {
    const error = await refusal(name, value)
    expectRefused(error, TypeError, name)
    expect(error.message).toContain(name)
  }
})

test.each(table)('$name may be undefined', ({ name }) => {
  make(name, undefined)
})

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the typings have each option once, and no other', () => {
  const [, body = ''] = /interface FaceTheoryIsrMetaStoreOptions \{\n(.*?)\n\}/s.exec(read('index.d.ts')) ?? []
  const declared = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
  expect(declared.sort()).toEqual(table.map(({ name }) => name).sort())
})

test('the table in the README has each option once, and no other', () => {
  const [, section = ''] = /^## Options\n(.*?)^## /ms.exec(read('README.md')) ?? []
  const documented = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  expect(documented.sort()).toEqual(['tableName', ...table.map(({ name }) => name)].sort())
})

test.each(ofKind('number'))('the README and the typings state the largest $name', ({ name, most }) => {
  const number = Number(most) === 1e10 ? '' : Number(most).toLocaleString('en-US')
  const row = read('README.md')
    .split('\n')
    .find((line) => line.startsWith(`| \`${name}\` |`))
  const declaration = new RegExp(`((?:(?!\\*/)[^])*)\\*/\\s*${name}\\?:`).exec(read('index.d.ts'))?.[1]
  expect(row).toContain(number)
  expect(declaration?.slice(-900)).toContain(number)
})
