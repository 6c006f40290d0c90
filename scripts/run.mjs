// Runs a command in the project's root, with its output on ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Resolves when the command succeeds; else ends this process with its exit code. */
export const run = (command, ...args) => runWith({}, command, ...args)

/** The same with more environment variables. */
export async function runWith(variables, command, ...args) {
  console.log(`\n> ${[command, ...args].join(' ')}`)
  const env = { ...process.env, ...variables }
  // npm and npx are scripts on Windows.
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' })
  const [code, signal] = await once(child, 'exit').catch((error) => {
    console.error(`${command} could not be started: ${error.message}`)
    return [1]
  })
  if (code !== 0) {
    console.error(`\n${command} ${args.join(' ')} failed (${signal ?? `exit code ${code}`})`)
    process.exit(code || 1)
  }
}

/** Whether this module is the program, and not imported by it. */
export const isProgram = (url) =>
  existsSync(process.argv[1] ?? '') && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url))
