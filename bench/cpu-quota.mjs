// Sets the CPU quota of a function, with a control group of Linux.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const version1 = '/sys/fs/cgroup/cpu'
const version2 = '/sys/fs/cgroup'

const versions = [
  {
    applies: () => existsSync(join(version1, 'cpu.cfs_quota_us')),
    folder: version1,
    enable: () => {},
    limit: (group, quotaUs, periodUs) => {
      writeFileSync(join(group, 'cpu.cfs_period_us'), String(periodUs))
      writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quotaUs))
    },
  },
  {
    applies: () => existsSync(join(version2, 'cgroup.controllers')),
    folder: version2,
    enable: () => {
      const controllers = readFileSync(join(version2, 'cgroup.subtree_control'), 'utf8').split(/\s/)
      if (!controllers.includes('cpu')) writeFileSync(join(version2, 'cgroup.subtree_control'), '+cpu')
    },
    limit: (group, quotaUs, periodUs) => writeFileSync(join(group, 'cpu.max'), `${quotaUs} ${periodUs}`),
  },
]

/** Makes a control group with `share` of a core in each period. `add` moves a process into it. */
export function createQuota({ share, periodMs }) {
  const version = versions.find(({ applies }) => applies())
  if (version === undefined) throw new Error('this system has no control groups with a CPU controller')
  version.enable()
  const group = join(version.folder, `tabletheory-isr-bench-${process.pid}-${Math.round(share * 1_000)}-${periodMs}`)
  mkdirSync(group)
  const remove = () => rmdirSync(group)
  try {
    version.limit(group, Math.round(share * periodMs * 1_000), periodMs * 1_000)
  } catch (error) {
    remove()
    throw error
  }
  return { add: (pid) => writeFileSync(join(group, 'cgroup.procs'), String(pid)), remove }
}

/** Returns the reason why this process cannot set a CPU quota, or `undefined` if it can. */
export function quotaFailure() {
  try {
    createQuota({ share: 0.5, periodMs: 100 }).remove()
    return undefined
  } catch (error) {
    return error.message
  }
}
