// The package's types against FaceTheory's, for the compiler of a strict app: the first and the last supported version.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The output of `tsc`. A failure rejects with that output. */
async function tsc(compiler: string, ...flags: string[]): Promise<string> {
  const args = [`node_modules/${compiler}/bin/tsc`, '-p', '__test__/types', ...flags]
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root })
    return stdout + stderr
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout?: string; stderr?: string }
    throw new Error(`tsc ended with ${String(code)}:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}

describe.each([
  ['typescript-5.9', 'Version 5.9.'],
  ['typescript', 'Version 7.'],
])('%s', (compiler, version) => {
  test("finds the types interchangeable with FaceTheory's, and reports every misuse", async () => {
    expect(await tsc(compiler, '--version')).toContain(version)
    expect(await tsc(compiler)).toBe('')
  })

  test('finds the same when exactOptionalPropertyTypes is off', async () => {
    expect(await tsc(compiler, '--exactOptionalPropertyTypes', 'false')).toBe('')
  })

  test('checks the declarations that the package is published with', async () => {
    const files = (await tsc(compiler, '--listFilesOnly')).split('\n')
    for (const file of ['index.d.ts', '__test__/types/assignable.ts', '__test__/types/misuse.ts']) {
      expect(files).toContain(root + file)
    }
  })
})
