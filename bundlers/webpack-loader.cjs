// Makes webpack and Rspack copy the native addon beside the bundle, and index.js load it from there, without a setting.
const { readFileSync } = require('node:fs')
const { basename } = require('node:path')

const staticRequire = /require\('([^']*tabletheory-isr[.-][^']+)'\)/g

/** The file of an addon, or nothing where it is not installed. */
function resolve(name) {
  try {
    return require.resolve(name.startsWith('.') ? `../${name}` : name)
  } catch {
    return undefined
  }
}

/** `source` is index.js. The bundler must not parse its `require` calls, nor warn of those for other platforms. */
module.exports = function load(source) {
  const files = Array.from(source.matchAll(staticRequire), ([, name]) => resolve(name)).filter(Boolean)
  if (files.length === 0) {
    this.emitError(
      new Error(
        'No package with a native addon of @theory-cloud/tabletheory-isr is installed. Install with optional dependencies, and with --os, --cpu and --libc for another platform. See https://github.com/theory-cloud/tabletheory-isr/blob/main/docs/install.md',
      ),
    )
  }
  for (const file of files) this.emitFile(basename(file), readFileSync(file))
  return source.replaceAll(/\brequire\(/g, '__non_webpack_require__(')
}
