// Every block of code in the documents: compiled if it is TypeScript, run if it is a command, parsed if it is data.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import * as aws from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'

import { name as packageName, scripts } from '../../package.json' with { type: 'json' }
import { cli } from '../support/cli.js'
import { blocks, type CodeBlock, read, root } from '../support/documents.js'
import { publish } from '../support/rows.js'
import { dynamodb, endpoint, storeOf } from '../support/store.js'

const execute = promisify(execFile)
const of = (...languages: string[]): CodeBlock[] => blocks.filter(({ language }) => languages.includes(language))
const title = ({ path, line }: CodeBlock): string => `${path}:${line}`

test('each block says its language, and is checked by it', () => {
  const known = ['text', 'ts', 'diff', 'json', 'yaml', 'sh']
  expect(blocks.filter(({ language }) => !known.includes(language)).map(title)).toEqual([])
  // A picture is the only text.
  expect(of('text').map(({ path }) => path)).toEqual(['README.md'])
})

test('each block of YAML is YAML', () => {
  for (const { text } of of('yaml')) expect(parseYaml(text)).toBeTypeOf('object')
})

test('each block of JSON is JSON, or members of an object', () => {
  for (const { text } of of('json')) JSON.parse(text.startsWith('{') ? text : `{${text}}`)
})

test('each block of TypeScript compiles; each change, before and after', async () => {
  // In the package's own folder, so that it finds itself by its name, and the libraries.
  await mkdir(`${root}node_modules/.cache`, { recursive: true })
  const folder = await mkdtemp(`${root}node_modules/.cache/code-blocks-`)
  try {
    const sources = [
      ...of('ts').map((block) => ({ ...block, sign: '' })),
      ...of('diff').flatMap((block) => ['-', '+'].map((sign) => ({ ...block, text: side(block.text, sign), sign }))),
    ]
    expect(sources.length).toBeGreaterThan(4)
    const prelude = 'documents.d.ts'
    await cp(`${root}__test__/types/${prelude}`, join(folder, prelude))
    for (const { path, line, text, sign } of sources) {
      await writeFile(join(folder, `${path.replaceAll('/', '-')}-line-${line}${sign}.ts`), module(text))
    }
    const options = { extends: `${root}tsconfig.json`, compilerOptions: { paths: {} }, include: ['.'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options))
    await execute(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', folder]).catch(({ stdout }) => {
      throw new Error(stdout)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}, 120_000)

/** With what a block leaves out because the one before it has it. */
const module = (text: string): string =>
  text.includes('import ')
    ? text
    : `import { FaceTheoryIsrMetaStore, createFaceTheoryIsrMetaStore } from '${packageName}'\n${text}`

const side = (diff: string, sign: string): string =>
  diff
    .split('\n')
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1))
    .join('\n')

describe('each command', () => {
  const commands = of('sh').flatMap(({ path, text }) =>
    text
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ path, words: words(line) })),
  )
  const folders = new Map<string, string>()
  const tables = new Map(commands.map(({ path }) => [path, `isr-${crypto.randomUUID()}`]))
  beforeAll(async () => {
    for (const path of tables.keys()) folders.set(path, await mkdtemp(join(tmpdir(), 'tabletheory-isr-commands-')))
  })
  afterAll(() => Promise.all([...folders.values()].map((folder) => rm(folder, { recursive: true }))))

  test.each(commands.map(({ path, words }) => [words.join(' '), path, words] as const))(
    '%s (%s)',
    async (_, path, words) => {
      // Variables before a command are for the command.
      const command = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)))
      const [program = '', ...args] = command.map((word) => (word === 'isr' ? (tables.get(path) ?? '') : word))
      const run = programs[program]
      expect(run, `nothing here knows how to run ${program}`).toBeDefined()
      await run?.(args, { path, folder: folders.get(path) ?? '' })
    },
  )

  interface Place {
    path: string
    folder: string
  }
  const programs: Record<string, (args: string[], place: Place) => Promise<unknown>> = {
    // These are run by CI itself, or by whoever measures: it is enough that they are there.
    npm: async ([command = '', ...args]) => {
      const script = command === 'run' ? args[0] : command
      if (command === 'install') expect(args).toContain(packageName)
      else if (command === 'trust') expectNamed(args)
      else expect(Object.keys(scripts)).toContain(script)
    },
    npx: async ([program, ...args]) => {
      if (program === 'vitest') return expect(args).toEqual(['run'])
      expect(program).toBe('tabletheory-isr')
      const table = args[args.indexOf('--table-name') + 1] ?? ''
      if (args[0] === 'inspect') await publish(storeOf(table), args[1] ?? '')
      const at = args.map((arg) => (arg === 'http://localhost:8000' ? endpoint : arg))
      expect(await cli(at, { DYNAMODB_ENDPOINT: endpoint })).toMatchObject({ code: 0 })
    },
    cargo: async (args) => {
      expect(args[0]).toBe('test')
      expect(existsSync(join(root, 'tests', args[args.indexOf('--test') + 1] ?? ''))).toBe(true)
    },
    // The changes are outside the working tree.
    git: async (args) =>
      args[0] === 'config'
        ? expect(existsSync(join(root, args.at(-1) ?? ''))).toBe(true)
        : expect(args).toEqual(['push', '--follow-tags']),
    // Asked of DynamoDB Local as the AWS CLI asks: with the same names in another case.
    aws: async ([service, operation = '', ...args], { path }) => {
      expect(service).toBe('dynamodb')
      if (operation === 'wait') {
        expect(args[0]).toBe('table-exists')
        return aws.waitUntilTableExists({ client: dynamodb, maxWaitTime: 30 }, input(args.slice(1), path))
      }
      const Command = (aws as unknown as Record<string, typeof aws.CreateTableCommand>)[
        `${pascalCase(operation)}Command`
      ]
      expect(Command, operation).toBeDefined()
      return Command && dynamodb.send(new Command(input(args, path)))
    },
    esbuild: async (args, { folder }) => {
      await mkdir(join(folder, 'src'))
      await cp(`${root}__test__/fixtures/app/app.ts`, join(folder, 'src/handler.ts'))
      await execute(`${root}node_modules/.bin/esbuild`, args, { cwd: folder, shell: process.platform === 'win32' })
    },
  }

  /** npm trusts a workflow by its name and its environment. */
  const expectNamed = (args: string[]): void => {
    const value = (name: string): string => args[args.indexOf(name) + 1] ?? ''
    expect(read(`.github/workflows/${value('--file')}`)).toContain(`environment: ${value('--environment')}\n`)
  }

  /** `--some-name value` and so on, as the SDK takes it. */
  function input(args: string[], path: string): aws.CreateTableCommandInput & aws.DescribeTableCommandInput {
    const named: Record<string, unknown> = {}
    for (let index = 0; index < args.length; index += 2) {
      const [name = '', value = ''] = [args[index]?.replace('--', ''), args[index + 1]]
      if (name === 'cli-input-json') {
        const file = join(dirname(path), 'infrastructure', value.replace('file://', ''))
        Object.assign(named, JSON.parse(read(file)), { TableName: tables.get(path) })
      } else {
        named[pascalCase(name)] = value.includes('=') ? Object.fromEntries(value.split(',').map(pair)) : value
      }
    }
    return named as unknown as aws.CreateTableCommandInput & aws.DescribeTableCommandInput
  }

  const pair = (text: string): [string, unknown] => {
    const [name = '', value = ''] = text.split('=')
    return [name, value === 'true' ? true : value]
  }
})

const pascalCase = (name: string): string => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())

/** As a shell splits a line: single quotes, and a comment at its end. */
const words = (line: string): string[] =>
  (line.replace(/ +#.*$/, '').match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))
