// Operations as data, so that one list of them runs against the store and against the model.
import type {
  CommitIsrGenerationInput,
  IsrMetaRecord,
  IsrMetaStore,
  ReleaseIsrLeaseInput,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'

/** `cacheKey` is the part of the key after the run's own prefix. `draws` is the token that the acquire gets. */
export type Step =
  | { op: 'get'; cacheKey: string }
  | { op: 'invalidate'; cacheKey: string }
  | ({ op: 'acquire'; draws: string } & TryAcquireIsrLeaseInput)
  | ({ op: 'commit' } & CommitIsrGenerationInput)
  | ({ op: 'release' } & ReleaseIsrLeaseInput)

export type Result =
  | { returned: IsrMetaRecord | TryAcquireIsrLeaseResult | null | undefined }
  | { threw: { error: boolean; name: unknown; code: unknown; message: unknown; retryable: unknown } }

export interface Scenario {
  name: string
  steps: Step[]
  /** `summary` of each step's result, and of the final `get` of each key. */
  ends: string[]
}

/** A store, the source of its lease tokens, and the prefix of this run's keys. */
export interface Bench {
  store: IsrMetaStore
  tokens: Tokens
  prefix: string
}

/** Gives each acquire the token of its step, in any order of the answers. */
export class Tokens {
  next = 'no acquire is in flight'
  readonly draw = (): string => this.next
}

/** Issues the operation before the first `await`: two calls in one tick are two operations in flight. */
export async function perform(bench: Bench, step: Step): Promise<Result> {
  try {
    return { returned: (await issue(bench, step)) as IsrMetaRecord | TryAcquireIsrLeaseResult | null | undefined }
  } catch (thrown) {
    const error = thrown as Partial<Record<'name' | 'code' | 'message' | 'retryable', unknown>>
    const { name, code, message, retryable } = error
    return { threw: { error: thrown instanceof Error, name, code, message, retryable } }
  }
}

function issue({ store, tokens, prefix }: Bench, step: Step): Promise<unknown> {
  const cacheKey = prefix + step.cacheKey
  switch (step.op) {
    case 'get':
      return store.get(cacheKey)
    case 'invalidate':
      return store.invalidate(cacheKey)
    case 'acquire': {
      const { op: _, draws, ...input } = step
      tokens.next = draws
      return store.tryAcquireLease({ ...input, cacheKey })
    }
    case 'commit': {
      const { op: _, ...input } = step
      return store.commitGeneration({ ...input, cacheKey })
    }
    case 'release': {
      const { op: _, ...input } = step
      return store.releaseLease({ ...input, cacheKey })
    }
  }
}

/** Performs the steps one after the other. Resolves to the result of each, then of a `get` of each key in them. */
export async function performAll(bench: Bench, steps: readonly Step[]): Promise<Result[]> {
  const results: Result[] = []
  for (const step of steps) results.push(await perform(bench, step))
  for (const cacheKey of new Set(steps.map((step) => step.cacheKey))) {
    results.push(await perform(bench, { op: 'get', cacheKey }))
  }
  return results
}

/** A short form of a result, in which a scenario states its expectation. */
export function summary(result: Result): string {
  if ('threw' in result) return result.threw.code === 'ErrLeaseNotOwned' ? 'lost' : String(result.threw.code)
  const { returned } = result
  if (returned === undefined) return 'done'
  if (returned === null) return 'nothing'
  if ('acquired' in returned) return returned.acquired ? 'acquired' : 'held'
  return `${returned.htmlPointer ?? 'no page'}${returned.leaseOwner === null ? '' : `, leased by ${returned.leaseOwner}`}`
}

/** A whole second. */
export const t0 = 1_700_000_000_000
const cacheKey = 'key'
export const dayMs = 24 * 60 * 60 * 1_000

export const get = (key = cacheKey): Step => ({ op: 'get', cacheKey: key })
export const invalidate = (): Step => ({ op: 'invalidate', cacheKey })
export const release = (leaseOwner: string, leaseToken: string): Step => ({
  op: 'release',
  cacheKey,
  leaseOwner,
  leaseToken,
})

/** A lease of five seconds from `t0`. */
export const acquire = (leaseOwner: string, draws: string, other: Partial<TryAcquireIsrLeaseInput> = {}): Step => ({
  op: 'acquire',
  draws,
  cacheKey,
  leaseOwner,
  nowMs: t0,
  leaseDurationMs: 5_000,
  fallbackRevalidateSeconds: 30,
  ...other,
})

export const commit = (
  leaseOwner: string,
  leaseToken: string,
  other: Partial<CommitIsrGenerationInput> = {},
): Step => ({
  op: 'commit',
  cacheKey,
  leaseOwner,
  leaseToken,
  htmlPointer: 'page',
  generatedAt: t0 + 100,
  revalidateSeconds: 45,
  status: 201,
  contentType: 'text/plain',
  contentSecurityPolicy: "default-src 'self'",
  strictCspPolicy: { inlineScripts: false },
  etag: '"1"',
  ...other,
})

export const published = [acquire('a', 't1'), commit('a', 't1')]
export const takeOver = acquire('b', 't2', { nowMs: t0 + 5_000 })
