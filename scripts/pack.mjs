// Makes the tarballs that are published, of what was built: one for the package and one for each platform, which npm
// chooses from; or, with --fat, a single one with all binaries inside, for installing without a registry.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** The platforms' packages, and where their binaries are. */
const platforms = readdirSync(join(root, 'npm')).map((folder) => {
  const manifest = readJson(`npm/${folder}/package.json`)
  return { folder, manifest, binary: join(root, manifest.main) }
})

/** Packs the files with this manifest; resolves to the tarball. */
function pack(manifest, files, destination) {
  const stage = mkdtempSync(join(tmpdir(), 'tabletheory-isr-pack-'))
  try {
    for (const file of files) cpSync(file, join(stage, file.slice(file.lastIndexOf('/') + 1)))
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination]
    const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: stage, encoding: 'utf8' }))
    return join(destination, filename)
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** What an app needs of the manifest: nothing that runs, and nothing to develop with. */
function publishedManifest(more) {
  const { scripts: _scripts, devDependencies: _tools, overrides: _overrides, ...manifest } = readJson('package.json')
  return { ...manifest, ...more }
}

const ownFiles = () => [...readJson('package.json').files, 'README.md', 'LICENSE'].map((file) => join(root, file))
const built = () => platforms.filter(({ binary }) => existsSync(binary))

/** The package, and that of each platform for which there is a binary. */
export function packAll(destination) {
  mkdirSync(destination, { recursive: true })
  const optionalDependencies = Object.fromEntries(platforms.map(({ manifest: { name, version } }) => [name, version]))
  return {
    main: pack(publishedManifest({ optionalDependencies }), ownFiles(), destination),
    platforms: built().map(({ folder, manifest, binary }) => {
      return pack(manifest, [binary, join(root, `npm/${folder}/README.md`)], destination)
    }),
  }
}

/** The package with every binary that there is. */
export function packFat(destination) {
  mkdirSync(destination, { recursive: true })
  const { files } = readJson('package.json')
  const binaries = built()
  const manifest = publishedManifest({ files: [...files, ...binaries.map((platform) => platform.manifest.main)] })
  return pack(manifest, [...ownFiles(), ...binaries.map(({ binary }) => binary)], destination)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { fat: { type: 'boolean', default: false }, output: { type: 'string', default: join(root, 'dist') } },
  })
  console.log(values.fat ? packFat(values.output) : packAll(values.output))
}
