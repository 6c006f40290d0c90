// Measures the time of calls on a machine that has other work too.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface Timed<T> {
  outcome: PromiseSettledResult<T>
  elapsedMs: number
  /** The longest part of `elapsedMs` in which this process may have been ready to run and had to wait. */
  lagMs: number
}

/** Makes the calls at once, and measures the time of each. */
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
/** Timers are usually this late, so this part is not lag. */
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

/** The time that all threads of this process, the addon's too, have waited for a processor. It is 0 without a count. */
function waitedForProcessorMs(): number {
  const threads = '/proc/self/task'
  if (!existsSync(threads)) return 0
  const waited = readdirSync(threads).map((thread) => {
    try {
      return Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[1])
    } catch {
      // The thread has ended.
      return 0
    }
  })
  return waited.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6
}
