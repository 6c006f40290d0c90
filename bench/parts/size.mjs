// Measures the files that a deployment contains.
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'

const { cache } = createRequire(import.meta.url)

const megabytes = (file) => statSync(file).size / 1e6
const once = (figure) => ({ median: figure, rounds: [figure] })

export function measureSize({ peers }) {
  const addon = Object.keys(cache).find((file) => file.endsWith('.node'))
  const bundle = peers.find((peer) => peer.name === 'sdk-bundled').module
  const values = { ours: once(megabytes(addon)), 'sdk-bundled': once(megabytes(bundle)) }
  return [{ id: 'size', title: 'size: the `.node` file, the bundle', unit: 'MB', comparable: false, values }]
}
