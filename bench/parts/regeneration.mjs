// Measures a whole regeneration without its render: get, tryAcquireLease, commitGeneration, releaseLease.
import { alternate, row } from '../figures.mjs'

export async function measureRegeneration({ setting, names, servers, tableName, children }) {
  const { rounds, sizes } = setting

  const measureAt = (server, endpoint, size, kind) => {
    const at = { endpoint, tableName }
    return alternate(rounds, names, async (name, round) => {
      const before = await server.count()
      const input = { slug: `${kind}-${name}-${round}`, ...size }
      const { medianMs } = await children.ask(name, 'regenerateRepeatedly', at, input)
      const requests = ((await server.count()) - before) / (size.warmUp + size.calls)
      return { medianMs, requests }
    })
  }
  const { stub, relay } = servers
  const onStub = await measureAt(stub, stub.endpoint, sizes.regenerations.stub, 'stub')
  const onStubTls = await measureAt(stub, stub.tls.endpoint, sizes.regenerations.stub, 'stub-tls')
  const onLocal = await measureAt(relay, relay.endpoint, sizes.regenerations.local, 'local')
  const onLocalTls = await measureAt(relay, relay.tls.endpoint, sizes.regenerations.local, 'local-tls')

  const milliseconds = (one) => one.medianMs
  return [
    row({ id: 'regeneration-stub', title: 'regeneration, stub', unit: 'ms' }, onStub, milliseconds),
    row({ id: 'regeneration-stub-tls', title: 'regeneration, stub over TLS', unit: 'ms' }, onStubTls, milliseconds),
    row({ id: 'regeneration-local', title: 'regeneration, DynamoDB Local', unit: 'ms' }, onLocal, milliseconds),
    row(
      { id: 'regeneration-local-tls', title: 'regeneration, DynamoDB Local over TLS', unit: 'ms' },
      onLocalTls,
      milliseconds,
    ),
    row(
      { id: 'regeneration-requests', title: 'regeneration, requests', unit: '', exact: true },
      onLocal,
      (one) => one.requests,
    ),
  ]
}
