// Starts DynamoDB Local before the first test file, and stops it after the last.
import { startDynamoDbLocal } from '../../scripts/dynamodb-local.mjs'

export default async function setup(): Promise<() => Promise<void>> {
  const { endpoint, stop } = await startDynamoDbLocal()
  process.env.ISR_TEST_ENDPOINT = endpoint
  return stop
}
