// The package as an app uses it, and its table as another writer sees it.
import { randomUUID } from 'node:crypto'

import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { FaceTheoryIsrMetaStore, type FaceTheoryIsrMetaStoreOptions } from '@theory-cloud/tabletheory-isr'

export type Item = Record<string, AttributeValue>

/** Where DynamoDB Local listens. */
export const endpoint: string = process.env.ISR_TEST_ENDPOINT ?? ''

/** The AWS SDK for JavaScript, which reads and writes rows without the store. */
export const dynamodb = new DynamoDBClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
})

/** Makes a table for one test file. Its TTL is off: tests use clocks of the past, whose rows DynamoDB would delete. */
export async function makeTable(): Promise<string> {
  const name = `isr-${randomUUID()}`
  await storeOf(name).ensureTable()
  const TimeToLiveSpecification = { Enabled: false, AttributeName: 'ttl' }
  await dynamodb.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }))
  return name
}

/** Timeouts that only a server without an answer can reach, even on a busy machine. */
export const patient = { connectTimeoutMs: 20_000, requestTimeoutMs: 20_000, operationTimeoutMs: 50_000 }

export function storeOf(table: string, options: FaceTheoryIsrMetaStoreOptions = {}): FaceTheoryIsrMetaStore {
  return new FaceTheoryIsrMetaStore(table, { endpoint, ...patient, ...options })
}

/** A cache key that no other test has. */
export const newKey = (): string => `default::/${randomUUID()}?`

export async function readRow(table: string, pk: string, sk: string): Promise<Item | undefined> {
  const Key = { pk: { S: pk }, sk: { S: sk } }
  return (await dynamodb.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item
}

export async function writeRow(table: string, Item: Item): Promise<void> {
  await dynamodb.send(new PutItemCommand({ TableName: table, Item }))
}

export async function deleteRow(table: string, pk: string, sk: string): Promise<void> {
  await dynamodb.send(new DeleteItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } } }))
}

/** The sort keys in a partition. */
export async function sortKeys(table: string, pk: string): Promise<string[]> {
  const answer = await dynamodb.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: pk } },
      ConsistentRead: true,
    }),
  )
  return (answer.Items ?? []).map((item) => item.sk?.S ?? '')
}
