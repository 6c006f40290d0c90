// This package, by its entry.
import { FaceTheoryIsrMetaStore } from '@theory-cloud/tabletheory-isr'

/** Makes a store. `options` are added to the options that every peer has. */
export function create({ endpoint, tableName, options }) {
  return new FaceTheoryIsrMetaStore(tableName, {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    ...options,
  })
}
