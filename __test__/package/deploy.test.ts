// The recipes of docs/deploy.md: they parse, keep the package out of the bundle, and have the same table and permissions.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parse as parseHcl } from '@cdktf/hcl2json'
import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'

import table from '../../docs/infrastructure/create-table.json' with { type: 'json' }
import { siteFunction } from '../../docs/infrastructure/function.js'
import policy from '../../docs/infrastructure/policy.json' with { type: 'json' }

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string): string => readFileSync(`${root}docs/infrastructure/${name}`, 'utf8')
const yaml = (name: string) => parseYaml(read(name), { logLevel: 'silent' })
const actions = policy.Statement.flatMap(({ Action }) => Action)
const { KeySchema, AttributeDefinitions, BillingMode } = table
const ourTable = {
  BillingMode,
  KeySchema,
  AttributeDefinitions,
  TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
}
const packageName = '@theory-cloud/tabletheory-isr'

describe('the recipe for', () => {
  test('CDK synthesises a function with the table, its name and its permissions', ({ onTestFinished }) => {
    mkdirSync(join(root, 'target'), { recursive: true })
    const folder = mkdtempSync(join(root, 'target/deploy-'))
    const before = process.cwd()
    onTestFinished(() => {
      process.chdir(before)
      rmSync(folder, { recursive: true })
    })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: { [packageName]: '0.1.0' } }))
    writeFileSync(join(folder, 'package-lock.json'), '{}')
    writeFileSync(join(folder, 'handler.ts'), '')
    // CDK treats the folder of the nearest lockfile as the project, and reads the whole folder.
    process.chdir(folder)
    // Bundling is off, because it needs a container. CDK still builds its image, with the first `docker` on the path.
    writeFileSync(join(folder, 'docker'), '#!/bin/sh\n', { mode: 0o755 })
    process.env.PATH = `${folder}:${process.env.PATH}`
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
    const stack = new Stack(app, 'Site')
    siteFunction(stack, join(folder, 'handler.ts'))
    const template = Template.fromStack(stack)
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Environment: { Variables: { FACETHEORY_CACHE_TABLE_NAME: { Ref: Match.stringLikeRegexp('^IsrTable') } } },
    })
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [Match.objectLike({ Action: actions, Effect: 'Allow' })] },
    })
  })

  test('SAM keeps the package out of the bundle and puts it into a layer', () => {
    const { Site, IsrTable, IsrLayer } = yaml('sam.yaml').Resources
    expect(Site.Metadata.BuildProperties.External).toEqual([packageName])
    expect(Site.Properties.Layers).toEqual(['IsrLayer'])
    expect(IsrLayer.Properties.CompatibleArchitectures).toEqual(Site.Properties.Architectures)
    expect(Site.Properties.Policies[0].Statement[0].Action).toEqual(actions)
    expect(IsrTable.Properties).toEqual(ourTable)
  })

  test('the Serverless Framework keeps the package out of the bundle', () => {
    const { build, provider, resources } = yaml('serverless.yml')
    expect(build.esbuild.external).toEqual([packageName])
    expect(provider.iam.role.statements[0].Action).toEqual(actions)
    expect(resources.Resources.IsrTable.Properties).toEqual({
      TableName: provider.environment.FACETHEORY_CACHE_TABLE_NAME,
      ...ourTable,
    })
  })

  test('Terraform refers to the table and the permissions of the other template', async () => {
    const { resource } = await parseHcl('function.tf', read('function.tf'))
    const [site] = resource.aws_lambda_function.site
    expect(site.environment[0].variables.FACETHEORY_CACHE_TABLE_NAME).toBe(`\${aws_dynamodb_table.isr.name}`)
    expect(resource.aws_iam_role_policy.isr[0].policy).toBe(`\${data.aws_iam_policy_document.isr.json}`)
    const other = await parseHcl('table.tf', read('table.tf'))
    expect(Object.keys(other.resource.aws_dynamodb_table)).toEqual(['isr'])
    expect(Object.keys(other.data.aws_iam_policy_document)).toEqual(['isr'])
  })

  test("FaceTheory's starter grants the permissions and keeps the package out of the bundle", () => {
    const added = read('facetheory-starter.patch')
      .split('\n')
      .filter((line) => line.startsWith('+') && !line.startsWith('+++'))
      .join('\n')
    expect(Array.from(added.matchAll(/'(dynamodb:\w+)'/g), ([, action]) => action)).toEqual(actions)
    expect(added).toContain(`nodeModules: ['${packageName}']`)
    expect(added).toContain('FACETHEORY_CACHE_TABLE_NAME')
  })
})
