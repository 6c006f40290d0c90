// The main figures as horizontal bars, with a panel for each. The waits of users come first.
import { median } from './figures.mjs'
import { digits, ratioToSdk } from './table.mjs'

const fromRows =
  (id, title) =>
  ({ rows }) => {
    const row = rows.find((one) => one.id === id)
    return row && { ...row, title }
  }

/** Makes a row of one figure of a fleet. */
const fromFleet =
  (id, title, unit, figure) =>
  ({ fleet = [] }) => {
    const found = fleet.find((one) => one.id === id && one.environments === 4_000 && one.spreadMs === 1_000)
    if (found === undefined) return undefined
    const values = Object.entries(found.values).map(([name, { rounds }]) => [
      name,
      { median: median(rounds.map(figure)) },
    ])
    return { title, unit, values: Object.fromEntries(values) }
  }

/** Makes a row of one figure of an operation's costs. */
const fromCosts =
  (operation, title, unit, figure) =>
  ({ costs = [] }) => {
    const found = costs.find((one) => one.title === operation)
    if (found === undefined) return undefined
    const values = Object.entries(found.values).map(([name, bill]) => [name, { median: figure(bill) }])
    return { title, unit, exact: true, values: Object.fromEntries(values) }
  }

const percentOfErrors = (one) => one.errorShare * 100

const panels = [
  fromRows('lambda-128-first', 'first view on a function of 128 MB'),
  fromRows('lambda-128-sum', '60 views on it, one after the other'),
  fromFleet('cold', '4,000 environments want a new page within a second: visitors with an error', '%', percentOfErrors),
  fromFleet('cold', 'the same: 99th percentile of the visitors', 'ms', (one) => one.p99Ms),
  fromFleet('hot', 'a hot page in 4,000 environments: visitors with an error', '%', percentOfErrors),
  fromCosts('a regeneration', 'a regeneration: round trips', '', (bill) => bill.roundTrips),
  fromCosts('a regeneration', 'a regeneration: write units', '', (bill) => bill.wcu),
  fromRows('cold-tls-wall', 'load, construct and first get over TLS'),
  fromRows('get-tls-latency', 'get over TLS, one at a time'),
  fromRows('crowd-median', 'one of 500 page requests at once in one process'),
]

const bars = [
  { name: 'ours', title: 'this package' },
  { name: 'ours-recommended', title: 'recommended options' },
  { name: 'lean', title: 'node:http by hand' },
  { name: 'sdk-bundled', title: 'AWS SDK, bundled' },
  { name: 'sdk-newest', title: 'newest AWS SDK, bundled' },
  { name: 'sdk', title: 'AWS SDK, as installed' },
]

const [width, left, right, barHeight, gap] = [760, 170, 110, 16, 5]

const style = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; font-size: 13px; fill: #24292f }
  .bar { fill: #afb8c1 } .bar.ours { fill: #d2691e } .ours text { fill: #24292f; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title, .ours text { fill: #e6edf3 } .bar { fill: #545d68 } .bar.ours { fill: #f08c3a }
  }`

const text = (x, y, content, attributes = '') => `<text x="${x}" y="${y}"${attributes}>${content}</text>`

function bar(row, { name, title }, top, scale) {
  const value = row.values[name].median
  const length = Math.max(1, Math.round(value * scale))
  const baseline = top + barHeight - 4
  const kind = name.startsWith('ours') ? ' ours' : ''
  return [
    `<g class="peer${kind}">`,
    text(left - 8, baseline, title, ' text-anchor="end"'),
    `<rect class="bar${kind}" x="${left}" y="${top}" width="${length}" height="${barHeight}" rx="2"/>`,
    text(left + length + 6, baseline, `${digits(value, row)} ${row.unit}`.trim()),
    '</g>',
  ].join('')
}

function noteOf(row) {
  const factor = ratioToSdk(row)
  if (factor === undefined) return ''
  return row.more ? ` (${digits(factor)}× the AWS SDK)` : ` (AWS SDK: ${digits(factor)}×)`
}

function panel(row, top) {
  const shown = bars.filter(({ name }) => row.values[name] !== undefined)
  const scale = (width - left - right) / Math.max(...shown.map(({ name }) => row.values[name].median), Number.EPSILON)
  const drawn = shown.map((peer, index) => bar(row, peer, top + 24 + index * (barHeight + gap), scale))
  return {
    svg: [text(left, top + 14, `${row.title}${noteOf(row)}`, ' class="title"'), ...drawn].join('\n'),
    height: 24 + shown.length * (barHeight + gap) + 14,
  }
}

/** Returns an SVG that is readable on light and dark backgrounds. */
export function chart(results) {
  let height = 8
  const drawn = []
  for (const rowOf of panels) {
    const row = rowOf(results)
    if (row === undefined) continue
    const { svg, height: taken } = panel(row, height)
    drawn.push(svg)
    height += taken
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img">
<title>This package beside the same store on other clients</title>
<style>${style}
</style>
${drawn.join('\n')}
</svg>
`
}
