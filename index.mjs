// `import` of a CommonJS module reads its text for names before it runs it, and then lacks names that it assigns at runtime.
import { createRequire } from 'node:module'

export const { FaceTheoryIsrMetaStore, createFaceTheoryIsrMetaStore, isIsrStoreError } = createRequire(import.meta.url)(
  './index.js',
)
