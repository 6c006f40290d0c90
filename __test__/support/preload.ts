// Shared objects from `fixtures/preload`, which stand between a process and libc.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll } from 'vitest'

/** The compiled fixture; `null` where LD_PRELOAD or a C compiler is missing. Call it at the top of a test file. */
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
