// Writes the licence notices of the crates in the binaries. Run it after a change of dependencies.
import { runCargoTool } from './cargo-tools.mjs'

await runCargoTool(
  'about',
  'generate',
  '--offline',
  '--fail',
  '--manifest-path',
  'addon/Cargo.toml',
  'about.hbs',
  '--output-file',
  'THIRD-PARTY-NOTICES.txt',
)
