// How long calls take, on a machine that has other work too.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface Timed<T> {
  outcome: PromiseSettledResult<T>
  elapsedMs: number
  /** How long of that, at most, something in this process was ready to run and did not. */
  lagMs: number
}

/** Times each of the calls, which are made at once. */
export async function timed<T>(calls: readonly (() => Promise<T>)[]): Promise<Timed<T>[]> {
  const waitedBefore = waitedForProcessorMs()
  const lag = watchLoop()
  const start = performance.now()
  const settled = await Promise.all(
    calls.map(async (call) => {
      const [outcome] = await Promise.allSettled([call()])
      return { outcome, elapsedMs: performance.now() - start, lagMs: lag.soFarMs() }
    }),
  )
  lag.end()
  const waitedMs = Math.max(0, waitedForProcessorMs() - waitedBefore)
  return settled.map((one) => ({ ...one, lagMs: one.lagMs + waitedMs }))
}

const tickMs = 10
/** Timers are never on time to the millisecond. */
const usuallyLateMs = 10

function watchLoop(): { soFarMs: () => number; end: () => void } {
  let lagMs = 0
  let last = performance.now()
  const tick = (): void => {
    const now = performance.now()
    lagMs += Math.max(0, now - last - tickMs - usuallyLateMs)
    last = now
  }
  const ticking = setInterval(tick, tickMs)
  return {
    soFarMs: () => {
      tick()
      return lagMs
    },
    end: () => clearInterval(ticking),
  }
}

/** All threads of this process together, the addon's too, as far as the system counts that. */
function waitedForProcessorMs(): number {
  const threads = '/proc/self/task'
  if (!existsSync(threads)) return 0
  const waited = readdirSync(threads).map((thread) => {
    try {
      return Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[1])
    } catch {
      // It has ended.
      return 0
    }
  })
  return waited.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6
}
