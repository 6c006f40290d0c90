import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

/** The table, and a grant to `reader` of the IAM permissions that a function needs. */
export function isrTable(scope: Construct, reader: IGrantable): TableV2 {
  const table = new TableV2(scope, 'IsrTable', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billing: Billing.onDemand(),
    timeToLiveAttribute: 'ttl',
    // A cache: lost pages are rendered again.
    removalPolicy: RemovalPolicy.DESTROY,
  })
  table.grant(reader, 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query')
  return table
}
