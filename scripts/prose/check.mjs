// Checks one file's prose with textlint: the registry's rules for spelling of terms and wordiness, and rules of our own.
import { TextlintKernel } from '@textlint/kernel'
import markdown from '@textlint/textlint-plugin-markdown'
import terminology from 'textlint-rule-terminology'
import writeGood from 'textlint-rule-write-good'

import { fieldTerms } from './config.mjs'
import { substitutions } from './glossary.mjs'
import { javascriptTexts } from './javascript.mjs'
import plainEnglish from './plain-english.mjs'
import { rustTexts } from './rust.mjs'

const kernel = new TextlintKernel()
const off = {
  passive: false,
  illusion: false,
  so: false,
  thereIs: false,
  weasel: false,
  adverb: false,
  cliches: false,
  eprime: false,
}
const terms = substitutions().map(([word, term]) => [word.replaceAll(' ', '\\s+'), term])

/** Names of products and formats are checked in prose only: a message can have a command or markup in it. */
const options = (isProse) => ({
  ext: '.md',
  plugins: [{ pluginId: 'markdown', plugin: markdown.default ?? markdown }],
  rules: [
    { ruleId: 'terminology', rule: terminology.default ?? terminology, options: { terms, defaultTerms: isProse } },
    { ruleId: 'write-good', rule: writeGood.default ?? writeGood, options: off },
    { ruleId: 'plain-english', rule: plainEnglish, options: { limit: isProse } },
  ],
})

function textsOf(path, source) {
  if (path.endsWith('.md')) return [{ kind: 'document', line: 1, text: source }]
  return path.endsWith('.rs') ? rustTexts(source) : javascriptTexts(path, source)
}

/** The glossary's last column lists the words that are not used. */
const withoutNotColumn = (source) => source.replace(/^(\| [^|]*\|[^|]*\|)[^|]*\|$/gm, '$1 |')

/** Texts of one kind as one document, since each run of textlint has a cost; `lines` has the source's line of each of its lines. */
function joined(texts) {
  const lines = []
  const parts = texts.map(({ line, text }) => {
    const part = `${text}\n\n---\n\n`
    lines.push(...Array.from(part.split('\n').slice(1), (_, at) => line + at))
    return part
  })
  return { text: parts.join(''), lines }
}

/** Marks of Markdown are characters like any other in a message. */
const withoutMarks = (text) => ({ ...text, text: text.text.replace(/[*_#<>[\]|]/g, ' ').trim() })

/** Not by write-good's own list of exceptions, which misses a phrase at the start of a text. */
const isFieldTerm = (rule, message) =>
  rule === 'write-good' && fieldTerms.includes(/^"([^"]*)"/.exec(message)?.[1]?.toLowerCase().replace(/\s+/g, ' '))

/** Git's marks of an unfinished merge, which Markdown takes for text. */
function mergeMarkers(source) {
  const found = source.matchAll(/^(?:<{7}|>{7}) /gm)
  const lineOf = ({ index }) => source.slice(0, index).split('\n').length
  return Array.from(found, (mark) => ({ line: lineOf(mark), rule: 'merge', message: 'an unfinished merge' }))
}

/** Faults of a file: `{ line, rule, message }`. */
export async function faultsOf(path, source) {
  const texts = textsOf(path, path === 'docs/glossary.md' ? withoutNotColumn(source) : source)
  const isMessage = ({ kind }) => kind === 'message' || kind === 'title'
  const groups = [
    { isProse: true, ...joined(texts.filter((text) => !isMessage(text))) },
    { isProse: false, ...joined(texts.filter(isMessage).map(withoutMarks)) },
  ]
  const faults = mergeMarkers(source)
  for (const { isProse, text, lines } of groups.filter((group) => group.text !== '')) {
    const { messages } = await kernel.lintText(text, { ...options(isProse), filePath: path })
    for (const { ruleId, message, line } of messages) {
      if (!isFieldTerm(ruleId, message)) faults.push({ line: lines[line - 1], rule: ruleId, message })
    }
  }
  return faults.sort((a, b) => a.line - b.line)
}
