// Writes rows of any form, and makes calls whose unset fields have defaults.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type {
  CommitIsrGenerationInput,
  IsrMetaStore,
  TryAcquireIsrLeaseInput,
  TryAcquireIsrLeaseResult,
} from '@theory-cloud/tabletheory-isr'

import type { Item } from './store.js'

/**
 * The clock of these tests, in epoch milliseconds: the start of a whole second. It lies in the future, since DynamoDB may
 * delete a row whose TTL has passed.
 */
export const NOW = 2_000_000_000_000

/** `NOW` in epoch seconds. */
export const NOW_S = 2_000_000_000

export const SEVEN_DAYS_MS = 7 * 24 * 60 * 60 * 1_000

export const pkOf = (cacheKey: string): string => `CACHE#${cacheKey}`

export const S = (text: string): AttributeValue => ({ S: text })

export const N = (number: number | string): AttributeValue => ({ N: String(number) })

export const metaRow = (cacheKey: string, attributes: Item = {}): Item => ({
  pk: S(pkOf(cacheKey)),
  sk: S('META'),
  s3_key: S('pages/1.html'),
  generated_at: N(NOW_S),
  revalidate_seconds: N(60),
  ...attributes,
})

export const lockRow = (cacheKey: string, attributes: Item = {}): Item => ({
  pk: S(pkOf(cacheKey)),
  sk: S('LOCK'),
  lease_token: S('token of another writer'),
  lease_expires_at: N(NOW_S + 5),
  ...attributes,
})

export function without(item: Item, attribute: string): Item {
  const { [attribute]: _, ...rest } = item
  return rest
}

const ofEachType: Item = {
  S: { S: '2000000001' },
  N: { N: '2000000001' },
  B: { B: new Uint8Array([49]) },
  BOOL: { BOOL: true },
  NULL: { NULL: true },
  L: { L: [{ S: 'a' }, { N: '1' }] },
  M: { M: { S: { S: 'a' }, N: { N: '1' } } },
  SS: { SS: ['a', 'b'] },
  NS: { NS: ['1', '2'] },
  BS: { BS: [new Uint8Array([49])] },
}

/** A value of every DynamoDB type but `right`, by type. */
export const valuesOfOtherTypesThan = (right: string): [type: string, value: AttributeValue][] =>
  Object.entries(ofEachType).filter(([type]) => type !== right)

/** For an attribute that must have the type `right`: no value, and a value of every other type. */
export const unusableValues = (right: string): [description: string, value: AttributeValue | undefined][] => [
  ['nothing', undefined],
  ...valuesOfOtherTypesThan(right),
]

/** Returns `row` with this `value` of the `attribute`, or without the attribute. */
export function replaced(row: Item, attribute: string, value: AttributeValue | undefined): Item {
  return value ? { ...row, [attribute]: value } : without(row, attribute)
}

/** `tryAcquireLease` at `NOW` for five seconds, by `owner`. */
export function acquire(
  store: IsrMetaStore,
  cacheKey: string,
  input: Partial<TryAcquireIsrLeaseInput> = {},
): Promise<TryAcquireIsrLeaseResult> {
  return store.tryAcquireLease({
    cacheKey,
    leaseOwner: 'owner',
    nowMs: NOW,
    leaseDurationMs: 5_000,
    fallbackRevalidateSeconds: 60,
    ...input,
  })
}

/** `commitGeneration` at `NOW`, of a page with the required fields only. */
export function commit(
  store: IsrMetaStore,
  cacheKey: string,
  leaseToken: string,
  page: Partial<CommitIsrGenerationInput> = {},
): Promise<void> {
  return store.commitGeneration({
    cacheKey,
    leaseOwner: 'owner',
    leaseToken,
    htmlPointer: 'pages/1.html',
    generatedAt: NOW,
    revalidateSeconds: 60,
    status: 200,
    contentType: 'text/html; charset=utf-8',
    nowMs: NOW,
    ...page,
  })
}

/** Acquires and commits. */
export async function publish(
  store: IsrMetaStore,
  cacheKey: string,
  page: Partial<CommitIsrGenerationInput> = {},
): Promise<void> {
  const { leaseToken } = await acquire(store, cacheKey)
  await commit(store, cacheKey, leaseToken ?? 'the lease is held by another owner', page)
}
