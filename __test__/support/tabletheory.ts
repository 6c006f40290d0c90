// The requests of TableTheory's lease managers, and of the recipes in its documents.
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'

import { N, S } from './rows.js'
import { dynamodb, type Item } from './store.js'

/** How a language's lease manager converts its clock (epoch ms) to whole epoch seconds. */
export interface Language {
  /** The `:now` of its conditions. */
  now: (nowMs: number) => number
  /** The `lease_expires_at` of a lease that is to last `durationMs`. */
  end: (nowMs: number, durationMs: number) => number
}

const floorSeconds = (millis: number) => Math.floor(millis / 1_000)

export const languages: Record<'Go' | 'TypeScript' | 'Python', Language> = {
  // Adds a time.Duration, then truncates.
  Go: { now: floorSeconds, end: (nowMs, durationMs) => floorSeconds(nowMs + durationMs) },
  // Truncates the clock, and rounds leaseSeconds up.
  TypeScript: { now: floorSeconds, end: (nowMs, durationMs) => floorSeconds(nowMs) + Math.ceil(durationMs / 1_000) },
  // Truncates both.
  Python: { now: floorSeconds, end: (nowMs, durationMs) => floorSeconds(nowMs) + floorSeconds(durationMs) },
}

/** The LOCK row as all three languages write it. A `ttlBuffer` of 0 omits the attribute `ttl`. */
export const foreignLock = (pk: string, token: string, end: number, ttlBuffer = 3_600): Item => ({
  pk: S(pk),
  sk: S('LOCK'),
  lease_token: S(token),
  lease_expires_at: N(end),
  ...(ttlBuffer > 0 ? { ttl: N(end + ttlBuffer) } : {}),
})

export interface ForeignPage {
  s3_key: string
  generated_at: number
  revalidate_seconds: number
  etag?: string
  ttl?: number
}

/** The META row as the models of all three languages write it. */
export const foreignMeta = (pk: string, page: ForeignPage): Item => ({
  pk: S(pk),
  sk: S('META'),
  s3_key: S(page.s3_key),
  generated_at: N(page.generated_at),
  revalidate_seconds: N(page.revalidate_seconds),
  ...(page.etag === undefined ? {} : { etag: S(page.etag) }),
  ...(page.ttl === undefined ? {} : { ttl: N(page.ttl) }),
})

/** Resolves to whether the condition of the request held. Every other error is thrown. */
async function passes(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : []
    if (reasons.some((reason) => reason.Code === 'ConditionalCheckFailed')) return false
    throw error
  }
}

const lockKey = (pk: string): Item => ({ pk: S(pk), sk: S('LOCK') })

/** TableTheory's acquire: resolves to whether it gets the lease at second `now`. */
export function foreignAcquire(table: string, lock: Item, now: number): Promise<boolean> {
  return passes(
    dynamodb.send(
      new PutItemCommand({
        TableName: table,
        Item: lock,
        ConditionExpression: 'attribute_not_exists(pk) OR lease_expires_at <= :now',
        ExpressionAttributeValues: { ':now': N(now) },
      }),
    ),
  )
}

/** TableTheory's refresh: resolves to whether it holds the lease at second `now`, which then ends at `end`. */
export function foreignRefresh(table: string, pk: string, token: string, now: number, end: number): Promise<boolean> {
  return passes(
    dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: lockKey(pk),
        UpdateExpression: 'SET lease_expires_at = :exp, #ttl = :ttl',
        ConditionExpression: 'lease_token = :tok AND lease_expires_at > :now',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':tok': S(token), ':now': N(now), ':exp': N(end), ':ttl': N(end + 3_600) },
      }),
    ),
  )
}

/** TableTheory's release: resolves to whether it deleted a lease of its own. */
export function foreignRelease(table: string, pk: string, token: string): Promise<boolean> {
  return passes(
    dynamodb.send(
      new DeleteItemCommand({
        TableName: table,
        Key: lockKey(pk),
        ConditionExpression: 'lease_token = :tok',
        ExpressionAttributeValues: { ':tok': S(token) },
      }),
    ),
  )
}

/** TableTheory's recipe A: resolves to whether it publishes at second `now`. It checks the LOCK row, or deletes it. */
export function foreignPublish(
  table: string,
  meta: Item,
  token: string,
  now: number,
  lock: 'delete' | 'keep',
): Promise<boolean> {
  const check = {
    TableName: table,
    Key: lockKey(meta.pk?.S ?? ''),
    ConditionExpression: 'lease_token = :tok AND lease_expires_at > :now',
    ExpressionAttributeValues: { ':tok': S(token), ':now': N(now) },
  }
  const checked = lock === 'delete' ? { Delete: check } : { ConditionCheck: check }
  return passes(
    dynamodb.send(
      new TransactWriteItemsCommand({ TransactItems: [checked, { Put: { TableName: table, Item: meta } }] }),
    ),
  )
}
