// The parts of a file that people read: comments without their marks, messages, titles.

export const lineAt = (source, index) => source.slice(0, index).split('\n').length

/** A message has words; an attribute's name or an address does not. */
export const spoken = ({ text }) => (text.match(/(?<!\S)[\p{L}’'-]+(?=[\s,.:;!?]|$)/gu) ?? []).length >= 3

/** Instructions to tools. */
const forTools = /^(?:\s*(?:biome-ignore|@ts-|cspell|@vitest|#!|eslint)|\s*spdx)/i

/** The type of a tag of JSDoc, and the name that it documents, are code. */
const tag = /(?<![\w`{])@(?:param|property|prop|typedef|callback|template)\s+(?:\{.*?\}(?=\s|$)\s*)?(\S*)/g
const tagWithoutName = /(?<![\w`{])@[a-z]+\b\s*(?:\{.*?\}(?=\s|$))?/g
const withoutTags = (text) => text.replace(tag, '`$1`').replace(tagWithoutName, '')

/** Each line that begins with a tag begins a text. */
function paragraphs({ line, text }) {
  const parts = []
  for (const [at, content] of text.split('\n').entries()) {
    if (at === 0 || /^\s*@[a-z]/.test(content))
      parts.push({ kind: 'comment', line: line + at, text: withoutTags(content) })
    else parts.at(-1).text += `\n${withoutTags(content)}`
  }
  return parts
}

/** Line comments that follow one another are one text, as are the lines of a block comment. */
export function joinComments(source, comments) {
  const texts = []
  let last
  for (const { line, index, token } of comments) {
    const [, mark] = /^(\/\/[/!]?|\/\*[*!]?)/.exec(token)
    const lines = token
      .slice(mark.length)
      .replace(/\*\/$/, '')
      .split('\n')
      .map((part, at) => (at === 0 ? part : part.replace(/^\s*\*/, '')).replace(/^ /, ''))
    const alone = source.slice(source.lastIndexOf('\n', index) + 1, index).trim() === ''
    if (last && alone && last.alone && last.mark === mark && last.end + 1 === line && mark.startsWith('//')) {
      last.text += `\n${lines[0]}`
      last.end = line
    } else {
      last = { mark, line, end: line, alone, text: lines.join('\n') }
      texts.push(last)
    }
  }
  return texts.filter(({ text }) => !forTools.test(text)).flatMap(paragraphs)
}
