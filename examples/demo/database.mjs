// A child process around DynamoDB Local, so that Java ends with the demo even when the demo is killed.
import './child.mjs'

import { startDynamoDbLocal } from '../../scripts/dynamodb-local.mjs'

try {
  const { endpoint } = await startDynamoDbLocal()
  process.send?.({ endpoint })
} catch (error) {
  process.send?.({ failure: error instanceof Error ? error.message : String(error) })
}
