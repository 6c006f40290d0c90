// Code that runs with an environment of its own, in a process or a worker of its own.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

type Package = typeof import('@theory-cloud/tabletheory-isr')

/** Sent as source text: it sees its arguments and globals, and nothing of the file that it is written in. */
type Task<D, R> = (isr: Package, data: D) => R | Promise<R>

export type Environment = Record<string, string>

/** Empty AWS files: a developer's home directory may have others. */
export const withoutFiles: Environment = { AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull }

const name = '@theory-cloud/tabletheory-isr'

/** What `task` returns in a new process that has these environment variables and no others. */
export async function inProcess<D, R>(env: Environment, data: D, task: Task<D, R>): Promise<R> {
  const source = `import * as isr from '${name}'
    const result = await (${task})(isr, ${JSON.stringify(data)})
    process.stdout.write(JSON.stringify({ result }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    env: { ...withoutFiles, ...env },
    // On a busy machine a process may need many seconds to begin.
    timeout: 55_000,
  })
  return (JSON.parse(stdout) as { result: R }).result
}

/** What `task` returns in a worker of this process that sees these environment variables and no others. */
export async function inWorker<D, R>(env: Environment, data: D, task: Task<D, R>): Promise<R> {
  const source = `const { parentPort, workerData } = require('node:worker_threads')
    const answer = async () => parentPort.postMessage({ result: await (${task})(require('${name}'), workerData) })
    answer()`
  const worker = new Worker(source, { eval: true, env: { ...withoutFiles, ...env }, workerData: data, execArgv: [] })
  const [{ result }] = (await once(worker, 'message')) as [{ result: R }]
  await worker.terminate()
  return result
}
