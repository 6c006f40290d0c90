// Comments, string literals and test titles of JavaScript and TypeScript source.
import ts from 'typescript-5.9'

import { joinComments, lineAt, spoken } from './text.mjs'

/** The function at the start of `test.each(cases)(title, …)` and the like. */
const root = (node) => (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node) ? root(node.expression) : node)

const isTest = (node) => ts.isCallExpression(node) && ['test', 'it', 'describe'].includes(root(node).text)

const isModule = (node) => ts.isImportDeclaration(node) || ts.isExportDeclaration(node)

function literalText(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (ts.isTemplateExpression(node)) {
    return [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('`value`')
  }
}

const literalTokens = [
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.RegularExpressionLiteral,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateHead,
  ts.SyntaxKind.TemplateMiddle,
  ts.SyntaxKind.TemplateTail,
]

/** Of a test file only titles are prose: its other strings are data. */
export function javascriptTexts(path, source) {
  const tree = ts.createSourceFile(path, source, ts.ScriptTarget.Latest)
  const isTestFile = /\.test\.ts$/.test(path)
  const texts = []
  let code = source
  const visit = (node) => {
    const start = node.getStart(tree)
    if (literalTokens.includes(node.kind)) {
      code = code.slice(0, start) + source.slice(start, node.end).replace(/[^\n]/g, '_') + code.slice(node.end)
    }
    const title = isTest(node) && node.arguments[0] ? literalText(node.arguments[0]) : undefined
    const message = isTestFile || isModule(node) ? undefined : literalText(node)
    const text = title ?? message
    if (text !== undefined) texts.push({ kind: title ? 'title' : 'message', line: lineAt(source, start), text })
    ts.forEachChild(node, visit)
  }
  visit(tree)
  const comments = [...code.matchAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g)].map(({ index, 0: { length } }) => ({
    line: lineAt(source, index),
    index,
    token: source.slice(index, index + length),
  }))
  return [...joinComments(source, comments), ...texts.filter(spoken)]
}
