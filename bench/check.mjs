// Checks that a store works, before it is measured.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

import { cacheKeyOf, generation, leaseRequest, takeLease } from './pages.mjs'

/** Throws unless the store keeps a page, and keeps two writers apart. */
export async function check(store) {
  const cacheKey = cacheKeyOf(randomUUID())
  assert.equal(await store.get(cacheKey), null)

  const lease = await takeLease(store, cacheKey, 'the holder')
  const refused = await store.tryAcquireLease(leaseRequest(cacheKey, 'another'))
  assert.equal(refused.acquired, false)
  assert.equal(refused.leaseToken, null)

  // TableTheory's schema has whole seconds only.
  const page = generation(lease, Math.floor(Date.now() / 1_000) * 1_000)
  await assert.rejects(store.commitGeneration({ ...page, leaseToken: 'a wrong token' }))
  assert.equal((await store.get(cacheKey))?.htmlPointer ?? null, null)

  await store.commitGeneration(page)
  await store.releaseLease(lease)
  const record = await store.get(cacheKey)
  const { contentSecurityPolicy, strictCspPolicy, ...kept } = page
  const expected = { ...kept, leaseOwner: null, leaseToken: null, leaseExpiresAt: 0 }
  // TableTheory's schema does not have these two.
  if ('contentSecurityPolicy' in record) Object.assign(expected, { contentSecurityPolicy, strictCspPolicy })
  assert.deepEqual({ ...record }, expected)

  const next = await takeLease(store, cacheKey, 'another')
  await store.releaseLease(next)
  const free = await takeLease(store, cacheKey, 'a third')
  await store.releaseLease(free)
}
