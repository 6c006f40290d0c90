// This package, by its entry.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

export function create({ endpoint, tableName }) {
  return new FaceTheoryIsrMetaStore(tableName, {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
}
