// Writes down what is compiled into the binaries, and under which licences. For whoever changes dependencies.
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
