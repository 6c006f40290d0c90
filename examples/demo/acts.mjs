// The play: the life of a cached page, acted by four processes that share only a table and a folder.
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {import('./processes.mjs').Answer} Answer */

/**
 * @typedef {object} Stage
 * @property {import('./processes.mjs').Servers} servers
 * @property {import('./origin.mjs').Origin} origin
 * @property {import('@theory-cloud/tabletheory-isr').IsrMetaStore} metaStore To look into the table.
 * @property {import('./report.mjs').Report} report
 * @property {import('./setting.mjs').Timing} timing
 */

/** @param {Stage} stage @returns {Promise<boolean>} Whether every expectation held. */
export async function play(stage) {
  for (const act of [coldMiss, hits, expiry, invalidation, invalidationInFlight, crash, failingRender]) {
    try {
      await act(stage)
    } catch (error) {
      stage.report.expect('the act is played to its end', false, error instanceof Error ? error.message : String(error))
    }
    // An act that was cut short must not spoil the next one.
    stage.origin.failing = false
    stage.origin.release()
  }
  return stage.report.summary()
}

/** @param {Stage} stage */
async function coldMiss({ servers, origin, report }) {
  report.act('a cold page', 'Nothing is cached. 40 requests arrive at the same moment, ten at each of four processes.')
  const { generation, rendersSince } = origin.watch('news')
  const answers = await servers.requests(40, '/page/news')
  const renders = rendersSince()
  report.requests({ answers }, renders)
  expectPage(report, answers, generation + 1)
  expectRenders(report, renders, 1)
}

/** @param {Stage} stage */
async function hits({ servers, origin, report }) {
  report.act('a fresh page', '40 more requests while the page is fresh.')
  const { generation, rendersSince } = origin.watch('news')
  const answers = await servers.requests(40, '/page/news')
  const renders = rendersSince()
  report.requests({ answers }, renders)
  expectPage(report, answers, generation)
  expectRenders(report, renders, 0)
  expectState(report, answers, 'hit')
}

/** @param {Stage} stage */
async function expiry(stage) {
  const { servers, origin, report, timing } = stage
  report.act('an expired page', `The page's ${timing.revalidateSeconds} s are over. 40 requests at the same moment.`)
  await expired(stage, '/page/news')
  const { generation, rendersSince } = origin.watch('news')
  const answers = await servers.requests(40, '/page/news')
  const renders = rendersSince()
  report.requests({ answers }, renders)
  expectPage(report, answers, generation + 1)
  expectRenders(report, renders, 1)
}

/** @param {Stage} stage */
async function invalidation({ servers, origin, report }) {
  report.act(
    'invalidation on demand',
    'The page is fresh. Process B is told to invalidate it, then all are asked for it.',
  )
  const before = await servers.request('A', '/page/news')
  const { generation, rendersSince } = origin.watch('news')
  const { status } = await servers.request('B', '/page/news', 'DELETE')
  const after = await servers.requests(12, '/page/news')
  const renders = rendersSince()
  report.requests({ before: [before], after }, renders)
  report.expect('the invalidation is confirmed', status === 204, `status ${status}`)
  expectPage(report, after, generation + 1)
  expectRenders(report, renders, 1)
}

/** @param {Stage} stage */
async function invalidationInFlight({ servers, origin, report }) {
  report.act(
    'invalidation in mid-render',
    'Process A renders from content that changes under its hands: the page is invalidated before A has finished.',
  )
  const { generation, rendersSince } = origin.watch('news')
  await servers.request('A', '/page/news', 'DELETE')
  origin.hold()
  const begun = origin.nextRender()
  const overtaken = servers.request('A', '/page/news')
  await begun
  await servers.request('B', '/page/news', 'DELETE')
  origin.release()
  const answers = await Promise.all([overtaken, servers.request('C', '/page/news'), servers.request('D', '/page/news')])
  const later = await servers.requests(4, '/page/news')
  const renders = rendersSince()
  report.requests({ 'in mid-render': answers, later }, renders)
  expectRenders(report, renders, 2)
  const [first] = renders
  const delivered = first?.process === 'A' && first.generation === generation + 1
  report.expect(
    `A rendered generation ${generation + 1}, too late`,
    delivered,
    `${first?.process}, ${first?.generation}`,
  )
  expectPage(report, [...answers, ...later], generation + 2)
}

/** @param {Stage} stage */
async function crash({ servers, origin, metaStore, report, timing }) {
  report.act(
    'a crash in mid-render',
    `Process C gets the lease of a cold page, twelve requests wait at the others, and C is killed with SIGKILL.
Its lease runs out ${timing.leaseDurationMs} ms after it was taken.`,
  )
  const { generation, rendersSince } = origin.watch('weather')
  origin.hold()
  const begun = origin.nextRender()
  const killed = servers.request('C', '/page/weather')
  await begun
  const lease = await metaStore.get('/page/weather')
  const waiting = servers.requests(12, '/page/weather', ['A', 'B', 'D'])
  await servers.kill('C')
  const answers = await waiting
  await servers.start('C')
  const restarted = await servers.request('C', '/page/weather')
  const renders = rendersSince()
  const phases = { killed: [await killed], waiting: answers, 'after the restart': [restarted] }
  report.requests(phases, renders)
  expectRenders(report, renders, 2)
  expectPage(report, [...answers, restarted], generation + 1)
  const delayMs = (renders[1]?.startedAt ?? Number.NaN) - (lease?.leaseExpiresAt ?? Number.NaN)
  const soon = delayMs >= 0 && delayMs < 1_500
  report.expect('another process took over when the lease ran out, and no earlier', soon, `${delayMs} ms after it`)
  report.expect('the restarted process has a hit', restarted.state === 'hit', restarted.state)
}

/** @param {Stage} stage */
async function failingRender(stage) {
  const { servers, origin, metaStore, report, timing } = stage
  const plot =
    'The page has expired and the origin is broken: eight requests at once, then one more. Then it is repaired.'
  report.act('a render that fails', plot)
  await expired(stage, '/page/news')
  origin.failing = true
  const { generation, rendersSince } = origin.watch('news')
  const together = await servers.requests(8, '/page/news')
  const rendersTogether = rendersSince()
  const record = await metaStore.get('/page/news')
  const oneMore = await servers.request('A', '/page/news')
  const failed = rendersSince()
  origin.failing = false
  const repaired = await servers.requests(4, '/page/news')
  const renders = rendersSince()
  report.requests({ 'at once': together, 'one more': [oneMore], repaired }, renders)
  expectPage(report, [...together, oneMore], generation)
  expectState(report, [...together, oneMore], 'stale')
  expectRenders(report, rendersTogether, 1)
  report.expect('the lease was released at once', record?.leaseToken === null, `${record?.leaseOwner}`)
  const atOnce = failed.length === 2 && oneMore.ms < timing.leaseDurationMs
  report.expect('one more request could try again at once', atOnce, `${failed.length} renders, ${oneMore.ms} ms`)
  expectPage(report, repaired, generation + 1)
}

/** Resolves when the page is no longer fresh. @param {Stage} stage @param {string} cacheKey */
async function expired({ metaStore }, cacheKey) {
  const record = await metaStore.get(cacheKey)
  if (!record) throw new Error(`${cacheKey} is not in the table`)
  await sleep(Math.max(0, record.generatedAt + record.revalidateSeconds * 1_000 - Date.now()))
}

/** @param {Stage['report']} report @param {Answer[]} answers @param {number} generation */
function expectPage(report, answers, generation) {
  const others = answers.filter((answer) => answer.status !== 200 || answer.generation !== generation)
  const found = new Set(others.map((other) => `${other.generation ?? `status ${other.status}`}`))
  report.expect(
    `generation ${generation} for ${all(answers)}`,
    others.length === 0,
    `${others.length} have ${[...found].join(', ')}`,
  )
}

/** @param {Stage['report']} report @param {unknown[]} renders @param {number} count */
function expectRenders(report, renders, count) {
  const expectation = ['no render', 'exactly one render', 'exactly two renders'][count] ?? `${count} renders`
  report.expect(expectation, renders.length === count, `${renders.length}`)
}

/** @param {Stage['report']} report @param {Answer[]} answers @param {string} state */
function expectState(report, answers, state) {
  const others = new Set(answers.filter((answer) => answer.state !== state).map((answer) => answer.state))
  report.expect(`${state} for ${all(answers)}`, others.size === 0, [...others].join(', '))
}

/** @param {Answer[]} answers */
const all = (answers) => (answers.length === 1 ? 'the request' : `all ${answers.length} requests`)
