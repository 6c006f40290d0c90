// This machine's clock against the server's, as far as the whole seconds of its answers show.
// @ts-check
import { duration } from './output.mjs'

/** FaceTheory's default for `leaseDurationMs`: a clock that is wrong by that much takes each lease at once. */
const LEASE_MS = 5_000

/**
 * The server's time was within `serverAt` and a second later, at some time between sending and answer. Each answer
 * bounds by how much the clocks differ; all of them together bound it better.
 * @param {Pick<import('./native.mjs').Probe, 'sentAt' | 'receivedAt' | 'serverAt'>[]} probes
 * @returns {{ check: string, status: 'ok' | 'warning' | 'failure', message: string, remedy?: string }}
 */
export function clockCheck(probes) {
  const bounds = probes.flatMap(({ sentAt, receivedAt, serverAt }) =>
    serverAt === null ? [] : [{ least: serverAt - receivedAt, most: serverAt + 1_000 - sentAt }],
  )
  if (bounds.length === 0) {
    const remedy = 'compare it with a time server: processes that regenerate pages should agree'
    return { check: 'clock', status: 'warning', message: 'not checked: the answers have no date', remedy }
  }
  const least = Math.max(...bounds.map((bound) => bound.least))
  const most = Math.min(...bounds.map((bound) => bound.most))
  if (least > most) {
    const remedy = 'ask again: some of the servers’ clocks differ, or this machine’s was set meanwhile'
    return { check: 'clock', status: 'warning', message: 'not checked: the answers contradict each other', remedy }
  }
  if (least <= 0 && most >= 0) {
    return { check: 'clock', status: 'ok', message: `within ${duration(Math.max(-least, most))} of the server’s` }
  }
  const difference = least > 0 ? least : -most
  return {
    check: 'clock',
    status: difference < LEASE_MS ? 'warning' : 'failure',
    message: `${least > 0 ? 'behind' : 'ahead of'} the server’s by ${duration(difference)} at least`,
    remedy: 'set the clock by a time server: one that is ahead takes leases early, one that is behind waits longer',
  }
}
