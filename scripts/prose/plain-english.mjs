// Rules of our own, for textlint: each sentence is short, and its subject and object are nouns.
const LONGEST_SENTENCE = 30

const patterns = [
  {
    pattern: /^(?:["“(]\s*)?(?:What|Who|Whom|Whose|Whoever|Whatever|Whichever)\b(?!-)/,
    fault: 'a clause as the subject: name the thing ("Errors it throws", not "What it throws")',
  },
  {
    pattern: /(?<!\bso |^)\bwhat\b(?! to\b|-)/i,
    fault: 'a clause with "what" as subject or object: name the thing ("the error that it throws")',
  },
  {
    pattern: /\b(?:whatever|whichever|whosoever)\b/i,
    fault: 'a clause with "whatever" or "whichever": name the thing ("any answer")',
  },
  {
    pattern:
      /(?:[:;–—]|\b(?:to|of|by|for|with|from|at|on|in|about|is|are|was|and|or|but|than|that|as|if|says?|said|tells?|told|knows?|known|shows?|sees?|learns?|decides?|asks?|asked|matters?)) (?:who|whom)\b/i,
    fault: 'a clause with "who" as subject or object: name the party ("the process that", "another owner")',
  },
  {
    pattern: /\b(?:is|are|was|were|be|been) no\b(?! (?:longer|more|less|fewer|later|earlier|sooner|older|newer)\b)/i,
    fault: '"is no": write "is not a", or say that something does not exist',
  },
]

/** The words of a node, without code, which is a noun to its sentence. */
function textOf(node) {
  if (node.type === 'Str') return node.value
  if (node.type === 'Code') return '`code`'
  if (node.type === 'Image') return node.alt ?? ''
  if (node.type === 'Html') return ''
  if (node.type === 'Break') return ' '
  return (node.children ?? []).map(textOf).join('')
}

/** After a full stop, a question mark or an exclamation mark, but not after an abbreviation; a path can begin a sentence. */
const sentenceEnd = /(?<=(?<!\b(?:e\.g|i\.e|vs|etc|cf))[.!?]["”)]*)\s+(?=["“(]*(?:[\p{Lu}\p{N}`]|\w+\/))/u

const sentences = (text) => text.replace(/\s+/g, ' ').trim().split(sentenceEnd)

const wordsIn = (sentence) => sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}`]/u.test(word)).length

/** `limit: false` where a list may be long: in messages. A heading is a title, not a sentence with a subject. */
export default function plainEnglish({ Syntax, report, RuleError }, { limit = true } = {}) {
  const check = (node) => {
    for (const sentence of sentences(textOf(node))) {
      const fail = (fault) => report(node, new RuleError(`${fault}: "${sentence}"`))
      const length = wordsIn(sentence)
      if (limit && length > LONGEST_SENTENCE) fail(`a sentence of ${length} words, above ${LONGEST_SENTENCE}`)
      if (sentence.endsWith('?')) continue
      const found = patterns.find(({ pattern }) => pattern.test(sentence))
      if (found) fail(found.fault)
    }
  }
  return { [Syntax.Paragraph]: check, [Syntax.TableCell ?? 'TableCell']: check }
}
