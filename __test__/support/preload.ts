// Compiles the sources in `fixtures/preload` to shared objects, which replace functions of libc in a process.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll } from 'vitest'

/** Returns the compiled fixture's path, or `null` without LD_PRELOAD or a C compiler. Call it at the top of a test file. */
export function preloadable(name: string): string | null {
  if (process.platform !== 'linux') return null
  const folder = mkdtempSync(join(tmpdir(), 'isr-preload-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const source = fileURLToPath(new URL(`../fixtures/preload/${name}.c`, import.meta.url))
  const library = join(folder, `${name}.so`)
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source, '-ldl'])
    return library
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
