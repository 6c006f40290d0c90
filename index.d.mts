export { createFaceTheoryIsrMetaStore, FaceTheoryIsrMetaStore } from './index.js'
export type * from './index.js'
