export type * from './index.js'
export { createFaceTheoryIsrMetaStore, FaceTheoryIsrMetaStore } from './index.js'
