// The pages that all peers keep, as FaceTheory would describe them.

export const cacheKeyOf = (slug) => `default::/news/{slug}?slug=${slug}`

export const leaseDurationMs = 5_000
const revalidateSeconds = 60

export const leaseRequest = (cacheKey, leaseOwner) => ({
  cacheKey,
  leaseOwner,
  nowMs: Date.now(),
  leaseDurationMs,
  fallbackRevalidateSeconds: revalidateSeconds,
})

export const generation = (lease, generatedAt = Date.now()) => ({
  ...lease,
  htmlPointer: `isr/2cf24dba5fb0a30e26e83b2a/${generatedAt}-${lease.leaseToken}.html`,
  generatedAt,
  revalidateSeconds,
  status: 200,
  contentType: 'text/html; charset=utf-8',
  contentSecurityPolicy: "default-src 'self'; script-src 'self' 'nonce-0123456789abcdef'; object-src 'none'",
  strictCspPolicy: { inlineScripts: false },
  etag: 'W/"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"',
})

/** Acquires the lease of a page, which no other owner may hold. */
export async function takeLease(store, cacheKey, leaseOwner) {
  const { acquired, leaseToken } = await store.tryAcquireLease(leaseRequest(cacheKey, leaseOwner))
  if (!acquired) throw new Error(`the lease of "${cacheKey}" is held by another owner`)
  return { cacheKey, leaseOwner, leaseToken }
}

/** Makes the calls of a request for a stale page, without the render. */
export async function regenerate(store, cacheKey, leaseOwner) {
  await store.get(cacheKey)
  const lease = await takeLease(store, cacheKey, leaseOwner)
  await store.commitGeneration(generation(lease))
  await store.releaseLease(lease)
}
