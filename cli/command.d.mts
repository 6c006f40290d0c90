// The shape of a command. Each file in commands/ is one.
import type { ParseArgsConfig } from 'node:util'

import type { FaceTheoryIsrMetaStore } from '../index.js'
import type { Output } from './output.mjs'

type Option = NonNullable<ParseArgsConfig['options']>[string] & {
  /** The placeholder of the value in the help. */
  value?: string
  /** One line for the help. */
  text: string
}

export type Options = Record<string, Option>

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>

export interface Command {
  /** One line. */
  summary: string
  /** Its arguments, as the help writes them. */
  takes: string
  /** How many arguments it takes. */
  least: number
  most: number
  options: Options
  /** Paragraphs of any width: its effect, its IAM permissions and cost, and examples, which begin with two spaces. */
  help: string
  /** Resolves to the exit code. */
  run(call: {
    store: FaceTheoryIsrMetaStore
    output: Output
    values: Values
    positionals: string[]
    /** Of each of these, whether it came after "--". */
    isLiteral: boolean[]
  }): Promise<number>
}
