// Starts DynamoDB Local before the first test file, and stops it after the last.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

import { startDynamoDbLocal } from '../../scripts/dynamodb-local.mjs'

export default async function setup(): Promise<() => Promise<void>> {
  const { endpoint, stop } = await startDynamoDbLocal()
  await warmUp(endpoint)
  process.env.ISR_TEST_ENDPOINT = endpoint
  return stop
}

/**
 * Sends each expression once, one request at a time. DynamoDB Local has refused valid expressions in its first second, under
 * many concurrent requests: an index was out of bounds in its parser.
 */
async function warmUp(endpoint: string): Promise<void> {
  const store = new FaceTheoryIsrMetaStore('warm-up', {
    endpoint,
    requestTimeoutMs: 20_000,
    operationTimeoutMs: 50_000,
  })
  await store.ensureTable()
  const key = { cacheKey: 'key', leaseOwner: 'owner' }
  const lease = { ...key, nowMs: Date.now(), leaseDurationMs: 60_000, fallbackRevalidateSeconds: 60 }
  const { leaseToken } = await store.tryAcquireLease(lease)
  await store.get('key')
  const page = { htmlPointer: 'page', generatedAt: Date.now(), revalidateSeconds: 60, status: 200, contentType: '' }
  await store.commitGeneration({ ...key, leaseToken: leaseToken ?? '', ...page })
  await store.releaseLease({ ...key, leaseToken: 'none' })
  await store.invalidate('key')
}
