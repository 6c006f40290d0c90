// Tools from crates.io, built once, in the target folder.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { run } from './run.mjs'

const root = fileURLToPath(new URL('../target/tools', import.meta.url))
const tools = {
  // It compares texts, for which a debug build takes ages.
  about: ['cargo-about', '--version', '0.9.3', '--features', 'cli'],
  deny: ['cargo-deny', '--version', '0.20.2', '--no-default-features', '--debug'],
}

/** Runs `cargo <tool> …`. */
export async function runCargoTool(tool, ...args) {
  await run('cargo', 'install', '--quiet', '--locked', '--root', root, ...tools[tool])
  await run(join(root, 'bin', `cargo-${tool}`), ...args)
}
