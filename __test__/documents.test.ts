// What the documents quote is what the code says, and what they link to is there.
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { documents, filesIn, read, root } from './support/documents.js'

test('each message in the troubleshooting table is one that the code gives', () => {
  const sources = [...filesIn('src', '.rs').map(read), read('index.js')].join('\n')
  const quoted = read('docs/troubleshooting.md')
    .split('\n')
    .flatMap((line) => /^\| (.*?) \((?:`Err|no code)/.exec(line)?.[1]?.match(/`[^`]+`/g) ?? [])
    .map((text) => text.slice(1, -1))
  expect(quoted.length).toBeGreaterThan(20)
  expect(quoted.filter((text) => !sources.includes(text))).toEqual([])
})

describe.each(documents)('%s', (path) => {
  const text = read(path)

  test('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !link.startsWith('https://') && !isThere(path, link))).toEqual([])
  })

  test('names no option that does not exist', () => {
    const options = new Set([...read('index.d.ts').matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name))
    const named = [...text.matchAll(/`(\w+(?:Ms|Seconds|Keys|Read|Prefix|Attempts))`/g)].map(([, name]) => name)
    expect(named.filter((name) => !options.has(name))).toEqual([])
  })
})

/** The file, and the heading in it if the link names one. */
function isThere(from: string, link: string): boolean {
  const [file = '', heading] = link.split('#')
  const path = file === '' ? from : join(dirname(from), file)
  if (statSync(join(root, path), { throwIfNoEntry: false }) === undefined) return false
  return heading === undefined || anchors(read(path)).includes(heading)
}

/** As GitHub makes them of headings. */
const anchors = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
