export type * from './index.js'
export { createFaceTheoryIsrMetaStore, FaceTheoryIsrMetaStore, isIsrStoreError } from './index.js'
