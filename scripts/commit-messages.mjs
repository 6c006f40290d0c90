// Checks the subjects of commits: `--file PATH` the message in a file, `--range A..B` those of commits.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isProgram } from './run.mjs'

const types = ['build', 'ci', 'docs', 'feat', 'fix', 'perf', 'refactor', 'revert', 'style', 'test']
const pattern = new RegExp(`^(${types.join('|')})(\\([a-z0-9/-]+\\))?!?: \\S.*[^.\\s]$`)
const longest = 100
/** Subjects that Git or npm writes. */
const generated = /^(Merge |Revert "|fixup! |squash! |v?\d+\.\d+\.\d+)/

/** The faults of a message, in words. */
export function messageFaults(message) {
  const [subject = '', second = ''] = message.split('\n').filter((line) => !line.startsWith('#'))
  if (generated.test(subject)) return []
  return [
    pattern.test(subject)
      ? ''
      : `the subject "${subject}" is not "type(scope): summary" without a full stop; types: ${types.join(', ')}`,
    subject.length <= longest ? '' : `the subject has ${subject.length} characters; at most ${longest}`,
    second === '' ? '' : 'the line after the subject is not empty',
  ].filter(Boolean)
}

if (isProgram(import.meta.url)) {
  const { values } = parseArgs({ options: { file: { type: 'string' }, range: { type: 'string' } } })
  const messages = values.file
    ? [readFileSync(values.file, 'utf8')]
    : execFileSync('git', ['log', '--no-merges', '--format=%B%x00', values.range ?? 'HEAD~..HEAD'], {
        encoding: 'utf8',
      })
        .split('\0')
        .map((message) => message.trim())
        .filter(Boolean)
  const faults = messages.flatMap(messageFaults)
  for (const fault of faults) console.error(fault)
  process.exit(faults.length > 0 ? 1 : 0)
}
