// Two listeners for `onOperation`.
import type { IsrStoreOperation } from '@theory-cloud/tabletheory-isr'

/** FaceTheory's `observability.metric`. */
type Metric = (record: { name: string; value: number; tags: Record<string, string> }) => void

/** Feeds FaceTheory's metrics: `new FaceTheoryIsrMetaStore(table, { onOperation: toFaceTheory(observability.metric) })`. */
export function toFaceTheory(metric: Metric): (operation: IsrStoreOperation) => void {
  return ({ operation, durationMs, requests, shared, outcome, code }) => {
    const tags = { operation, outcome, code: code ?? 'none', shared: String(shared) }
    metric({ name: 'tabletheory_isr.operation_ms', value: durationMs, tags })
    metric({ name: 'tabletheory_isr.requests', value: requests, tags })
  }
}

/**
 * Writes CloudWatch's embedded metric format, which a Lambda function's log turns into metrics. Each call that sent a
 * request or failed writes one line.
 */
export function toCloudWatch(write: (line: string) => void = console.log): (operation: IsrStoreOperation) => void {
  return ({ operation, durationMs, requests, outcome, code }) => {
    if (requests === 0 && outcome !== 'failure') return
    const metrics = [
      { Name: 'Duration', Unit: 'Milliseconds' },
      { Name: 'Requests', Unit: 'Count' },
    ]
    const directive = { Namespace: 'tabletheory-isr', Dimensions: [['Operation', 'Outcome']], Metrics: metrics }
    const values = { Operation: operation, Outcome: code ?? outcome, Duration: durationMs, Requests: requests }
    write(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [directive] }, ...values }))
  }
}
