// The prose check finds each pattern that the style forbids, where it finds prose, and nothing in a clean text.
import { describe, expect, test } from 'vitest'

import { faultsOf } from '../../scripts/prose/check.mjs'
import { substitutions } from '../../scripts/prose/glossary.mjs'

const rulesFor = async (path: string, source: string): Promise<string[]> =>
  (await faultsOf(path, source)).map(({ line, rule }) => `${line} ${rule}`)

const words = (count: number): string => `The store ${'very '.repeat(count - 4)}often answers.`

describe('a document', () => {
  test.each([
    ['a clause with "what" as subject', 'What it throws is ignored.'],
    ['a clause with "who" as subject', 'Who holds the lease commits the page.'],
    ['a clause with "what" as object', 'The store ignores what the listener throws.'],
    ['a clause with "who" as object', 'The answer tells who holds the lease.'],
    ['a clause with "whichever"', 'The store takes whichever comes first.'],
    ['"is no"', 'A late answer is no answer.'],
    ['"are no"', 'Errors of the listener are no failures.'],
    ['a sentence of 31 words', words(31)],
    ['a second sentence that is too long', `The lease is free. ${words(31)}`],
  ])('fails on %s', async (_, text) => {
    expect(await rulesFor('docs/page.md', text)).toEqual(['1 plain-english'])
  })

  test.each(substitutions())('fails on the glossary\'s "%s"', async (word) => {
    expect(await rulesFor('docs/page.md', `Here it says ${word} again.`)).toEqual(['1 terminology'])
  })

  test('fails on a wordy phrase and on a misspelt name', async () => {
    expect(await rulesFor('docs/page.md', 'The store waits in order to save requests.')).toEqual(['1 write-good'])
    expect(await rulesFor('docs/page.md', 'The store is written for Javascript.')).toEqual(['1 terminology'])
  })

  test('fails on the marks of an unfinished merge', async () => {
    const source = ['A page.', `${'<'.repeat(7)} HEAD`, 'One.', '='.repeat(7), 'Two.', `${'>'.repeat(7)} abc`].join(
      '\n',
    )
    expect(await rulesFor('docs/page.md', source)).toEqual(['2 merge', '6 merge'])
  })

  test('fails at the line of a phrase that is broken between two lines', async () => {
    expect(await rulesFor('docs/page.md', 'The page is\nfresh. A call is under\nway now.')).toEqual(['2 terminology'])
  })

  test.each([
    ['a sentence of 30 words', words(30)],
    ['a question', 'What does it throw?'],
    ['a heading that begins with "what"', '## What is not promised'],
    ['a relative clause', 'A caller who holds the lease commits the page that it rendered.'],
    ['an infinitive', 'The message says what to do.'],
    ['a comparison', 'The lease is no longer held.'],
    ['code', 'The key is `what is under way`.\n\n```sh\nwhat whoever nobody\n```'],
  ])('passes with %s', async (_, text) => {
    expect(await rulesFor('docs/page.md', text)).toEqual([])
  })
})

test('the glossary passes although its last column has the words that are not used', async () => {
  const row = '| term | meaning | not |\n|---|---|---|\n| in flight | A request is in flight. | under way |\n'
  expect(await rulesFor('docs/glossary.md', row)).toEqual([])
  expect(await rulesFor('docs/other.md', row)).toEqual(['3 terminology'])
})

test('a Rust file fails in its comments, messages and test names, and not in its code', async () => {
  const source = [
    '//! What the module keeps is here.',
    "const QUOTE: char = '\"'; // nobody",
    '/// A call that is under',
    "/// way, with a lifetime: `'a`.",
    'fn message() -> String { format!("the option {name} is no option") }',
    'const PATTERN: &str = r#"whoever"#; fn whoever() {}',
    '#[test]',
    'fn nobody_waits_for_a_timeout() {}',
  ].join('\n')
  expect(await rulesFor('src/file.rs', source)).toEqual([
    '1 plain-english',
    '2 terminology',
    '3 terminology',
    '5 plain-english',
    '8 terminology',
  ])
})

test('a JavaScript file fails in its comments and messages, and not in its code', async () => {
  const source = [
    '// What it does is here.',
    'const pattern = /["\'`] nobody waits here/',
    '/** A call that is under way. */',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template in the source that is checked.
    'export const whoever = (name) => `the option ${name} is no option of this command`',
    "console.error('nobody waits for this call', 'whoever')",
  ].join('\n')
  expect(await rulesFor('cli/file.mjs', source)).toEqual([
    '1 plain-english',
    '3 terminology',
    '4 plain-english',
    '5 terminology',
  ])
})

test('a tag of JSDoc begins a text, whose type and name are code', async () => {
  const source = [
    '/**',
    ' * A record of the table, which the next tag does not continue',
    ' * @param {{ what: string }} whoever The name of the page.',
    ' * @returns {Promise<void>} What it found.',
    ' */',
  ].join('\n')
  expect(await rulesFor('cli/file.mjs', source)).toEqual(['4 plain-english'])
})

test('a test file fails in its titles, and not in its data', async () => {
  const source = [
    "test('nobody waits for a timeout', () => {})",
    "test.each([['whoever reads this', 1]])('is no option: %s', () => {})",
    "expect(call).toThrow('whoever reads this')",
  ].join('\n')
  expect(await rulesFor('__test__/file.test.ts', source)).toEqual(['1 terminology', '2 plain-english'])
})
