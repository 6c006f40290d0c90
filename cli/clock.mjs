// Clock skew between this machine and the server, as far as the whole seconds of its responses show.
// @ts-check
import { duration } from './format.mjs'

/** FaceTheory's default for `leaseDurationMs`: a clock that is that far ahead takes over each lease at once. */
const LEASE_MS = 5_000

/**
 * The server's time was within `serverAt` and a second later, at some time between sending and answer. Each answer
 * bounds by how much the clocks differ; together they bound it better.
 * @param {Pick<import('./native.mjs').Probe, 'sentAt' | 'receivedAt' | 'serverAt'>[]} probes
 * @returns {{ check: string, status: 'ok' | 'warning' | 'failure', message: string, fix?: string }}
 */
export function clockCheck(probes) {
  const bounds = probes.flatMap(({ sentAt, receivedAt, serverAt }) =>
    serverAt === null ? [] : [{ least: serverAt - receivedAt, most: serverAt + 1_000 - sentAt }],
  )
  if (bounds.length === 0) {
    const fix = 'compare this clock with a time server: the processes that regenerate pages should agree'
    return { check: 'clock', status: 'warning', message: 'not checked: the responses have no date', fix }
  }
  const least = Math.max(...bounds.map((bound) => bound.least))
  const most = Math.min(...bounds.map((bound) => bound.most))
  if (least > most) {
    const fix = 'run doctor again: the servers’ clocks differ, or this machine’s clock was set meanwhile'
    return { check: 'clock', status: 'warning', message: 'not checked: the responses contradict each other', fix }
  }
  if (least <= 0 && most >= 0) {
    return { check: 'clock', status: 'ok', message: `within ${duration(Math.max(-least, most))} of the server’s clock` }
  }
  const difference = least > 0 ? least : -most
  return {
    check: 'clock',
    status: difference < LEASE_MS ? 'warning' : 'failure',
    message: `${least > 0 ? 'behind' : 'ahead of'} the server’s clock by at least ${duration(difference)}`,
    fix: 'synchronise the clock (NTP): a clock that is ahead takes over leases early, one that is behind waits longer',
  }
}
