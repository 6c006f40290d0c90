// What a command is. Each file in commands/ is one.
import type { ParseArgsConfig } from 'node:util'

import type { FaceTheoryIsrMetaStore, FaceTheoryIsrMetaStoreConfig } from '../index.js'
import type { Output } from './output.mjs'

type Option = NonNullable<ParseArgsConfig['options']>[string] & {
  /** What stands for the value in the help. */
  value?: string
  /** One line for the help. */
  text: string
}

export type Options = Record<string, Option>

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>

export interface Command {
  /** What it does, in a line. */
  summary: string
  /** Its arguments, as the help writes them. */
  takes: string
  /** How many arguments it takes. */
  least: number
  most: number
  options: Options
  /** What one should know: what it needs, what it costs, examples. */
  help: string
  /** Resolves to the exit code. */
  run(call: {
    store: FaceTheoryIsrMetaStore
    /** Those that the store was made with. */
    options: FaceTheoryIsrMetaStoreConfig
    output: Output
    values: Values
    positionals: string[]
    /** Of each of these, whether it came after "--". */
    isLiteral: boolean[]
  }): Promise<number>
}
