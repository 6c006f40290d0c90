// The loader's messages on simulated platforms. Each case is a process of its own, in a folder without an addon.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { parseTriple } from '@napi-rs/cli'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = readFileSync(join(root, 'index.js'), 'utf8')
const targets: string[] = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).napi.targets

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabletheory-isr-loader-'))
  copyFileSync(join(root, 'index.js'), join(folder, 'index.js'))
  writeFileSync(join(folder, 'musl'), '\x7fELF /lib/ld-musl-x86_64.so.1\0')
  writeFileSync(join(folder, 'static'), '\x7fELF')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The message of the loader in a process in which `change` runs first. */
async function messageAfter(change: string): Promise<string> {
  const program = `${change}
    try { require('./index.js'); console.log('it loaded') } catch (error) { console.log(error.message) }`
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program], { cwd: folder })
  return stdout.trim()
}

const pretend = (platform: string, arch: string) =>
  `Object.defineProperty(process, 'platform', { value: '${platform}' })
   Object.defineProperty(process, 'arch', { value: '${arch}' })`

describe('the loader', () => {
  test('requires the file and the package of each platform that is built, and of no other', () => {
    const names = Array.from(source.matchAll(/require\('([^']+)'\)/g), ([, name = '']) => name)
    const built = targets.map((target) => parseTriple(target).platformArchABI)
    const expected = [
      ...built.map((name) => `./tabletheory-isr.${name}.node`),
      ...built.map((name) => `@theory-cloud/tabletheory-isr-${name}`),
    ]
    expect(names.filter((name) => name !== 'node:fs').toSorted()).toEqual(expected.toSorted())
  })

  test.each(['index.mjs', 'bundlers/entry.mjs'])('has every export of the addon in %s', (module) => {
    const [, names = ''] = /^export const \{([^}]+)\}/m.exec(readFileSync(join(root, module), 'utf8')) ?? []
    const exported = names
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    expect(exported.toSorted()).toEqual(Object.keys(createRequire(import.meta.url)('../../index.js')).toSorted())
  })

  test.each([
    ['darwin', 'arm64', 'darwin-arm64', '--os=darwin --cpu=arm64 @'],
    ['darwin', 'x64', 'darwin-x64', '--os=darwin --cpu=x64 @'],
    ['win32', 'x64', 'win32-x64-msvc', '--os=win32 --cpu=x64 @'],
  ])('names the missing package and the command that installs it on %s %s', async (platform, arch, name, flags) => {
    const message = await messageAfter(pretend(platform, arch))
    expect(message).toContain(`cannot load its native addon on ${name}`)
    expect(message).toContain(`the package "@theory-cloud/tabletheory-isr-${name}" is not installed`)
    expect(message).toContain(`npm install --include=optional ${flags}`)
  })

  test('names the package for musl when the executable of the process needs musl', async () => {
    const message = await messageAfter(`${pretend('linux', 'x64')}; process.execPath = './musl'`)
    expect(message).toContain('"@theory-cloud/tabletheory-isr-linux-x64-musl" is not installed')
    expect(message).toContain('--os=linux --cpu=x64 --libc=musl')
  })

  test.each(['./static', './absent'])(
    'reads the C library from the report of the process when the executable is %s',
    async (executable) => {
      const report = (version: string) => `process.report.getReport = () => ({ header: { ${version} } })`
      const change = `${pretend('linux', 'arm64')}; process.execPath = '${executable}'`
      expect(await messageAfter(`${change}; ${report("glibcVersionRuntime: '2.36'")}`)).toContain('linux-arm64-gnu')
      expect(await messageAfter(`${change}; ${report('')}`)).toContain('linux-arm64-musl')
    },
  )

  test.each([
    ['freebsd', 'x64', 'freebsd-x64'],
    ['linux', 's390x', 'linux-s390x-'],
    ['win32', 'arm64', 'win32-arm64-msvc'],
  ])('lists the supported platforms on %s %s', async (platform, arch, name) => {
    const message = await messageAfter(pretend(platform, arch))
    expect(message).toContain(`on ${name}`)
    expect(message).toContain('this platform is not supported. Supported platforms: linux-x64-gnu, linux-arm64-gnu')
    expect(message).not.toContain('wasm32')
  })

  const dlopen = (message: string) =>
    `${pretend('linux', 'x64')}
     process.execPath = './static'
     process.report.getReport = () => ({ header: { glibcVersionRuntime: '2.31' } })
     const { Module } = require('node:module')
     const { _load } = Module
     Module._load = (name, ...more) => {
       if (!name.startsWith('@theory')) return _load(name, ...more)
       throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' })
     }`

  test('names the glibc that it needs and the one that the system has when the system has an older one', async () => {
    const message = await messageAfter(dlopen("/lib/libc.so.6: version `GLIBC_2.34' not found"))
    expect(message).toContain('it needs glibc 2.34 or newer, and this system has 2.31')
  })

  test("shows the system's own error when the addon exists and does not load", async () => {
    const message = await messageAfter(dlopen('file too short'))
    expect(message).toContain('cannot load its native addon on linux-x64-gnu: file too short')
  })
})
