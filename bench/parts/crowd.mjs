// Many page requests at once on one stale page, in one process, on DynamoDB Local.
import { alternate, row } from '../figures.mjs'

export async function measureCrowd({ setting, names, servers, tableName, children }) {
  const { callers, renderMs } = setting.sizes.crowd
  const at = { endpoint: servers.relay.endpoint, tableName }

  const results = await alternate(setting.rounds, names, async (name, round) => {
    const slug = `crowd-${name}-${round}`
    await children.ask(name, 'publishStale', at, { slug })
    const before = await servers.relay.count()
    const figures = await children.ask(name, 'crowd', at, { slug, callers, renderMs })
    return { ...figures, requests: (await servers.relay.count()) - before }
  })
  const title = `${callers} page requests at once on one stale page (${renderMs} ms render)`
  return [
    row({ id: 'crowd-median', title: `${title}, median`, unit: 'ms' }, results, (one) => one.medianMs),
    row({ id: 'crowd-slowest', title: 'the same, slowest', unit: 'ms' }, results, (one) => one.slowestMs),
    row(
      { id: 'crowd-requests', title: 'the same, requests to the table', unit: '', exact: true },
      results,
      (one) => one.requests,
    ),
    row({ id: 'crowd-renders', title: 'the same, renders', unit: '', exact: true }, results, (one) => one.renders),
  ]
}
