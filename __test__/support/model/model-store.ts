// The five operations in plain memory, as the package documents them. The store must behave like this model.
import type {
  CommitIsrGenerationInput,
  IsrCachedStrictCspPolicy,
  IsrMetaRecord,
  IsrMetaStore,
  ReleaseIsrLeaseInput,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'

import { leaseIsFree } from './lease.js'

const html = 'text/html; charset=utf-8'

/** The page that a commit publishes, already normalised. */
export interface Page {
  htmlPointer: string
  generatedAt: number
  revalidateSeconds: number
  status: number
  contentType: string
  contentSecurityPolicy: string | null
  strictCspPolicy: IsrCachedStrictCspPolicy | null
  etag: string | null
}

interface Lease {
  owner: string
  token: string
  expiresAt: number
  /** The `revalidateSeconds` that `get` shows while no page is published. */
  fallback: number
}

/** Cache keys come from visitors: a control character must not reach a log. */
const escaped = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
    return short[character] ?? `\\u{${character.charCodeAt(0).toString(16)}}`
  })

export class LeaseLost extends Error {
  override readonly name = 'IsrLeaseConflictError'
  readonly code = 'ErrLeaseNotOwned'
  readonly retryable = false

  constructor(cacheKey: string) {
    super(`ISR lease lost for cache key "${escaped(cacheKey)}"`)
  }
}

export class ModelStore implements IsrMetaStore {
  readonly #pages = new Map<string, Page>()
  readonly #leases = new Map<string, Lease>()
  readonly #drawToken: () => string

  constructor(drawToken: () => string) {
    this.#drawToken = drawToken
  }

  /** Returns the page alone, which an acquire that overlaps a commit may show. */
  page(cacheKey: string): Page | undefined {
    return this.#pages.get(cacheKey)
  }

  async get(cacheKey: string): Promise<IsrMetaRecord | null> {
    const page = this.#pages.get(cacheKey)
    const lease = this.#leases.get(cacheKey)
    if (page === undefined && lease === undefined) return null
    return record(cacheKey, page, lease, page?.revalidateSeconds ?? lease?.fallback ?? 60)
  }

  async invalidate(cacheKey: string): Promise<void> {
    this.#pages.delete(cacheKey)
    this.#leases.delete(cacheKey)
  }

  async tryAcquireLease(input: TryAcquireIsrLeaseInput): Promise<TryAcquireIsrLeaseResult> {
    const { cacheKey, leaseOwner: owner, nowMs } = input
    const token = this.#drawToken()
    const page = this.#pages.get(cacheKey)
    const present = this.#leases.get(cacheKey)
    if (present !== undefined && !leaseIsFree(present, input)) {
      return { acquired: false, record: recordAtAcquire(input, page, present), leaseToken: null }
    }
    const fallback = revalidateSeconds(input.fallbackRevalidateSeconds)
    const lease = { owner, token, expiresAt: nowMs + input.leaseDurationMs, fallback }
    this.#leases.set(cacheKey, lease)
    return { acquired: true, record: recordAtAcquire(input, page, lease), leaseToken: token }
  }

  async commitGeneration(input: CommitIsrGenerationInput): Promise<void> {
    const { cacheKey } = input
    const now = input.nowMs ?? input.generatedAt
    const lease = this.#leases.get(cacheKey)
    const mine = lease?.token === input.leaseToken && lease.owner === input.leaseOwner
    if (!mine || secondsUp(lease.expiresAt) <= secondsDown(now)) throw new LeaseLost(cacheKey)
    this.#leases.delete(cacheKey)
    this.#pages.set(cacheKey, {
      htmlPointer: input.htmlPointer,
      generatedAt: input.generatedAt,
      revalidateSeconds: revalidateSeconds(input.revalidateSeconds),
      status: status(input.status),
      contentType: input.contentType.trim() || html,
      contentSecurityPolicy: input.contentSecurityPolicy ?? null,
      strictCspPolicy: strictCspPolicy(input.strictCspPolicy),
      etag: input.etag ?? null,
    })
  }

  async releaseLease(input: ReleaseIsrLeaseInput): Promise<void> {
    const lease = this.#leases.get(input.cacheKey)
    if (lease?.token === input.leaseToken && lease.owner === input.leaseOwner) this.#leases.delete(input.cacheKey)
  }
}

/** The record in the answer of an acquire. A page with a lifetime of 0 shows the caller's fallback. */
export function recordAtAcquire(
  input: TryAcquireIsrLeaseInput,
  page: Page | undefined,
  lease: { owner: string | null; token: string | null; expiresAt: number },
): IsrMetaRecord {
  const fallback = revalidateSeconds(input.fallbackRevalidateSeconds)
  return record(input.cacheKey, page, lease, page?.revalidateSeconds || fallback)
}

function record(
  cacheKey: string,
  page: Page | undefined,
  lease: { owner: string | null; token: string | null; expiresAt: number } | undefined,
  revalidateSeconds: number,
): IsrMetaRecord {
  return {
    cacheKey,
    htmlPointer: page?.htmlPointer ?? null,
    generatedAt: page?.generatedAt ?? 0,
    revalidateSeconds,
    status: page?.status ?? 200,
    contentType: page?.contentType ?? html,
    contentSecurityPolicy: page?.contentSecurityPolicy ?? null,
    strictCspPolicy: page?.strictCspPolicy ?? null,
    etag: page?.etag ?? null,
    leaseOwner: lease?.owner ?? null,
    leaseToken: lease?.token ?? null,
    leaseExpiresAt: lease?.expiresAt ?? 0,
  }
}

// The modulo is exact, but a quotient near a whole second can be rounded to that second.
const secondsDown = (ms: number): number => (ms - (ms % 1_000)) / 1_000
const secondsUp = (ms: number): number => secondsDown(ms) + (ms % 1_000 > 0 ? 1 : 0)

const revalidateSeconds = (value: number): number => (Number.isFinite(value) ? Math.max(0, value) : 60)

function status(value: number): number {
  const whole = Math.trunc(value)
  return whole >= 100 && whole <= 599 ? whole : 200
}

function strictCspPolicy(value: IsrCachedStrictCspPolicy | null | undefined): IsrCachedStrictCspPolicy | null {
  if (value == null) return null
  return {
    ...(value.inlineScripts === false ? { inlineScripts: false } : {}),
    ...(value.inlineStyles === false ? { inlineStyles: false } : {}),
  }
}
