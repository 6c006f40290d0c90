// A stub for thousands of stores. Each store has its own table, which identifies its requests, even late ones.
import { expect } from 'vitest'

import { isRefusal, type Outcome } from '../hostile/documented.js'
import {
  cancelled,
  fault,
  hangUp,
  html,
  json,
  type Received,
  type Script,
  type Stub,
  startStub,
  storeAt,
  succeed,
  text,
} from './stub.js'

type Item = Record<string, { S?: string } | undefined>

interface Action {
  TableName: string
  Key: Item
  Item: Item
  ExpressionAttributeValues: Item
}

interface Body extends Action {
  TransactItems: { Delete?: Action; Put?: Action }[]
}

const bodyOf = ({ body }: Received): Body => body as unknown as Body

function tableOf(request: Received): string {
  const { TableName, TransactItems } = bodyOf(request)
  return TableName ?? TransactItems[0]?.Delete?.TableName
}

/** The partition of each action in the requests. */
export function partitionsIn(requests: Received[]): (string | undefined)[] {
  return requests.flatMap((request) => {
    const { TransactItems, ...plain } = bodyOf(request)
    const actions: Partial<Action>[] = TransactItems?.flatMap(({ Delete, Put }) => Delete ?? Put ?? []) ?? [plain]
    return actions.map(
      ({ Key, Item, ExpressionAttributeValues: values }) => (Key?.pk ?? Item?.pk ?? values?.[':pk'])?.S,
    )
  })
}

/** The answers of a table, by name. A test makes a single attempt. */
export const tableSays = {
  yes: succeed,
  no: (request, index) => {
    if (request.operation === 'TransactWriteItems') return cancelled('ConditionalCheckFailed', 'None')
    const Item = { lease_token: { S: 'theirs' }, lease_expires_at: { N: '1e10' } }
    const isWrite = request.operation === 'PutItem' || request.operation === 'DeleteItem'
    return isWrite ? fault('ConditionalCheckFailedException', 'no', 400, { Item }) : succeed(request, index)
  },
  'access denied': () => fault('AccessDeniedException'),
  'no table': () => fault('ResourceNotFoundException'),
  'invalid request': () => fault('ValidationException'),
  // Only once: the store repeats a throttled request until the call's deadline.
  'slow down': (request, index) => (index === 0 ? fault('ThrottlingException') : succeed(request, index)),
  'server error': () => fault('InternalServerError', 'oops', 500),
  'bad gateway': () => html(502),
  null: () => text('null'),
  'a list': () => text('[]'),
  'malformed items': () => json({ Items: { a: 1 }, Item: [1] }),
  'malformed rows': () =>
    json({ Items: [{ sk: { S: 'META' }, s3_key: { N: 'x' } }, { sk: { S: 'LOCK' } }], Item: { s3_key: { S: '' } } }),
  nothing: () => hangUp,
} as const satisfies Record<string, Script>

export type Saying = keyof typeof tableSays

export type Verdict = 'accepted' | 'refused' | 'either'

export class AttributedStub {
  readonly #stub: Stub
  readonly #scripts = new Map<string, Script>()
  readonly #sent = new Map<string, Received[]>()
  readonly #refused = new Set<string>()
  #tables = 0
  #accepted = 0

  private constructor(stub: Stub) {
    this.#stub = stub
    stub.play(async (request) => {
      stub.requests.length = 0
      const table = tableOf(request)
      const earlier = this.#sent.get(table) ?? []
      const index = earlier.filter(({ operation }) => operation === request.operation).length
      this.#sent.set(table, [...earlier, request])
      const answer = await (this.#scripts.get(table) ?? succeed)(request, index)
      return (response) => {
        // Thousands of stores would keep thousands of connections open.
        response.shouldKeepAlive = false
        answer(response)
      }
    })
  }

  static async start(): Promise<AttributedStub> {
    return new AttributedStub(await startStub())
  }

  get endpoint(): string {
    return this.#stub.endpoint
  }

  newTable(says: Saying = 'yes'): string {
    const table = `fuzz-${this.#tables++}`
    this.#scripts.set(table, tableSays[says])
    return table
  }

  /** Expects no request for the table, now or later: its store or its call was refused. */
  refuse(table: string): void {
    expect(this.#sent.get(table)).toBeUndefined()
    this.#refused.add(table)
    this.#scripts.delete(table)
  }

  /** Compares the outcome of the table's only call with the verdict. Returns the requests of the call. */
  judge(table: string, verdict: Verdict, outcome: Outcome): Received[] {
    const requests = this.#sent.get(table) ?? []
    const ending = isRefusal(outcome) ? 'refused' : 'accepted'
    if (verdict !== 'either') expect(ending, 'failed' in outcome ? outcome.failed.message : 'returned').toBe(verdict)
    if (ending === 'refused') {
      this.refuse(table)
      return []
    }
    expect(requests).not.toEqual([])
    this.#accepted += 1
    this.#sent.delete(table)
    this.#scripts.delete(table)
    return requests
  }

  /** Expects no late request, and enough refused and accepted inputs: a test with one kind only would prove little. */
  async conclude(): Promise<void> {
    // When this call is answered, all earlier requests have arrived.
    await storeAt(this.#stub).get('the last request')
    expect([...this.#refused].filter((table) => this.#sent.has(table))).toEqual([])
    const both = [this.#accepted, this.#refused.size]
    expect(Math.min(...both)).toBeGreaterThan(Math.max(...both) / 20)
    this.#accepted = 0
    this.#refused.clear()
    this.#sent.clear()
  }

  close(): Promise<void> {
    return this.#stub.close()
  }
}
