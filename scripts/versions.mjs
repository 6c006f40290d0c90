// The one version that everything here has. `npm version` moves it everywhere; this does its part of that, and checks.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isProgram } from './run.mjs'

/** The crate's name and version in Cargo.toml and Cargo.lock. */
const crate = /(^name = "tabletheory-isr"\nversion = ")([^"]+)/m

const read = (root, path) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n')
const readJson = (root, path) => JSON.parse(read(root, path))

/** Every version that is written anywhere, and where. */
function written(root) {
  const lock = readJson(root, 'package-lock.json')
  const packages = readdirSync(join(root, 'npm')).map((folder) => `npm/${folder}/package.json`)
  return [
    ...['package.json', ...packages].map((path) => [path, readJson(root, path).version]),
    ['package-lock.json', lock.version],
    ['package-lock.json, of its own package', lock.packages[''].version],
    ...['Cargo.toml', 'Cargo.lock'].map((path) => [path, crate.exec(read(root, path))?.[2]]),
  ]
}

/** The changelog's section for this version, or nothing. */
export function changes(root, version) {
  const [, ...sections] = read(root, 'CHANGELOG.md').split(/^## /m)
  return sections
    .find((section) => section.startsWith(`${version}\n`))
    ?.slice(version.length)
    .trim()
}

/** Every version that differs from package.json's, as messages; `tag` is git's, where one exists. */
export function versionFaults(root, tag) {
  const { version } = readJson(root, 'package.json')
  const others = new Map(written(root).filter(([, other]) => other !== version))
  return [
    ...Array.from(others, ([path, other]) => `${path} has ${other ?? 'no version'}, and package.json ${version}`),
    changes(root, version) ? '' : `CHANGELOG.md says nothing under "## ${version}"`,
    tag === undefined || tag === `v${version}` ? '' : `the tag is ${tag}, and package.json has ${version}`,
  ].filter(Boolean)
}

/** Writes the version of package.json to where neither npm nor napi writes it. */
export function moveVersion(root) {
  const { version } = readJson(root, 'package.json')
  for (const path of ['Cargo.toml', 'Cargo.lock']) {
    writeFileSync(join(root, path), read(root, path).replace(crate, `$1${version}`))
  }
}

if (isProgram(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { npm_new_version, GITHUB_REF_TYPE, GITHUB_REF_NAME } = process.env
  const [what = 'check'] = process.argv.slice(2)
  if (what === 'changes') {
    const version = npm_new_version ?? readJson(root, 'package.json').version
    const text = changes(root, version)
    if (!text) {
      console.error(`CHANGELOG.md says nothing under "## ${version}"`)
      process.exit(1)
    }
    console.log(text)
  } else if (what === 'check' || what === 'move') {
    if (what === 'move') moveVersion(root)
    const faults = versionFaults(root, GITHUB_REF_TYPE === 'tag' ? GITHUB_REF_NAME : undefined)
    for (const fault of faults) console.error(fault)
    process.exit(faults.length > 0 ? 1 : 0)
  } else {
    console.error('versions.mjs takes check, move or changes')
    process.exit(2)
  }
}
