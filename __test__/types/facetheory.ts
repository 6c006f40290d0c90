// FaceTheory's side of the contract (its ts/src/isr.ts), written down for the comparison.

export interface IsrCachedStrictCspPolicy {
  inlineScripts?: false | undefined
  inlineStyles?: false | undefined
}

export interface IsrMetaRecord {
  cacheKey: string
  htmlPointer: string | null
  generatedAt: number
  revalidateSeconds: number
  status: number
  contentType: string
  contentSecurityPolicy?: string | null
  strictCspPolicy?: IsrCachedStrictCspPolicy | null
  etag: string | null
  leaseOwner: string | null
  leaseToken: string | null
  leaseExpiresAt: number
}

export interface TryAcquireIsrLeaseInput {
  cacheKey: string
  leaseOwner: string
  nowMs: number
  leaseDurationMs: number
  fallbackRevalidateSeconds: number
}

export interface TryAcquireIsrLeaseResult {
  acquired: boolean
  record: IsrMetaRecord
  leaseToken: string | null
}

export interface CommitIsrGenerationInput {
  cacheKey: string
  leaseOwner: string
  leaseToken: string
  htmlPointer: string
  generatedAt: number
  revalidateSeconds: number
  status: number
  contentType: string
  contentSecurityPolicy?: string | null
  strictCspPolicy?: IsrCachedStrictCspPolicy | null
  etag?: string | null
}

export interface ReleaseIsrLeaseInput {
  cacheKey: string
  leaseOwner: string
  leaseToken: string
}

export interface IsrMetaStore {
  get: (cacheKey: string) => Promise<IsrMetaRecord | null>
  invalidate: (cacheKey: string) => Promise<void>
  tryAcquireLease: (input: TryAcquireIsrLeaseInput) => Promise<TryAcquireIsrLeaseResult>
  commitGeneration: (input: CommitIsrGenerationInput) => Promise<void>
  releaseLease: (input: ReleaseIsrLeaseInput) => Promise<void>
}

/** The part of `FaceIsrOptions` that takes the store. */
export interface FaceIsrOptions {
  metaStore?: IsrMetaStore
}
