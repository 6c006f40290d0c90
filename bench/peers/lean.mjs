// A store without dependencies: our store's requests on node:http. It has no retries, no timeouts, no checks of input, no
// support for rows of other writers, and no request coalescing.
import { randomUUID } from 'node:crypto'

import { connect } from './lean-client.mjs'

const leaseTtlBufferSeconds = 3_600

const S = (text) => ({ S: text })
const N = (number) => ({ N: String(number) })
const wholeSeconds = (millis) => Math.floor(millis / 1_000)
const rowKey = (cacheKey, sortKey) => ({ pk: S(`CACHE#${cacheKey}`), sk: S(sortKey) })

const noLease = { leaseOwner: null, leaseToken: null, leaseExpiresAt: 0 }

const leaseOf = (lock) =>
  lock === undefined
    ? noLease
    : {
        leaseOwner: lock.lease_owner.S,
        leaseToken: lock.lease_token.S,
        leaseExpiresAt: Number(lock.lease_expires_at_ms.N),
      }

const policyOf = (attribute) =>
  attribute === undefined
    ? null
    : Object.fromEntries(Object.entries(attribute.M).map(([name, value]) => [name, value.BOOL]))

const recordOf = (cacheKey, meta, lock, revalidateSeconds = 60) => ({
  cacheKey,
  htmlPointer: meta?.s3_key.S ?? null,
  generatedAt: Number(meta?.generated_at_ms.N ?? 0),
  revalidateSeconds: Number(meta?.revalidate_seconds.N ?? lock?.revalidate_seconds.N ?? revalidateSeconds),
  status: Number(meta?.status.N ?? 200),
  contentType: meta?.content_type.S ?? 'text/html; charset=utf-8',
  contentSecurityPolicy: meta?.content_security_policy?.S ?? null,
  strictCspPolicy: policyOf(meta?.strict_csp_policy),
  etag: meta?.etag?.S ?? null,
  ...leaseOf(lock),
})

function metaRow(input) {
  const { contentSecurityPolicy, strictCspPolicy, etag } = input
  const row = {
    ...rowKey(input.cacheKey, 'META'),
    s3_key: S(input.htmlPointer),
    generated_at: N(wholeSeconds(input.generatedAt)),
    generated_at_ms: N(input.generatedAt),
    revalidate_seconds: N(input.revalidateSeconds),
    revalidate_ms: N(input.revalidateSeconds * 1_000),
    status: N(input.status),
    content_type: S(input.contentType),
    cache_key: S(input.cacheKey),
  }
  if (typeof contentSecurityPolicy === 'string') row.content_security_policy = S(contentSecurityPolicy)
  if (typeof etag === 'string') row.etag = S(etag)
  if (strictCspPolicy) {
    const members = Object.entries(strictCspPolicy).map(([name, value]) => [name, { BOOL: value }])
    row.strict_csp_policy = { M: Object.fromEntries(members) }
  }
  return row
}

class LeanStore {
  #send
  #table
  #published = new Set()

  constructor(send, table) {
    this.#send = send
    this.#table = table
  }

  async get(cacheKey) {
    const { Items } = await this.#send('Query', {
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :lock AND :meta',
      ExpressionAttributeValues: { ':pk': S(`CACHE#${cacheKey}`), ':lock': S('LOCK'), ':meta': S('META') },
    })
    if (Items.length === 0) return null
    const row = (sortKey) => Items.find((item) => item.sk.S === sortKey)
    return recordOf(cacheKey, row('META'), row('LOCK'))
  }

  async tryAcquireLease({ cacheKey, leaseOwner, nowMs, leaseDurationMs, fallbackRevalidateSeconds }) {
    const leaseToken = randomUUID()
    const expiresAtMs = nowMs + leaseDurationMs
    const expiresAt = Math.ceil(expiresAtMs / 1_000)
    const lock = {
      ...rowKey(cacheKey, 'LOCK'),
      lease_token: S(leaseToken),
      lease_expires_at: N(expiresAt),
      lease_expires_at_ms: N(expiresAtMs),
      lease_owner: S(leaseOwner),
      revalidate_seconds: N(fallbackRevalidateSeconds),
      cache_key: S(cacheKey),
      ttl: N(expiresAt + leaseTtlBufferSeconds),
    }
    const written = this.#send('PutItem', {
      TableName: this.#table,
      Item: lock,
      ConditionExpression: 'attribute_not_exists(pk) OR lease_expires_at_ms <= :now OR lease_owner = :owner',
      ExpressionAttributeValues: { ':now': N(nowMs), ':owner': S(leaseOwner) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }).then(
      () => lock,
      (error) => {
        if (error.name === 'ConditionalCheckFailedException') return error.answer.Item
        throw error
      },
    )
    const read = this.#send('GetItem', {
      TableName: this.#table,
      Key: rowKey(cacheKey, 'META'),
      ConsistentRead: true,
    })
    const [holder, { Item: meta }] = await Promise.all([written, read])
    const acquired = holder === lock
    const record = recordOf(cacheKey, meta, holder, fallbackRevalidateSeconds)
    return { acquired, record, leaseToken: acquired ? leaseToken : null }
  }

  async commitGeneration(input) {
    const lock = {
      TableName: this.#table,
      Key: rowKey(input.cacheKey, 'LOCK'),
      ConditionExpression: 'lease_token = :token AND lease_owner = :owner AND lease_expires_at > :now',
      ExpressionAttributeValues: {
        ':token': S(input.leaseToken),
        ':owner': S(input.leaseOwner),
        ':now': N(wholeSeconds(input.nowMs ?? input.generatedAt)),
      },
    }
    await this.#send('TransactWriteItems', {
      ClientRequestToken: randomUUID(),
      TransactItems: [{ Delete: lock }, { Put: { TableName: this.#table, Item: metaRow(input) } }],
    })
    this.#published.add(input.leaseToken)
  }

  async releaseLease({ cacheKey, leaseOwner, leaseToken }) {
    if (this.#published.delete(leaseToken)) return
    await this.#send('DeleteItem', {
      TableName: this.#table,
      Key: rowKey(cacheKey, 'LOCK'),
      ConditionExpression: 'lease_token = :token AND lease_owner = :owner',
      ExpressionAttributeValues: { ':token': S(leaseToken), ':owner': S(leaseOwner) },
    }).catch(() => {})
  }

  async invalidate(cacheKey) {
    const row = (sortKey) => ({ Delete: { TableName: this.#table, Key: rowKey(cacheKey, sortKey) } })
    await this.#send('TransactWriteItems', {
      ClientRequestToken: randomUUID(),
      TransactItems: [row('META'), row('LOCK')],
    })
  }
}

export function create({ endpoint, tableName }) {
  return new LeanStore(connect(endpoint), tableName)
}
