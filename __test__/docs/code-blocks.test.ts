// Every block of code in the documents: TypeScript compiles, commands run, and data can be parsed.
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

test('each block names a language that is checked here', () => {
  const known = ['text', 'ts', 'diff', 'json', 'yaml', 'sh']
  expect(blocks.filter(({ language }) => !known.includes(language)).map(title)).toEqual([])
  // The only block of text is a diagram.
  expect(of('text').map(({ path }) => path)).toEqual(['README.md'])
})

test('each block of YAML can be parsed', () => {
  for (const { text } of of('yaml')) expect(parseYaml(text)).toBeTypeOf('object')
})

test('each block of JSON can be parsed, alone or as members of an object', () => {
  for (const { text } of of('json')) JSON.parse(text.startsWith('{') ? text : `{${text}}`)
})

test('each block of TypeScript compiles, and each diff compiles before and after its change', async () => {
  // The folder is inside the package, so that its files can import the package by name, and the libraries.
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

/** Adds the import that a block leaves out because an earlier block has it. */
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
      // A command may follow assignments of variables.
      const command = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)))
      const [program = '', ...args] = command.map((word) => (word === 'isr' ? (tables.get(path) ?? '') : word))
      const run = programs[program]
      expect(run, `no entry of "programs" runs "${program}"; add one`).toBeDefined()
      await run?.(args, { path, folder: folders.get(path) ?? '' })
    },
  )

  interface Place {
    path: string
    folder: string
  }
  const programs: Record<string, (args: string[], place: Place) => Promise<unknown>> = {
    // CI or a benchmark runs these commands. Here it is enough that they exist.
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
    // These commands change more than the working tree, so they are not run.
    git: async (args) =>
      args[0] === 'config'
        ? expect(existsSync(join(root, args.at(-1) ?? ''))).toBe(true)
        : expect(args).toEqual(['push', '--follow-tags']),
    // Sends the command of the AWS CLI to DynamoDB Local. The SDK has the same names in another case.
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

  /** Converts arguments `--some-name value` to an input of the SDK. */
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

/** Splits a line as a shell does, with single quotes and a comment at its end. */
const words = (line: string): string[] =>
  (line.replace(/ +#.*$/, '').match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'))
