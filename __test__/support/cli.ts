// The operator's command, run as a shell runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export const program: string = fileURLToPath(new URL('../../cli/main.mjs', import.meta.url))

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** Runs it to its end, with nothing of this process's environment but what is given. */
export async function cli(args: string[], env: NodeJS.ProcessEnv = {}, input: string | Buffer = ''): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { env })
  child.stdin.on('error', () => {}).end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, stdout, stderr }
}

/** What a command with `--json` prints, a value a line. */
export const jsonLines = ({ stdout }: Ended) =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))

/** Everything that it shows on a terminal, of which util-linux makes one. */
export async function onTerminal(args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const command = [process.execPath, program, ...args].map((part) => `'${part}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH: process.env.PATH, ...env } })
  child.stdin.end()
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return stdout
}
