// Messages, files, options and links in the documents exist.
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { documents, filesIn, read, root } from '../support/documents.js'

test('the troubleshooting table quotes only messages of the code', () => {
  const sources = [...filesIn('src', '.rs').map(read), read('index.js')].join('\n')
  const quoted = read('docs/troubleshooting.md')
    .split('\n')
    .flatMap((line) => /^\| (.*?) \((?:`Err|no code)/.exec(line)?.[1]?.match(/`[^`]+`/g) ?? [])
    .map((text) => text.slice(1, -1))
  expect(quoted.length).toBeGreaterThan(20)
  expect(quoted.filter((text) => !sources.includes(text))).toEqual([])
})

test('the architecture page names only source files that exist', () => {
  const named = [
    ...read('docs/architecture.md').matchAll(/`((?:src|addon|cli|tests|__test__|[a-z]+\/)[a-z_/]*(?:\.rs)?)`/g),
  ]
  const missing = named
    .map(([, name = '']) => name)
    .filter((name) => ![name, `src/${name}`, `src/${name}.rs`].some((path) => exists(path)))
  expect(named.length).toBeGreaterThan(30)
  expect(missing).toEqual([])
})

const exists = (path: string): boolean => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined

describe.each(documents)('%s', (path) => {
  const text = read(path)

  test('links only to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !link.startsWith('https://') && !isThere(path, link))).toEqual([])
  })

  test('names only options that exist', () => {
    const typings = read('index.d.ts') + read('admin/index.d.ts')
    const options = new Set(
      [...typings.matchAll(/^(?: {2}|export declare function )(\w+)(?:\??:|\()/gm)].map(([, name]) => name),
    )
    const named = [...text.matchAll(/`(\w+(?:Ms|Seconds|Keys|Read|Prefix|Attempts))`/g)].map(([, name]) => name)
    expect(named.filter((name) => !options.has(name))).toEqual([])
  })
})

/** Whether the file exists, and the heading in it if the link names one. */
function isThere(from: string, link: string): boolean {
  const [file = '', heading] = link.split('#')
  const path = file === '' ? from : join(dirname(from), file)
  if (!exists(path)) return false
  return heading === undefined || anchors(read(path)).includes(heading)
}

/** The anchors that GitHub makes of the headings. */
const anchors = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
