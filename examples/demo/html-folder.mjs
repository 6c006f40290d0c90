// An HtmlStore in a folder, where production has a bucket.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @param {string} folder @returns {import('../isr.mjs').HtmlStore} */
export function htmlFolder(folder) {
  // A pointer has slashes, like the keys of a bucket. Without them, only one folder is made and removed.
  /** @param {string} pointer */
  const pathOf = (pointer) => join(folder, pointer.replaceAll('/', '-'))

  return {
    async read(pointer) {
      try {
        return await readFile(pathOf(pointer), 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw error
      }
    },
    write: (pointer, html) => writeFile(pathOf(pointer), html, { flag: 'wx' }),
  }
}
