// Runs code in a new process or a new worker thread, with its own environment variables.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

type Package = typeof import('@theory-cloud/tabletheory-isr')

/** A function that is sent as source text: it can use its arguments and globals, and nothing else of its file. */
type Task<D, R> = (isr: Package, data: D) => R | Promise<R>

export type Environment = Record<string, string>

/** Names empty AWS files, since a developer's home directory may have real ones. */
export const withoutFiles: Environment = { AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull }

const name = '@theory-cloud/tabletheory-isr'

/** The Node.js that runs a process, and its own flags. */
export interface Runtime {
  node: string
  flags: string[]
}

/** Runs `task` in a new process that has only `withoutFiles` and these environment variables. Resolves to its result. */
export async function inProcess<D, R>(
  env: Environment,
  data: D,
  task: Task<D, R>,
  { node, flags }: Runtime = { node: process.execPath, flags: [] },
): Promise<R> {
  const source = `import * as isr from '${name}'
    const result = await (${task})(isr, ${JSON.stringify(data)})
    process.stdout.write(JSON.stringify({ result }))`
  const { stdout } = await promisify(execFile)(node, [...flags, '--input-type=module', '--eval', source], {
    env: { ...withoutFiles, ...env },
    // On a busy machine, a process may need many seconds to start.
    timeout: 55_000,
  })
  return (JSON.parse(stdout) as { result: R }).result
}

/** Runs `task` in a worker thread that has only `withoutFiles` and these environment variables. Resolves to its result. */
export async function inWorker<D, R>(env: Environment, data: D, task: Task<D, R>): Promise<R> {
  const source = `const { parentPort, workerData } = require('node:worker_threads')
    const answer = async () => parentPort.postMessage({ result: await (${task})(require('${name}'), workerData) })
    answer()`
  const worker = new Worker(source, { eval: true, env: { ...withoutFiles, ...env }, workerData: data, execArgv: [] })
  const [{ result }] = (await once(worker, 'message')) as [{ result: R }]
  await worker.terminate()
  return result
}
