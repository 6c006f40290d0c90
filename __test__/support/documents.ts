// The project's documents, and the blocks of code in them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

export const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path}`)

export const documents: string[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...filesIn('docs', '.md'),
  'bench/README.md',
]

export interface CodeBlock {
  path: string
  line: number
  language: string
  text: string
}

export const blocks: CodeBlock[] = documents.flatMap((path) =>
  [...read(path).matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = '', 2: text = '', input }) => ({
    path,
    line: input.slice(0, index).split('\n').length,
    language,
    text,
  })),
)
