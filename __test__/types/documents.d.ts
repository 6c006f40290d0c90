// What the documents' code has around it: FaceTheory, and an app.
declare module '@theory-cloud/facetheory' {
  import type { IsrMetaStore } from '@theory-cloud/tabletheory-isr'

  export function createFaceApp(options: {
    faces: unknown[]
    isr: { htmlStore: unknown; metaStore: IsrMetaStore }
  }): unknown
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
