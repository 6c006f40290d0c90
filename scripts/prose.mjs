// Checks the language of documents, comments, messages and test titles. `node scripts/prose.mjs src/store` checks that folder,
// even if it is on the list of folders that are not clean yet.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { faultsOf } from './prose/check.mjs'
import { exceptions, ignored } from './prose/config.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const named = process.argv.slice(2)
const isIn = (path, places) => places.some((place) => path === place || path.startsWith(`${place.replace(/\/$/, '')}/`))

const git = [
  'ls-files',
  '--cached',
  '--others',
  '--exclude-standard',
  '--',
  '*.md',
  '*.rs',
  '*.ts',
  '*.mts',
  '*.cts',
  '*.mjs',
  '*.cjs',
]
const all = execFileSync('git', git, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)
const paths = all.filter((path) => !isIn(path, ignored) && (named.length === 0 || isIn(path, named)))

const used = new Set()
let count = 0
for (const path of paths) {
  for (const { line, rule, message } of await faultsOf(path, readFileSync(`${root}${path}`, 'utf8'))) {
    const exception = exceptions.find((one) => one.path === path && message.includes(one.text))
    if (exception) used.add(exception)
    else {
      console.error(`${path}:${line}  ${message}  [${rule}]`)
      count += 1
    }
  }
}
if (named.length === 0) {
  for (const { path, text } of exceptions.filter((one) => !used.has(one))) {
    console.error(`scripts/prose/config.mjs: the exception for "${text}" in ${path} matches nothing`)
    count += 1
  }
}
console.log(`prose: ${paths.length} files, ${count} faults`)
process.exit(count > 0 ? 1 : 0)
