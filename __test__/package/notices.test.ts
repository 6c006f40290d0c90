// The licence notices that go with the binaries.
import { execFileSync } from 'node:child_process'

import { expect, test } from 'vitest'

import { napi } from '../../package.json' with { type: 'json' }
import { read, root } from '../support/documents.js'

/** `name version` of each crate that the notices are for. */
const noticed = read('THIRD-PARTY-NOTICES.txt')
  .split(/^=+$/m)
  .slice(1)
  .flatMap((section) => section.slice(0, section.indexOf('\n\n')).match(/^ {2}\S+ \S+$/gm) ?? [])
  .map((line) => line.trim())

/** `name version` of each crate that is compiled into a binary for any platform. */
function compiled(): string[] {
  const targets = napi.targets.flatMap((target) => ['--target', target])
  const format = ['--prefix', 'none', '--format', '{p}', '--edges', 'normal,no-proc-macro']
  const tree = execFileSync(
    'cargo',
    ['tree', '--locked', '--package', 'tabletheory-isr-addon', ...targets, ...format],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
  // Crates with a path are the project's own.
  const lines = tree.split('\n').filter((line) => line !== '' && !/\([^()]*[/\\]/.test(line))
  const crates = lines.map((line) => line.split(' ').slice(0, 2).join(' ').replace(' v', ' '))
  return [...new Set(crates)].sort()
}

test('the licence notices have each crate that is compiled into a binary', () => {
  const all = new Set(noticed)
  expect(all.size).toBeGreaterThan(100)
  expect(compiled().filter((crate) => !all.has(crate))).toEqual([])
})

test('the licence notices have only crates that are in Cargo.lock', () => {
  const locked = [...read('Cargo.lock').matchAll(/^name = "(.*)"\nversion = "(.*)"$/gm)]
  const crates = new Set(locked.map(([, name, version]) => `${name} ${version}`))
  expect(noticed.filter((crate) => !crates.has(crate))).toEqual([])
})
