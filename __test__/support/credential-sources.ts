// Sources of credentials that a test controls: a program, and AWS's credential services for containers and EC2.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { folder, offline, region } from './elsewhere.js'
import type { Environment } from './isolated.js'
import { type Server, startServer } from './stub/server.js'
import { json } from './stub/stub.js'

/** Resolves to an environment whose profile runs this JavaScript for credentials. Its `run` counts the runs from 1. */
export async function credentialProcess(source: string): Promise<Environment> {
  const program = join(folder, 'program.mjs')
  await writeFile(
    program,
    `import { appendFileSync, readFileSync } from 'node:fs'
    const log = ${JSON.stringify(join(folder, 'runs'))}
    appendFileSync(log, '.')
    const run = readFileSync(log, 'utf8').length
    const answer = (more) => console.log(JSON.stringify({ Version: 1, AccessKeyId: 'AKID' + run, SecretAccessKey: 'secret', ...more }))
    ${source}`,
  )
  const config = join(folder, 'config')
  const command = `"${process.execPath}" "${program}"`
  await writeFile(config, `[default]\nregion = eu-west-1\ncredential_process = ${command}\n`)
  return { ...offline, AWS_CONFIG_FILE: config }
}

/** How often the program was started. */
export const runsOfProcess = async (): Promise<number> => (await readFile(join(folder, 'runs'), 'utf8')).length

/** A service's answer to one request: credentials with this lifetime, this HTTP status, or none. */
export type ServiceAnswer = { lastsMs: number } | { status: number } | 'never'

export interface CredentialService extends Server {
  /** How often credentials were asked for. */
  asked: () => number
}

/** Starts the service of a container. The nth request gets the nth of `answers`, and later requests get the last. */
export async function startContainerService(
  ...answers: [ServiceAnswer, ...ServiceAnswer[]]
): Promise<CredentialService> {
  let asked = 0
  const server = await startServer((_, response) => {
    const answer = answers[Math.min(asked, answers.length - 1)] ?? answers[0]
    asked += 1
    if (answer === 'never') return
    if ('status' in answer) {
      response.writeHead(answer.status).end('{}')
      return
    }
    const Expiration = new Date(Date.now() + answer.lastsMs)
    json({ AccessKeyId: `AKID${asked}`, SecretAccessKey: 'secret', Token: 'token', Expiration })(response)
  })
  return { ...server, asked: () => asked }
}

export const ofContainer = ({ endpoint }: CredentialService): Environment => ({
  ...offline,
  ...region,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/credentials`,
})

/** Starts the metadata service of EC2. Each answer takes `takesMs`; the first `failures` token requests get status 500. */
export async function startSlowMetadataService(takesMs: number, failures: number): Promise<CredentialService> {
  let asked = 0
  const role = {
    Code: 'Success',
    AccessKeyId: 'AKIDINSTANCE',
    SecretAccessKey: 'secret',
    Token: 't',
    Expiration: '2999-01-01T00:00:00Z',
  }
  const server = await startServer(({ method, url = '' }, response) => {
    setTimeout(() => {
      if (method === 'PUT') {
        asked += 1
        if (asked <= failures) response.writeHead(500).end()
        else response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '60').end('TOKEN')
      } else if (url.endsWith('/the-role')) json(role)(response)
      else response.end('the-role')
    }, takesMs)
  })
  return { ...server, asked: () => asked }
}

export const ofMetadata = ({ endpoint }: CredentialService): Environment => ({
  ...region,
  AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
})
