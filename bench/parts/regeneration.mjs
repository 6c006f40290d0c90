// A whole regeneration without its render: get, tryAcquireLease, commitGeneration, releaseLease.
import { alternate, row } from '../figures.mjs'

export async function measureRegeneration({ setting, names, servers, tableName, children }) {
  const { rounds, sizes } = setting

  const measureAt = async (server, size) => {
    const at = { endpoint: server.endpoint, tableName }
    return alternate(rounds, names, async (name, round) => {
      const before = await server.count()
      const input = { slug: `${name}-${round}`, ...size }
      const { medianMs } = await children.ask(name, 'regenerateRepeatedly', at, input)
      const requests = ((await server.count()) - before) / (size.warmUp + size.calls)
      return { medianMs, requests }
    })
  }
  const onStub = await measureAt(servers.stub, sizes.regenerations.stub)
  const onLocal = await measureAt(servers.relay, sizes.regenerations.local)

  const milliseconds = (one) => one.medianMs
  return [
    row({ id: 'regeneration-stub', title: 'regeneration, stub', unit: 'ms' }, onStub, milliseconds),
    row({ id: 'regeneration-local', title: 'regeneration, DynamoDB Local', unit: 'ms' }, onLocal, milliseconds),
    row(
      { id: 'regeneration-requests', title: 'regeneration, requests', unit: '', exact: true },
      onLocal,
      (one) => one.requests,
    ),
  ]
}
