// Finds dependencies whose name occurs in no file of their package. A dependency that only a macro or a feature needs has its
// name, with the reason, in `exceptions`.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isProgram } from './run.mjs'

export const exceptions = {
  '@types/node': 'the compiler option "types" names it',
  constructs: 'aws-cdk-lib requires it beside itself',
  getrandom: 'its features are those that the tests need',
  tracing: 'its feature max_level_off removes log lines',
}

const quoted = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The names in the dependency tables of a Cargo.toml. */
export function cratesOf(manifest) {
  const names = []
  let inTable = false
  for (const line of manifest.split('\n')) {
    const [, table] = /^\[(.+)\]/.exec(line) ?? []
    if (table !== undefined) inTable = /(^|\.)(dev-|build-)?dependencies$/.test(table)
    const [, name] = /^([\w-]+)(?:\.workspace)?\s*=/.exec(line) ?? []
    if (inTable && name !== undefined) names.push(name)
  }
  return names
}

/** The crates that no text names. */
export const unusedCrates = (manifest, texts) =>
  cratesOf(manifest).filter((name) => {
    const identifier = new RegExp(`\\b${quoted(name.replaceAll('-', '_'))}\\b`)
    return !(name in exceptions) && !texts.some((text) => identifier.test(text))
  })

/** The npm packages of which no text has the name or the command. */
export const unusedPackages = (manifest, texts) =>
  Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter((name) => {
    // `npx tsc`, `npx attw`: by the last part of the name, but for those that have another.
    const commands = { typescript: 'tsc', '@napi-rs/cli': 'napi' }
    const mention = new RegExp(
      `(['"/]|npx )${quoted(name)}['"/]|\\b${quoted(commands[name] ?? name.split('/').at(-1))}\\b`,
    )
    return !(name in exceptions) && !texts.some((text) => mention.test(text))
  })

function unused(root) {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(Boolean)
  const read = (file) => readFileSync(join(root, file), 'utf8')
  const manifests = files.filter((file) => /(^|\/)Cargo\.toml$/.test(file))
  const crates = manifests.flatMap((manifest) => {
    const folder = dirname(manifest)
    // The addon is built of the sources of the crate around it.
    const own = files.filter((file) => file.endsWith('.rs') && (manifest.startsWith('addon/') || isBelow(file, folder)))
    return unusedCrates(read(manifest), own.map(read)).map((name) => `${manifest}: ${name}`)
  })
  const { scripts, napi, ...manifest } = JSON.parse(read('package.json'))
  const code = files.filter((file) => /\.(m?[jt]s|ya?ml|jsonc?)$/.test(file) && !/package(-lock)?\.json$/.test(file))
  const texts = [...code.map(read), JSON.stringify({ scripts, napi })]
  return [...crates, ...unusedPackages(manifest, texts).map((name) => `package.json: ${name}`)]
}

const isBelow = (file, folder) => folder === '.' || file.startsWith(`${folder}/`)

if (isProgram(import.meta.url)) {
  const found = unused(fileURLToPath(new URL('..', import.meta.url)))
  for (const one of found) console.error(`${one} is not used`)
  process.exit(found.length > 0 ? 1 : 0)
}
