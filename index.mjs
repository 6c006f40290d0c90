// Node.js reads a CommonJS module for its names before it runs it. For the generated loader that takes longer than loading
// the addon.
import { createRequire } from 'node:module'

export const { FaceTheoryIsrMetaStore, createFaceTheoryIsrMetaStore } = createRequire(import.meta.url)('./index.js')
