// Region and credentials from the files of a home directory.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test, vi } from 'vitest'

import {
  atHome,
  callOnce,
  elsewhere,
  folder,
  home,
  isolations,
  keysOf,
  offline,
  region,
  regions,
  signers,
  stub,
} from '../support/elsewhere.js'
import { inProcess } from '../support/isolated.js'

describe('the home directory', () => {
  const files = (key: string): Record<string, string> => ({
    config: `[default]\nregion = ${key.toLowerCase()}\n`,
    credentials: `[default]\n${keysOf(key)}`,
  })

  test.each(isolations)('of %s provides the profile', async (_, isolated) => {
    vi.stubEnv('HOME', await home('of-the-parent', files('PARENT')))
    const HOME = await home('its-own', files('CHILD'))
    expect(await isolated({ ...offline, ...atHome, HOME }, elsewhere(), callOnce)).toBeNull()
    expect([signers(), regions()]).toEqual([['CHILD'], ['child']])
  })

  test.each(isolations)('of the parent does not count if %s has none', async (_, isolated) => {
    vi.stubEnv('HOME', await home('of-the-parent', files('PARENT')))
    expect(await isolated({ ...offline, ...region, ...atHome }, elsewhere(), callOnce)).toBe('ErrCredentials')
    expect(stub.requests).toEqual([])
  })

  test.each([
    ['credentials', { credentials: `[default]\n${keysOf('AKIDHOME')}` }],
    ['config', { config: `[default]\n${keysOf('AKIDHOME')}` }],
  ])('provides credentials if its only AWS file is %s', async (_, files) => {
    const environment = { ...offline, ...region, ...atHome, HOME: await home('sparse', files) }
    expect(await inProcess(environment, elsewhere(), callOnce)).toBeNull()
    expect(signers()).toEqual(['AKIDHOME'])
  })
})

test.each(isolations)(
  'without AWS_PROFILE, %s has the default profile, even if its parent has another',
  async (_, isolated) => {
    vi.stubEnv('AWS_PROFILE', 'other')
    const file = join(folder, 'credentials')
    await writeFile(file, `[default]\n${keysOf('AKIDDEFAULT')}[other]\n${keysOf('AKIDOTHER')}`)
    const config = join(folder, 'config')
    await writeFile(config, '[default]\nregion = of-default\n[profile other]\nregion = of-other\n')
    const environment = { ...offline, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: file }
    expect(await isolated(environment, elsewhere(), callOnce)).toBeNull()
    expect([signers(), regions()]).toEqual([['AKIDDEFAULT'], ['of-default']])
  },
)
