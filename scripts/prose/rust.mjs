// Comments, string literals and test names of Rust source.
import { joinComments, lineAt, spoken } from './text.mjs'

/** Everything that can hold a quote or the beginning of a comment; characters and lifetimes are matched to be skipped. */
const tokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|b?r(?<hashes>#*)"[\s\S]*?"\k<hashes>|[bc]?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])'|'\w+/g

const testNames = /#\[(?:tokio::)?test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn (\w+)/g

export function rustTexts(source) {
  const comments = []
  const texts = []
  for (const { 0: token, index } of source.matchAll(tokens)) {
    const line = lineAt(source, index)
    if (/^\/[/*]/.test(token)) comments.push({ line, index, token })
    else if (token.endsWith('"') || token.endsWith('#')) {
      const text = token.slice(token.indexOf('"') + 1, token.lastIndexOf('"'))
      const unescaped = text.replace(/\\\n\s*/g, '').replace(/\\(.)/g, '$1')
      texts.push({ kind: 'message', line, text: unescaped.replace(/\{[^{}]*\}/g, '`value`') })
    }
  }
  for (const { 1: name, 0: match, index } of source.matchAll(testNames)) {
    texts.push({ kind: 'title', line: lineAt(source, index + match.length), text: name.replaceAll('_', ' ') })
  }
  return [...joinComments(source, comments), ...texts.filter(spoken)]
}
