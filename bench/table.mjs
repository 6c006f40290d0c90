// The results as Markdown.
import { median } from './figures.mjs'

/** Formats three significant digits, and all digits of a whole number. */
export function digits(number, { exact = false } = {}) {
  if (Math.abs(number) >= 100 || (exact && Number.isInteger(number))) return Math.round(number).toLocaleString('en')
  return Number(number.toPrecision(number < 1 ? 2 : 3)).toString()
}

/** How many times better the first peer is, or `undefined` if a ratio has no meaning. */
export function ratio({ more = false, comparable = true, values }, better, worse) {
  if (!comparable) return undefined
  const [ours, theirs] = [values[better]?.median, values[worse]?.median]
  if (!(ours > 0) || !(theirs > 0)) return undefined
  return more ? ours / theirs : theirs / ours
}

/** The ratio to the best peer on the AWS SDK. */
export function ratioToSdk(row) {
  const ratios = ['sdk-bundled', 'sdk-newest', 'sdk'].map((name) => ratio(row, 'ours', name)).filter(Boolean)
  return ratios.length > 0 ? Math.min(...ratios) : undefined
}

const times = (factor) => (factor === undefined ? '–' : `${digits(factor)}×`)

const line = (cells) => `| ${cells.join(' | ')} |`

function table(head, rows) {
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

function figures({ peers, rows }) {
  const head = ['', 'unit', ...peers.map((peer) => peer.title), 'AWS SDK / ours', '`node:http` / ours']
  const cells = rows.map((row) => [
    row.title,
    row.unit,
    ...peers.map(({ name }) => (row.values[name] === undefined ? '–' : digits(row.values[name].median, row))),
    times(ratioToSdk(row)),
    times(ratio(row, 'ours', 'lean')),
  ])
  return table(head, cells)
}

const cost = (bill) => {
  if (bill === undefined) return ['not possible', '–']
  return [`${bill.requests}, ${bill.roundTrips}`, `${bill.rcu}, ${bill.wcu}`]
}

function prices(costs) {
  const head = ['', 'ours: requests, round trips', 'RCU, WCU', 'AWS SDK: requests, round trips', 'RCU, WCU']
  return table(
    head,
    costs.map(({ title, values }) => [title, ...cost(values.ours), ...cost(values['sdk-bundled'])]),
  )
}

const shares = (share) => `${digits(share * 100)} %`

/** Formats the median, and the range if the rounds differ. */
function fleetCells(rounds, [figure, show]) {
  const numbers = rounds.map(figure)
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)].map(show)
  return least === most ? least : `${show(median(numbers))} (${least} to ${most})`
}

const fleetFigures = {
  errors: [(one) => one.errorShare, shares],
  'stale after an error': [(one) => one.staleAfterErrorShare, shares],
  renders: [(one) => one.renders, String],
  'p50, ms': [(one) => one.p50Ms, digits],
  'p99, ms': [(one) => one.p99Ms, digits],
  'read units': [(one) => one.readUnits, digits],
  'write units': [(one) => one.writeUnits, digits],
  throttles: [(one) => one.throttledReads + one.throttledWrites, digits],
}

function fleets(all) {
  const head = ['page', 'environments', 'within', 'store', ...Object.keys(fleetFigures)]
  const rows = all.flatMap(({ title, environments, spreadMs, values }) =>
    Object.values(values).map((value) => [
      title,
      environments.toLocaleString('en'),
      `${spreadMs.toLocaleString('en')} ms`,
      value.title,
      ...Object.values(fleetFigures).map((figure) => fleetCells(value.rounds, figure)),
    ]),
  )
  return table(head, rows)
}

export function report(results) {
  const { command, date, machine, rounds } = results
  const parts = [
    `${date.slice(0, 10)}, \`${command}\`, medians of ${rounds} rounds. ${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node.js ${machine.node}, ${machine.rustc}, load average ${machine.loadAverage.join(', ')}.`,
  ]
  if (results.rows.length > 0) parts.push(figures(results))
  if (results.fleet !== undefined) parts.push(fleets(results.fleet))
  if (results.costs !== undefined) parts.push(prices(results.costs))
  return parts.join('\n\n')
}
