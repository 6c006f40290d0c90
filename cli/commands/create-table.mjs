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
Creates the table with the keys pk and sk, on-demand billing, and TTL on the attribute ttl. It waits until the table is usable, at most a minute. A table that exists keeps its data; other keys are an error.

For production, docs/infrastructure in the repository has templates for CloudFormation, CDK and Terraform.

IAM permissions: DescribeTable, CreateTable, DescribeTimeToLive and UpdateTimeToLive.

  tabletheory-isr create-table --table-name isr \\
    --endpoint http://localhost:8000`

/** @type {Command['run']} */
export async function run({ store, output }) {
  await store.ensureTable()
  output.result({ ready: true }, () => 'The table is ready.')
  return DONE
}
