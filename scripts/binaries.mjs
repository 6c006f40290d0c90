// Checks the platforms' binaries before they are packed for a release: size, and the version of glibc.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { platforms } from './pack.mjs'
import { isProgram } from './run.mjs'

/** The limit of a file. A function on Lambda unpacks it at every cold start. */
const mostBytes = 10_000_000
/** The version of Amazon Linux 2023, on which Lambda runs Node.js, and of RHEL 9. */
const newestGlibc = 34

/** It must be small. */
export function sizeFaults(file) {
  const { size } = statSync(file)
  return size > mostBytes ? [`${file} has ${size} bytes, and may have ${mostBytes}`] : []
}

/** The names of versions that a 64-bit ELF file needs of its libraries: its section of the type SHT_GNU_verneed. */
export function neededVersions(file) {
  const elf = readFileSync(file)
  const isElf = elf.length >= 64 && elf.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]))
  if (!isElf) return []
  const section = (index) => Number(elf.readBigUInt64LE(0x28)) + index * elf.readUInt16LE(0x3a)
  const contents = (header) => Number(elf.readBigUInt64LE(header + 0x18))
  const count = elf.readUInt16LE(0x3c)
  const verneed = Array.from({ length: count }, (_, index) => section(index)).find(
    (header) => elf.readUInt32LE(header + 4) === 0x6ffffffe,
  )
  if (verneed === undefined) return []

  const names = contents(section(elf.readUInt32LE(verneed + 0x28)))
  const versions = []
  // A list of libraries, each with a list of versions. An entry says how far away the next one is, and the last says 0.
  for (let library = contents(verneed), far = -1; far !== 0; library += far) {
    for (let version = library + elf.readUInt32LE(library + 8), on = -1; on !== 0; version += on) {
      const name = names + elf.readUInt32LE(version + 8)
      versions.push(elf.toString('latin1', name, elf.indexOf(0, name)))
      on = elf.readUInt32LE(version + 12)
    }
    far = elf.readUInt32LE(library + 12)
  }
  return versions
}

/** It must load where glibc is 2.34. Besides numbers there are names like GLIBC_ABI_DT_RELR, which came later. */
export function glibcFaults(file) {
  const needs = [...new Set(neededVersions(file))].filter((version) => version.startsWith('GLIBC_'))
  if (needs.length === 0) return [`${file} needs no version of glibc: it is not a binary for glibc`]
  const tooNew = needs.filter((need) => {
    const [, minor] = /^GLIBC_2\.(\d+)(?:\.\d+)?$/.exec(need) ?? []
    return minor === undefined || Number(minor) > newestGlibc
  })
  return tooNew.length > 0 ? [`${file} needs ${tooNew.join(', ')}, and may need GLIBC_2.${newestGlibc}`] : []
}

/** The faults of a binary that holds paths of the machine that built it. */
export function pathFaults(file) {
  const bytes = readFileSync(file)
  const found = ['.cargo/registry/', '.cargo\\registry\\', fileURLToPath(new URL('..', import.meta.url))].filter(
    (path) => bytes.includes(path),
  )
  return found.map((path) => `${file} contains the path ${path} of the machine that built it`)
}

/** Faults of the binaries in this folder, one for each platform. */
export function binaryFaults(folder) {
  return platforms.flatMap(({ folder: platform, manifest }) => {
    const file = join(folder, manifest.main)
    if (!existsSync(file)) return [`npm/${platform} has no binary: ${file} does not exist`]
    return [...sizeFaults(file), ...pathFaults(file), ...(manifest.libc?.includes('glibc') ? glibcFaults(file) : [])]
  })
}

if (isProgram(import.meta.url)) {
  const faults = binaryFaults(fileURLToPath(new URL('..', import.meta.url)))
  for (const fault of faults) console.error(fault)
  process.exit(faults.length > 0 ? 1 : 0)
}
