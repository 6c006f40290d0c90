// The gates of a release: one version, binaries that load, complete publication, and workflows with pinned actions.
import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parseTriple } from '@napi-rs/cli'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { binaryFaults, glibcFaults, neededVersions, pathFaults, sizeFaults } from '../../scripts/binaries.mjs'
import { workflowFaults } from '../../scripts/lint-workflows.mjs'
import { platforms, tarballsIn } from '../../scripts/pack.mjs'
import { publishAll } from '../../scripts/publish.mjs'
import { versionFaults } from '../../scripts/versions.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { version } = manifest
const triples: string[] = manifest.napi.targets

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabletheory-isr-release-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the version', () => {
  const lists = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md']
  const edit = (path: string, change: (text: string) => string): void => {
    writeFileSync(join(folder, path), change(readFileSync(join(folder, path), 'utf8')))
  }

  beforeEach(() => {
    for (const path of [...lists, 'npm', 'scripts', '.npmrc'])
      cpSync(join(root, path), join(folder, path), { recursive: true })
  })

  test('is the same everywhere, and the changelog has it', () => {
    expect(versionFaults(root)).toEqual([])
    expect(versionFaults(folder, `v${version}`)).toEqual([])
  })

  test.each([...lists, 'npm/darwin-x64/package.json'].filter((path) => path !== 'package.json'))(
    'is reported when %s has another one',
    (path) => {
      edit(path, (text) => text.replaceAll(version, '0.0.99'))
      expect(versionFaults(folder).join()).toContain(path)
    },
  )

  test('is reported when the tag has another one', () => {
    expect(versionFaults(folder, 'v0.0.99').join()).toContain('v0.0.99')
  })

  test('is updated everywhere by `npm version`, which refuses one that the changelog does not have', () => {
    const run = (command: string, ...args: string[]): string =>
      execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...git } })
    const git = Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'name'],
        [`GIT_${who}_EMAIL`, 'name@localhost'],
      ]),
    )
    // The script calls the command `napi` as if it were installed in the folder.
    const cli = JSON.stringify(join(root, 'node_modules/@napi-rs/cli/dist/cli.js'))
    edit('package.json', (text) =>
      text.replace('napi version', () => JSON.stringify(`node ${cli} version`).slice(1, -1)),
    )
    run('git', 'init', '--quiet')
    run('git', 'add', '.')
    run('git', 'commit', '--quiet', '--message', 'before')
    expect(() => run('npm', 'version', '9.8.7')).toThrow('CHANGELOG.md says nothing under "## 9.8.7"')
    expect(run('git', 'status', '--short')).toBe('')

    appendFileSync(join(folder, 'CHANGELOG.md'), '\n## 9.8.7\n\nMore.\n')
    run('git', 'commit', '--quiet', '--all', '--message', 'changes')
    run('npm', 'version', '9.8.7')
    expect(versionFaults(folder, run('git', 'describe').trim())).toEqual([])
    expect(run('git', 'status', '--short')).toBe('')
    expect(run('git', 'diff', '--stat', 'HEAD~')).toMatch(
      new RegExp(`${lists.length - 1 + platforms.length} files changed`),
    )
  })
})

describe('a binary', () => {
  const file = () => join(folder, 'file.node')

  test.each([
    [10_000_000, 0],
    [10_000_001, 1],
  ])('of %i bytes has %i faults', (bytes, faults) => {
    writeFileSync(file(), Buffer.alloc(bytes))
    expect(sizeFaults(file())).toHaveLength(faults)
  })

  test.each([
    ['/home/runner/.cargo/registry/src/ring/mod.rs', 1],
    ['C:\\Users\\me\\.cargo\\registry\\src\\ring\\mod.rs', 1],
    [join(root, 'src/lib.rs'), 1],
    ['/cargo/src/ring/mod.rs', 0],
  ])('that contains the path %s has %i faults', (path, faults) => {
    writeFileSync(file(), `\0${path}\0`)
    expect(pathFaults(file())).toHaveLength(faults)
  })

  test('is refused when it is not a binary for glibc', () => {
    for (const bytes of ['', 'GLIBC_2.17\0', '\x7fELF\x02\x01GLIBC_2.17\0'.padEnd(64, '\0')]) {
      writeFileSync(file(), bytes, 'latin1')
      expect(glibcFaults(file())).toEqual([expect.stringContaining('not a binary for glibc')])
    }
  })

  // A binary that was built on this machine may need a newer glibc, so the test replaces the versions that it needs.
  const here = readdirSync(root).find((name) => /\.linux-\w+-gnu\.node$/.test(name))
  test.runIf(here)('is refused when one of the versions that it needs is above 2.34, or has no number', () => {
    const bytes = readFileSync(join(root, here ?? ''))
    const needs = new Set(neededVersions(join(root, here ?? '')).filter((need) => need.startsWith('GLIBC_')))
    expect(needs).toContain('GLIBC_2.34')
    // A new name is at most as long as the name that it replaces.
    const faultsWith = (name: string): string[] => {
      const copy = Buffer.from(bytes)
      for (const need of needs) {
        const place = copy.indexOf(`\0${need}\0`) + 1
        expect(place).toBeGreaterThan(0)
        copy.write((need === 'GLIBC_2.34' ? name : 'GLIBC_2.2').padEnd(need.length, '\0'), place, 'latin1')
      }
      writeFileSync(file(), copy)
      return glibcFaults(file())
    }
    expect(faultsWith('GLIBC_2.34')).toEqual([])
    expect(faultsWith('GLIBC_2.35')).toEqual([expect.stringContaining('needs GLIBC_2.35,')])
    expect(faultsWith('GLIBC_3.0')).toEqual([expect.stringContaining('needs GLIBC_3.0,')])
    expect(faultsWith('GLIBC_ABI')).toEqual([expect.stringContaining('needs GLIBC_ABI,')])
  })

  test('is reported as missing for a platform without one', () => {
    for (const { manifest } of platforms) writeFileSync(join(folder, manifest.main), '')
    const ofGlibc = platforms.filter(({ manifest }) => manifest.libc?.includes('glibc'))
    expect(binaryFaults(folder)).toHaveLength(ofGlibc.length)
    rmSync(join(folder, 'tabletheory-isr.darwin-arm64.node'))
    expect(binaryFaults(folder)).toContainEqual(expect.stringContaining('npm/darwin-arm64 has no binary'))
  })
})

describe('publishing', () => {
  const failed = { status: 1, stdout: '{ "error": { "code": "E404" } }', stderr: '' }
  let registry: Map<string, string>
  let asked: string[][]
  /** The npm command with a registry that refuses the third package. */
  const npm = (...args: string[]) => {
    asked.push(args)
    if (args[0] === 'publish') return publishedFiles().length === 3 ? failed : { ...failed, status: 0 }
    const integrity = registry.get(args[1] ?? '')
    return integrity === undefined ? failed : { status: 0, stdout: JSON.stringify(integrity), stderr: '' }
  }
  const publishedFiles = () => asked.filter(([command]) => command === 'publish').map(([, file]) => file)

  beforeEach(() => {
    registry = new Map()
    asked = []
    vi.spyOn(console, 'log').mockImplementation(() => {})
    for (const { file } of tarballsIn(folder)) writeFileSync(file, 'packed')
  })
  afterEach(() => vi.restoreAllMocks())

  test('stops at the first failure, continues there in the next run, and publishes the main package last', () => {
    const files = tarballsIn(folder).map(({ file }) => file)
    expect(files.at(-1)).toBe(join(folder, `theory-cloud-tabletheory-isr-${version}.tgz`))
    expect(() => publishAll(folder, npm, false)).toThrow(files[2])
    expect(publishedFiles()).toEqual(files.slice(0, 3))
    // The digest of the contents of each file.
    const integrity = 'sha512-1Q/eVxSVE5ZOxcsXbpzh4Qeab+Ojp6+vaoryzR5MEDWeEKQqsgd4c2qSsplMeD5RmGtpKIVjDXvk47fX1UZGMg=='
    for (const { name } of tarballsIn(folder).slice(0, 2)) registry.set(`${name}@${version}`, integrity)
    publishAll(folder, npm, false)
    expect(publishedFiles().slice(3)).toEqual(files.slice(2))
  })

  test('refuses a package that the registry has with other contents, and a folder with a missing tarball', () => {
    registry.set(`@theory-cloud/tabletheory-isr-darwin-x64@${version}`, 'sha512-other')
    expect(() => publishAll(folder, npm, false)).toThrow('is there with other contents')
    rmSync(tarballsIn(folder)[3]?.file ?? '')
    asked = []
    expect(() => publishAll(folder, npm, false)).toThrow('not packed')
    expect(asked).toEqual([])
  })
})

describe('the workflows', () => {
  const workflows = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`)
  const release = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')

  test.each(workflows)('%s names each action by its commit, with the version beside it', (path) => {
    const used = readFileSync(join(root, path), 'utf8').match(/^.*\buses:.*$/gm) ?? []
    const others = used.filter((line) => !/uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
    expect(used.length).toBeGreaterThan(0)
    expect(others.filter((line) => !line.includes('uses: ./.github/workflows/'))).toEqual([])
  })

  test('build and test every platform of package.json, and no other', () => {
    const folders = triples.map((triple) => parseTriple(triple).platformArchABI)
    expect(platforms.map(({ folder }) => folder).toSorted()).toEqual(folders.toSorted())
    const matrices = [...release.matchAll(/- target: (\S+)/g)].map(([, triple]) => triple)
    expect(matrices.toSorted()).toEqual([...triples, ...triples].toSorted())
  })

  test('are refused by actionlint when they are wrong', async () => {
    expect(await workflowFaults(release, 'release.yml')).toEqual([])
    const wrong = release
      .replace('runner: macos-15-intel', 'runner: macos-15-intelligent')
      .replace('needs: pack', 'needs: pick')
      .replace('matrix.node', 'matrix.mode')
    const faults = (await workflowFaults(wrong, 'release.yml')).join('\n')
    for (const word of ['macos-15-intelligent', 'pick', 'mode']) expect(faults).toContain(word)
  })
})
