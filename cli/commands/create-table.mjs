// @ts-check
import { DONE } from '../exit-codes.mjs'

/** @typedef {import('../command.d.mts').Command} Command */

export const summary = 'Makes the table, or checks the one that is there'
export const takes = ''
export const least = 0
export const most = 0
/** @type {Command['options']} */
export const options = {}
export const help = `
Makes it with the keys pk and sk, billed on demand, with TTL on the attribute ttl, and waits until it can be used, at
most a minute. A table that is there keeps its data; if its keys are others, that is an error.

For production, docs/infrastructure in the repository has templates for CloudFormation, CDK and Terraform.

Needs the rights to DescribeTable, CreateTable, DescribeTimeToLive and UpdateTimeToLive.

  tabletheory-isr create-table --table-name isr --endpoint http://localhost:8000`

/** @type {Command['run']} */
export async function run({ store, output }) {
  await store.ensureTable()
  output.result({ ready: true }, () => 'The table is there, and can be used.')
  return DONE
}
