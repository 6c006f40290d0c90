// What the documents quote is what the code says, and what they link to is there.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path}`)

const documents = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'bench/README.md', ...filesIn('docs', '.md')]

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
    const missing = links
      .filter((link) => !link.startsWith('https://'))
      .map((link) => link.replace(/#.*/, ''))
      .filter((link) => link !== '' && !isThere(join(dirname(path), link)))
    expect(missing).toEqual([])
  })

  test('names no option that does not exist', () => {
    const options = new Set([...read('index.d.ts').matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name))
    const named = [...text.matchAll(/`(\w+(?:Ms|Seconds|Keys|Read|Prefix|Attempts))`/g)].map(([, name]) => name)
    expect(named.filter((name) => !options.has(name))).toEqual([])
  })
})

function isThere(path: string): boolean {
  try {
    readFileSync(join(root, path))
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR'
  }
}
