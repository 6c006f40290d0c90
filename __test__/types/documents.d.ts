// Declarations that the code in the documents needs: those of FaceTheory, and those of an app.
declare module '@theory-cloud/facetheory' {
  import type { IsrMetaStore } from '@theory-cloud/tabletheory-isr'

  export function createFaceApp(options: {
    faces: unknown[]
    isr: {
      htmlStore: unknown
      metaStore: IsrMetaStore
      leaseDurationMs?: number
      cacheControl?: (input: { revalidateSeconds: number; state: string; isFresh: boolean }) => string
    }
  }): unknown

  export function blockingIsrCacheControl(revalidateSeconds: number, options?: { sharedMaxAgeSeconds?: number }): string

  export function defaultIsrCacheKey(input: {
    tenant: string
    routePattern: string
    params: Record<string, string>
    query: Record<string, string[]>
  }): string

  export class S3HtmlStore {
    constructor(options: { client: object; bucket: string; keyPrefix?: string })
  }

  export class InMemoryIsrMetaStore implements IsrMetaStore {
    get: IsrMetaStore['get']
    invalidate: IsrMetaStore['invalidate']
    tryAcquireLease: IsrMetaStore['tryAcquireLease']
    commitGeneration: IsrMetaStore['commitGeneration']
    releaseLease: IsrMetaStore['releaseLease']
  }
}

declare module '@theory-cloud/facetheory/aws-s3' {
  export function createAwsSdkS3HtmlStoreClient(options: { s3: object }): object
}

declare module '@aws-sdk/client-s3' {
  export class S3Client {
    constructor(options: object)
  }
}

declare module '@aws-sdk/credential-providers' {
  interface Credentials {
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
    expiration?: Date
  }
  export function fromNodeProviderChain(): () => Promise<Credentials>
}

declare module '@theory-cloud/facetheory/tabletheory' {
  import type { IsrMetaStore } from '@theory-cloud/tabletheory-isr'

  export function createTableTheoryIsrMetaStore(options: { config: { ddb: unknown; tableName: string } }): IsrMetaStore
}

declare const faces: unknown[]
declare const htmlStore: unknown
declare const metaStore: import('@theory-cloud/tabletheory-isr').FaceTheoryIsrMetaStore
declare const ddb: unknown
declare const scope: import('constructs').Construct
