// The settings that all processes of the demo share.

/**
 * @typedef {object} Timing
 * @property {number} revalidateSeconds
 * @property {number} leaseDurationMs
 * @property {number} waitTimeoutMs
 * @property {number} pollIntervalMs
 * @property {number} renderMs
 */

/**
 * @typedef {object} Setting
 * @property {string} tableName
 * @property {string} endpoint
 * @property {string} folder The folder with the HTML.
 * @property {string} originUrl Where the content comes from.
 * @property {Timing} timing
 */

/** @type {Timing} Short, so that the play is short, but long enough for a slow machine. */
export const playTiming = {
  revalidateSeconds: 5,
  leaseDurationMs: 4_000,
  waitTimeoutMs: 10_000,
  pollIntervalMs: 100,
  renderMs: 300,
}

/** @type {Timing} Long enough to watch. */
export const serveTiming = {
  revalidateSeconds: 15,
  leaseDurationMs: 6_000,
  waitTimeoutMs: 15_000,
  pollIntervalMs: 100,
  renderMs: 1_500,
}

/**
 * @param {string} endpoint
 * @returns {import('@theory-cloud/tabletheory-isr').FaceTheoryIsrMetaStoreOptions}
 */
export const storeOptions = (endpoint) => ({
  endpoint,
  // DynamoDB Local on a busy machine, its JVM still cold, is slower than DynamoDB.
  requestTimeoutMs: 5_000,
  operationTimeoutMs: 15_000,
})
