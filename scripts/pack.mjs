// Makes the tarballs that are published: one for the package and one for each platform, from which npm chooses. With
// --fat it makes a single tarball with all binaries, for an installation without a registry.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isProgram } from './run.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** The licences of the crates in the binaries. */
const notices = 'THIRD-PARTY-NOTICES.txt'

/** The platforms' packages, and where their binaries are. */
export const platforms = readdirSync(join(root, 'npm')).map((folder) => {
  const manifest = readJson(`npm/${folder}/package.json`)
  return { folder, manifest, binary: join(root, manifest.main) }
})

/** Packs the files, by their names in the tarball, with this manifest; resolves to the tarball. */
function pack(manifest, files, destination) {
  const stage = mkdtempSync(join(tmpdir(), 'tabletheory-isr-pack-'))
  try {
    for (const [name, file] of Object.entries(files)) cpSync(file, join(stage, name), { recursive: true })
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination]
    const [{ filename }] = JSON.parse(
      execFileSync('npm', args, { cwd: stage, encoding: 'utf8', shell: process.platform === 'win32' }),
    )
    return join(destination, filename)
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** The repository: the registry compares it with the one that a provenance statement names. */
const repository = () => ({ repository: readJson('package.json').repository })

/** The part of the manifest that an app needs: no scripts and no development dependencies. */
function publishedManifest(more) {
  const { scripts: _scripts, devDependencies: _tools, overrides: _overrides, ...manifest } = readJson('package.json')
  return { ...manifest, ...more }
}

/** The files of the main package, by their names in the tarball. */
export const ownFiles = () =>
  Object.fromEntries(
    [...readJson('package.json').files, 'README.md', 'LICENSE'].map((file) => [file, join(root, file)]),
  )
const built = () => platforms.filter(({ binary }) => existsSync(binary))

/** The package, and that of each platform for which there is a binary. */
export function packAll(destination) {
  mkdirSync(destination, { recursive: true })
  const optionalDependencies = Object.fromEntries(platforms.map(({ manifest: { name, version } }) => [name, version]))
  return {
    main: pack(publishedManifest({ optionalDependencies }), ownFiles(), destination),
    platforms: built().map(({ folder, manifest, binary }) => {
      const files = { [manifest.main]: binary, [notices]: join(root, notices), LICENSE: join(root, 'LICENSE') }
      const readme = { 'README.md': join(root, `npm/${folder}/README.md`) }
      return pack({ ...manifest, ...repository(), files: Object.keys(files) }, { ...files, ...readme }, destination)
    }),
  }
}

/** The package with every binary that there is. */
export function packFat(destination) {
  mkdirSync(destination, { recursive: true })
  const binaries = Object.fromEntries(built().map(({ manifest: { main }, binary }) => [main, binary]))
  const files = { ...ownFiles(), ...binaries, [notices]: join(root, notices) }
  return pack(publishedManifest({ files: Object.keys(files) }), files, destination)
}

/** The packages in the order in which they are published, and the tarballs that `packAll` makes of them. */
export function tarballsIn(folder) {
  return [...platforms.map(({ manifest }) => manifest), readJson('package.json')].map(({ name, version }) => ({
    name,
    version,
    // npm takes a relative path of two names for a repository on GitHub.
    file: resolve(folder, `${name.slice(1).replace('/', '-')}-${version}.tgz`),
  }))
}

if (isProgram(import.meta.url)) {
  const { values } = parseArgs({ options: { fat: { type: 'boolean', default: false }, output: { type: 'string' } } })
  // The single tarball has the name of the package's own one.
  const output = resolve(values.output ?? join(root, values.fat ? 'dist/fat' : 'dist'))
  console.log(values.fat ? packFat(output) : packAll(output))
}
