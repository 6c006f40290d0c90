// Optional fields that are absent, undefined, null or set, in a table of DynamoDB Local.
import { runInNewContext } from 'node:vm'

import type { CommitIsrGenerationInput, FaceTheoryIsrMetaStore, IsrMetaRecord } from '@theory-cloud/tabletheory-isr'
import { beforeAll, describe, expect, test } from 'vitest'

import { expectCode, rejectionOf } from '../support/failure.js'
import { hostile } from '../support/hostile/inputs.js'
import { makeTable, newKey, storeOf } from '../support/store.js'

let store: FaceTheoryIsrMetaStore
const leaseEnds = 1_700_000_005_000

beforeAll(async () => {
  store = storeOf(await makeTable())
})

async function leased(): Promise<CommitIsrGenerationInput> {
  const claim = { cacheKey: newKey(), leaseOwner: 'owner' }
  const times = { nowMs: leaseEnds - 5_000, leaseDurationMs: 5_000, fallbackRevalidateSeconds: 60 }
  const { leaseToken } = await store.tryAcquireLease({ ...claim, ...times })
  const page = {
    htmlPointer: 'pointer',
    generatedAt: leaseEnds - 1_000,
    revalidateSeconds: 60,
    status: 200,
    contentType: 'text/html',
  }
  return { ...claim, ...page, leaseToken: leaseToken ?? '' }
}

async function committed(optional: object): Promise<IsrMetaRecord | null> {
  const input = await leased()
  await store.commitGeneration({ ...input, ...optional })
  return store.get(input.cacheKey)
}

const values = {
  contentSecurityPolicy: "default-src 'self'",
  strictCspPolicy: { inlineScripts: false, inlineStyles: false },
  etag: '"etag"',
}

describe.each(Object.entries(values))('%s', (name, value) => {
  test('that is absent, undefined or null is null in the record', async () => {
    for (const optional of [{}, { [name]: undefined }, { [name]: null }]) {
      expect(await committed(optional)).toMatchObject({ htmlPointer: 'pointer', [name]: null })
    }
  })

  test('that is set is in the record', async () => {
    expect(await committed({ [name]: value })).toMatchObject({ htmlPointer: 'pointer', [name]: value })
  })

  test('that is inherited counts as absent', async () => {
    const input = await leased()
    await store.commitGeneration(Object.assign(Object.create({ [name]: value }), input))
    expect(await store.get(input.cacheKey)).toMatchObject({ htmlPointer: 'pointer', [name]: null })
  })
})

test('an empty contentSecurityPolicy and an empty etag stay empty strings in the record', async () => {
  const empty = { contentSecurityPolicy: '', etag: '' }
  expect(await committed(empty)).toMatchObject(empty)
})

test('each member of strictCspPolicy is false or absent in the record', async () => {
  const undefinedMember = hostile<undefined>({ inlineScripts: undefined, inlineStyles: false })
  expect((await committed({ strictCspPolicy: undefinedMember }))?.strictCspPolicy).toStrictEqual({
    inlineStyles: false,
  })
  expect((await committed({ strictCspPolicy: {} }))?.strictCspPolicy).toStrictEqual({})
  const ofAnotherRealm = runInNewContext('({ inlineScripts: false })') as unknown
  expect((await committed({ strictCspPolicy: ofAnotherRealm }))?.strictCspPolicy).toStrictEqual({
    inlineScripts: false,
  })
})

test('a commit uses generatedAt as its clock when nowMs is absent, undefined, null or inherited', async () => {
  const late = { generatedAt: leaseEnds }
  for (const input of [{}, { nowMs: undefined }, { nowMs: null }]) {
    expect(await committed(input)).toMatchObject({ htmlPointer: 'pointer' })
    const lost = await leased()
    expectCode(await rejectionOf(() => store.commitGeneration({ ...lost, ...late, ...input })), 'ErrLeaseNotOwned')
  }
  const inherited = Object.assign(Object.create({ nowMs: leaseEnds - 1_000 }), await leased(), late)
  expectCode(await rejectionOf(() => store.commitGeneration(inherited)), 'ErrLeaseNotOwned')
})

test('a commit uses nowMs as its clock when it is set, and not generatedAt', async () => {
  const early = await committed({ generatedAt: leaseEnds, nowMs: leaseEnds - 1_000 })
  expect(early).toMatchObject({ htmlPointer: 'pointer', generatedAt: leaseEnds })
  const late = await leased()
  expectCode(await rejectionOf(() => store.commitGeneration({ ...late, nowMs: leaseEnds })), 'ErrLeaseNotOwned')
})
