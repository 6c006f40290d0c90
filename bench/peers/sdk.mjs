// The requests of TableTheory's TypeScript store behind FaceTheory's adapter, on the AWS SDK for JavaScript. They leave out
// TableTheory's own layer of models, so they cost less than the original.
import { randomUUID } from 'node:crypto'

import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'

const leaseTtlBufferSeconds = 3_600

const S = (text) => ({ S: text })
const N = (number) => ({ N: String(number) })
const wholeSeconds = (millis) => Math.floor(millis / 1_000)
const rowKey = (cacheKey, sortKey) => ({ pk: S(`CACHE#${cacheKey}`), sk: S(sortKey) })

/** Fields without an attribute in the schema have the adapter's defaults. */
const recordOf = (cacheKey, item, fallbackRevalidateSeconds) => ({
  cacheKey,
  htmlPointer: item?.s3_key.S ?? null,
  generatedAt: Number(item?.generated_at.N ?? 0) * 1_000,
  revalidateSeconds: Number(item?.revalidate_seconds.N ?? fallbackRevalidateSeconds),
  status: 200,
  contentType: 'text/html; charset=utf-8',
  etag: item?.etag?.S ?? null,
  leaseOwner: null,
  leaseToken: null,
  leaseExpiresAt: 0,
})

class SdkStore {
  #client
  #table

  constructor(client, table) {
    this.#client = client
    this.#table = table
  }

  async #readMeta(cacheKey) {
    const answer = await this.#client.send(
      new GetItemCommand({ TableName: this.#table, Key: rowKey(cacheKey, 'META'), ConsistentRead: true }),
    )
    return answer.Item
  }

  async get(cacheKey) {
    const item = await this.#readMeta(cacheKey)
    return item === undefined ? null : recordOf(cacheKey, item)
  }

  async tryAcquireLease({ cacheKey, leaseOwner, nowMs, leaseDurationMs, fallbackRevalidateSeconds }) {
    const record = recordOf(cacheKey, await this.#readMeta(cacheKey), fallbackRevalidateSeconds)
    const now = wholeSeconds(nowMs)
    const expiresAt = now + Math.ceil(leaseDurationMs / 1_000)
    const leaseToken = randomUUID()
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: {
            ...rowKey(cacheKey, 'LOCK'),
            lease_token: S(leaseToken),
            lease_expires_at: N(expiresAt),
            ttl: N(expiresAt + leaseTtlBufferSeconds),
          },
          ConditionExpression: 'attribute_not_exists(#pk) OR #exp <= :now',
          ExpressionAttributeNames: { '#pk': 'pk', '#exp': 'lease_expires_at' },
          ExpressionAttributeValues: { ':now': N(now) },
        }),
      )
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { acquired: false, record, leaseToken: null }
      throw error
    }
    const lease = { leaseOwner, leaseToken, leaseExpiresAt: expiresAt * 1_000 }
    return { acquired: true, record: { ...record, ...lease }, leaseToken }
  }

  async commitGeneration({ cacheKey, leaseToken, htmlPointer, generatedAt, revalidateSeconds, etag }) {
    const meta = {
      ...rowKey(cacheKey, 'META'),
      s3_key: S(htmlPointer),
      generated_at: N(wholeSeconds(generatedAt)),
      revalidate_seconds: N(revalidateSeconds),
      ...(typeof etag === 'string' ? { etag: S(etag) } : {}),
    }
    const lock = {
      TableName: this.#table,
      Key: rowKey(cacheKey, 'LOCK'),
      ConditionExpression: '#tok = :tok AND #exp > :now',
      ExpressionAttributeNames: { '#tok': 'lease_token', '#exp': 'lease_expires_at' },
      ExpressionAttributeValues: { ':tok': S(leaseToken), ':now': N(wholeSeconds(Date.now())) },
    }
    try {
      await this.#client.send(
        new TransactWriteItemsCommand({
          TransactItems: [{ Put: { TableName: this.#table, Item: meta } }, { Delete: lock }],
        }),
      )
    } catch (error) {
      const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : []
      if (!reasons.some((reason) => reason.Code === 'ConditionalCheckFailed')) throw error
      throw new Error('Lease not owned', { cause: error })
    }
  }

  async releaseLease({ cacheKey, leaseToken }) {
    try {
      await this.#client.send(
        new DeleteItemCommand({
          TableName: this.#table,
          Key: rowKey(cacheKey, 'LOCK'),
          ConditionExpression: '#tok = :tok',
          ExpressionAttributeNames: { '#tok': 'lease_token' },
          ExpressionAttributeValues: { ':tok': S(leaseToken) },
        }),
      )
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  async invalidate(cacheKey) {
    throw new Error(`FaceTheory's adapter cannot invalidate "${cacheKey}"`)
  }
}

export function create({ endpoint, tableName }) {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  return new SdkStore(client, tableName)
}
