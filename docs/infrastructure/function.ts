import { Duration } from 'aws-cdk-lib'
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs'
import type { Construct } from 'constructs'

import { isrTable } from './stack.js'

/** A function that renders pages, with its table. */
export function siteFunction(scope: Construct, entry: string): NodejsFunction {
  const site = new NodejsFunction(scope, 'Site', {
    entry,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    // Longer than a visitor waits for another one's rendering, which is at most 7 seconds, and for the rendering itself.
    timeout: Duration.seconds(20),
    bundling: {
      // npm installs the package beside the bundle, in a container of Lambda's platform.
      nodeModules: ['@theory-cloud/tabletheory-isr'],
      forceDockerBundling: true,
    },
  })
  site.addEnvironment('FACETHEORY_CACHE_TABLE_NAME', isrTable(scope, site).tableName)
  return site
}
