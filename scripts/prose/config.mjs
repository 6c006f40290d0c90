// Where the prose check looks, and where it does not.

/** Files whose words are not ours, or are checked where they are generated from. */
export const ignored = [
  'LICENSE',
  'THIRD-PARTY-NOTICES.txt',
  'index.d.ts',
  'index.js',
  '__test__/nodes/',
  'scripts/prose/',
  '__test__/docs/prose.test.ts',
]

/** Sentences that break a rule for a reason: `{ path, text, reason }`. One that matches nothing is a fault itself. */
export const exceptions = []

/** Words that write-good calls wordy, and that this field's terms need. */
export const fieldTerms = [
  'acquire',
  'aggregate',
  'allocate',
  'equivalent',
  'evaluate',
  'expiration',
  'however',
  'implement',
  'indicate',
  'it is',
  'it was',
  'maximum',
  'minimum',
  'monitor',
  'multiple',
  'requirement',
  'retain',
  'terminate',
  'therefore',
  'validate',
]
