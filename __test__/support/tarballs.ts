// The published tarballs, and apps in other folders that install them without a registry. ISR_TEST_TARBALLS can name a folder
// of tarballs that are already packed.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { ownFiles, packAll, packFat, platforms, tarballsIn } from '../../scripts/pack.mjs'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const execute = promisify(execFile)

export interface Tarballs {
  main: string
  /** One for each platform that has a binary here. */
  platforms: string[]
  fat: string
}

/** Packs the built package, or reuses the tarballs of the same files: packing an unoptimised addon takes long. */
export function packedTarballs(): Tarballs {
  if (process.env.ISR_TEST_TARBALLS !== undefined) return tarballsOf(process.env.ISR_TEST_TARBALLS)
  const cache = join(root, 'target', 'tarballs')
  const folder = join(cache, stateOfFiles())
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true })
    const draft = mkdtempSync(join(cache, 'draft-'))
    packAll(draft)
    packFat(join(draft, 'fat'))
    // Another test file may have packed the same files in the meantime.
    if (existsSync(folder)) rmSync(draft, { recursive: true })
    else renameSync(draft, folder)
  }
  return tarballsOf(folder)
}

function tarballsOf(folder: string): Tarballs {
  const filesIn = (place: string) => tarballsIn(place).map(({ file }) => file)
  return {
    main: filesIn(folder).at(-1) ?? '',
    platforms: filesIn(folder)
      .slice(0, -1)
      .filter((file) => existsSync(file)),
    fat: filesIn(join(folder, 'fat')).at(-1) ?? '',
  }
}

function stateOfFiles(): string {
  const files = ['package.json', 'THIRD-PARTY-NOTICES.txt', 'scripts/pack.mjs', ...Object.keys(ownFiles())]
  const hash = createHash('sha256')
  for (const file of files) hash.update(readAll(join(root, file)))
  for (const { binary } of platforms) {
    const state = statSync(binary, { throwIfNoEntry: false })
    hash.update(`${state?.size} ${state?.mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

const readAll = (path: string): string =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile())
        .map((file) => readFileSync(file, 'utf8'))
        .join('\n')
    : readFileSync(path, 'utf8')

/** Makes an app in the folder, of this module system, with no dependencies but these tarballs. Resolves to its path. */
export async function installApp(
  folder: string,
  type: 'module' | 'commonjs',
  tarballs: string[],
  npmFlags: string[] = [],
): Promise<string> {
  const app = await mkdtemp(join(folder, 'app-'))
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type }))
  // Optional dependencies, so that npm omits packages for other platforms.
  const flags = ['--save-optional', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', ...npmFlags]
  await execute('npm', ['install', ...flags, ...tarballs], { cwd: app, shell: process.platform === 'win32' })
  return app
}
