// Measures many page requests at once on one stale page, in one process, on DynamoDB Local.
import { alternate, row } from '../figures.mjs'

export async function measureCrowd({ setting, names, servers, tableName, children }) {
  const { callers, renderMs } = setting.sizes.crowd
  const { relay } = servers

  const measureAt = (endpoint, kind) => {
    const at = { endpoint, tableName }
    return alternate(setting.rounds, names, async (name, round) => {
      const slug = `crowd-${kind}-${name}-${round}`
      await children.ask(name, 'publishStale', at, { slug })
      const before = await relay.count()
      const figures = await children.ask(name, 'crowd', at, { slug, callers, renderMs })
      return { ...figures, requests: (await relay.count()) - before }
    })
  }
  const plain = await measureAt(relay.endpoint, 'plain')
  const encrypted = await measureAt(relay.tls.endpoint, 'tls')

  const title = `${callers} page requests at once on one stale page (${renderMs} ms render)`
  const ms = (id, about, results, read) => row({ id, title: about, unit: 'ms' }, results, read)
  const counted = (id, about, read) => row({ id, title: about, unit: '', exact: true }, plain, read)
  return [
    ms('crowd-median', `${title}, median`, plain, (one) => one.medianMs),
    ms('crowd-slowest', 'the same, slowest', plain, (one) => one.slowestMs),
    counted('crowd-requests', 'the same, requests to the table', (one) => one.requests),
    counted('crowd-renders', 'the same, renders', (one) => one.renders),
    ms('crowd-tls-median', 'the same over TLS, median', encrypted, (one) => one.medianMs),
    ms('crowd-tls-slowest', 'the same over TLS, slowest', encrypted, (one) => one.slowestMs),
  ]
}
