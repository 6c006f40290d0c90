// Checks that every change passes: one toolchain, conventional commits, dependencies that are used.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { messageFaults } from '../../scripts/commit-messages.mjs'
import { cratesOf, unusedCrates, unusedPackages } from '../../scripts/unused-dependencies.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(root + path, 'utf8')
const workflows = readdirSync(`${root}.github/workflows`).map((name) => read(`.github/workflows/${name}`))

describe('the toolchain', () => {
  const [, channel = ''] = /^channel = "(.+)"$/m.exec(read('rust-toolchain.toml')) ?? []
  const [, oldest = ''] = /^rust-version = "(.+)"$/m.exec(read('Cargo.toml')) ?? []

  test('is the same in rust-toolchain.toml, in each workflow and in the dev container', () => {
    const named = workflows.flatMap((text) => Array.from(text.matchAll(/RUSTUP_TOOLCHAIN: (\S+)/g), ([, name]) => name))
    expect(new Set(named)).toEqual(new Set([channel, oldest]))
    const images = workflows.flatMap((text) => Array.from(text.matchAll(/rust:([\d.]+)-/g), ([, name]) => name))
    expect(new Set(images)).toEqual(new Set([channel]))
    expect(JSON.parse(read('.devcontainer/devcontainer.json')).features).toMatchObject({
      'ghcr.io/devcontainers/features/rust:1': { version: channel },
      'ghcr.io/devcontainers/features/node:1': { version: read('.node-version').trim() },
    })
  })

  test('is also tested in the oldest version that Cargo.toml promises', () => {
    expect(workflows.join()).toContain(`RUSTUP_TOOLCHAIN: ${oldest}`)
    expect(JSON.parse(read('package.json')).engines.node).toBe(`>=${read('.node-version').trim()}`)
  })
})

describe('a commit message', () => {
  test.each([
    'feat: add a command',
    'fix(store)!: keep a lease after a reset',
    'docs: explain the cache\n\nWith an example.\n# a comment of git',
    'Merge branch "main"',
    '0.2.0',
  ])('passes the check: %j', (message) => {
    expect(messageFaults(message)).toEqual([])
  })

  test.each([
    ['Keep a lease', 'is not "type(scope): summary"'],
    ['feature: keep a lease', 'is not "type(scope): summary"'],
    ['fix: keep a lease.', 'is not "type(scope): summary"'],
    ['fix:keep a lease', 'is not "type(scope): summary"'],
    [`fix: ${'long '.repeat(20)}lease`, 'characters; at most 100'],
    ['fix: keep a lease\nand more', 'the line after the subject is not empty'],
  ])('fails the check: %j', (message, fault) => {
    expect(messageFaults(message).join()).toContain(fault)
  })
})

describe('an unused dependency is found', () => {
  const manifest = '[package]\nname = "x"\n[dependencies]\naws-config = "1"\n[dev-dependencies]\nfast = { path = "" }\n'

  test('in a Cargo.toml', () => {
    expect(cratesOf(manifest)).toEqual(['aws-config', 'fast'])
    expect(unusedCrates(manifest, ['use aws_config::load;', 'breakfast'])).toEqual(['fast'])
  })

  test('in a package.json', () => {
    const devDependencies = { typescript: '', '@scope/left': '', left: '' }
    expect(unusedPackages({ devDependencies }, ["import '@scope/left/sub'; npx tsc"])).toEqual([])
    expect(unusedPackages({ devDependencies }, ['import "right"'])).toEqual(['typescript', '@scope/left', 'left'])
  })
})
