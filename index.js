// Loads the native addon of this platform: from a file beside this one (the tarball with all binaries, a local build), or from
// the platform's package. Bundlers see a file only where `require` names it literally, and skip a missing one only where the
// call stands in a `try`.
'use strict'

const NAME = '@theory-cloud/tabletheory-isr'
const DOCS = 'https://github.com/theory-cloud/tabletheory-isr/blob/main/docs/install.md'

/** The addon, or `undefined` and one more failure. */
function requireFile(platform, failures) {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('./tabletheory-isr.linux-x64-gnu.node')
      case 'linux-arm64-gnu':
        return require('./tabletheory-isr.linux-arm64-gnu.node')
      case 'linux-x64-musl':
        return require('./tabletheory-isr.linux-x64-musl.node')
      case 'linux-arm64-musl':
        return require('./tabletheory-isr.linux-arm64-musl.node')
      case 'darwin-x64':
        return require('./tabletheory-isr.darwin-x64.node')
      case 'darwin-arm64':
        return require('./tabletheory-isr.darwin-arm64.node')
      case 'win32-x64-msvc':
        return require('./tabletheory-isr.win32-x64-msvc.node')
    }
  } catch (error) {
    failures.push(error)
  }
}

/** The same. */
function requirePackage(platform, failures) {
  try {
    switch (platform) {
      case 'linux-x64-gnu':
        return require('@theory-cloud/tabletheory-isr-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('@theory-cloud/tabletheory-isr-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('@theory-cloud/tabletheory-isr-linux-x64-musl')
      case 'linux-arm64-musl':
        return require('@theory-cloud/tabletheory-isr-linux-arm64-musl')
      case 'darwin-x64':
        return require('@theory-cloud/tabletheory-isr-darwin-x64')
      case 'darwin-arm64':
        return require('@theory-cloud/tabletheory-isr-darwin-arm64')
      case 'win32-x64-msvc':
        return require('@theory-cloud/tabletheory-isr-win32-x64-msvc')
    }
  } catch (error) {
    failures.push(error)
  }
}

const platforms = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
]

function platformName() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${libc()}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

/** The C library of this process: from its executable's header, or else from the slow report. */
function libc() {
  const header = Buffer.alloc(4096)
  try {
    const { closeSync, openSync, readSync } = require('node:fs')
    const file = openSync(process.execPath, 'r')
    readSync(file, header, 0, header.length, 0)
    closeSync(file)
  } catch {
    // The report knows it too.
  }
  if (header.includes('/ld-musl-')) return 'musl'
  if (header.includes('/ld-linux-')) return 'gnu'
  return glibcVersion() === undefined ? 'musl' : 'gnu'
}

function glibcVersion() {
  // Names of the network's addresses may take seconds.
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime
}

/** The message: what failed, then what to do. */
function describe(platform, failures) {
  const failed = `${NAME} cannot load its native addon on ${platform}`
  if (!platforms.includes(platform)) {
    return `${failed}: this platform is not supported. Supported platforms: ${platforms.join(', ')}. See ${DOCS}#platforms`
  }
  const refused = failures.find(({ code }) => code === 'ERR_DLOPEN_FAILED')?.message
  if (/GLIBC_2/.test(refused)) {
    return `${failed}: it needs glibc 2.34 or newer, and this system has ${glibcVersion()}. Use a newer system, such as Amazon Linux 2023, Debian 12, Ubuntu 22.04 or RHEL 9. See ${DOCS}#platforms`
  }
  if (refused) return `${failed}: ${refused}`
  const [os, cpu, abi] = platform.split('-')
  const flags = [
    `--os=${os}`,
    `--cpu=${cpu}`,
    ...(os === 'linux' ? [`--libc=${abi === 'gnu' ? 'glibc' : 'musl'}`] : []),
  ]
  return `${failed}: the package "${NAME}-${platform}" is not installed.
Install the dependencies on this platform, or for it:
    npm install --include=optional ${flags.join(' ')} ${NAME}
In a bundle, keep "${NAME}" external and install it beside the bundle, or copy .node files.
See ${DOCS}`
}

function load() {
  const platform = platformName()
  const failures = []
  const addon = requireFile(platform, failures) ?? requirePackage(platform, failures)
  if (addon) return addon
  throw new Error(describe(platform, failures), { cause: failures.at(-1) })
}

module.exports = load()
