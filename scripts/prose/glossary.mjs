// The glossary's table: each term, and the words that are not used for it.
import { readFileSync } from 'node:fs'

const path = new URL('../../docs/glossary.md', import.meta.url)

const cells = (row) =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())

/** `[word, term]` for each word of the last column. */
export function substitutions(markdown = readFileSync(path, 'utf8')) {
  const [, , ...rows] = markdown.split('\n').filter((line) => line.startsWith('|'))
  return rows.map(cells).flatMap(([term, , not]) => {
    const words = not.split(',').map((word) => word.trim())
    return words.filter((word) => word !== '').map((word) => [word, term])
  })
}
