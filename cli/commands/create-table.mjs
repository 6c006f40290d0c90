// @ts-check
import { DONE } from '../exit-codes.mjs'

/** @typedef {import('../command.d.mts').Command} Command */

export const summary = 'Creates the table, or checks the one that exists'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {}
export const help = `
Creates the table with the partition key pk, the sort key sk, on-demand billing, and TTL on the attribute ttl. It waits until the table is usable, at most a minute. A table that exists keeps its data. The command fails if that table has other keys, or TTL on another attribute.

For production, use a template for CloudFormation, CDK or Terraform. The templates are in this package, in docs/infrastructure.

IAM permissions: DescribeTable, CreateTable, DescribeTimeToLive and UpdateTimeToLive.

  npx tabletheory-isr create-table --table-name isr \\
    --endpoint http://localhost:8000`

/** @type {Command['run']} */
export async function run({ store, output }) {
  await store.ensureTable()
  output.result({ ready: true }, () => 'The table is ready.')
  return DONE
}
