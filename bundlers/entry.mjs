// Bundlers take this file, by the condition `module` of `exports`. Node.js takes index.mjs.
import { createRequire as requireFrom } from 'node:module'

const name = '@theory-cloud/tabletheory-isr'
const docs = 'https://github.com/theory-cloud/tabletheory-isr/blob/main/docs/install.md#bundlers'

/** esbuild and Rolldown put index.js here, and see the addon. Rollup leaves the call, which asks the package beside the bundle. */
const requireAddon = () => require('@theory-cloud/tabletheory-isr')

/** An ES module has no `require`. While this runs, there is a global one, which esbuild's stand-in takes too. */
function withRequire(load) {
  // Bundlers leave the URL out of CommonJS, which has a `require`.
  if (import.meta.url === undefined || 'require' in globalThis) return load()
  globalThis.require = requireFrom(import.meta.url)
  try {
    return load()
  } finally {
    delete globalThis.require
  }
}

function loadAddon() {
  try {
    return withRequire(requireAddon)
  } catch (cause) {
    throw new Error(
      `This bundle lacks the native addon of ${name}. Keep "${name}" external and install it beside the bundle, or copy .node files. See ${docs}`,
      { cause },
    )
  }
}

export const { FaceTheoryIsrMetaStore, createFaceTheoryIsrMetaStore, isIsrStoreError } = loadAddon()
