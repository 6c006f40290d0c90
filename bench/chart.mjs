// The main figures as horizontal bars, a panel for each.
import { digits, ratioToSdk } from './table.mjs'

const panels = [
  { id: 'get-latency', title: 'get, one at a time' },
  { id: 'get-rate', title: 'get, 32 at a time' },
  { id: 'get-cpu', title: 'CPU of a get, 32 at a time' },
  { id: 'cold-wall', title: 'load, construct and first get' },
  { id: 'cold-rss', title: 'memory of these' },
  { id: 'crowd-median', title: 'a page request in a crowd on a stale page' },
  { id: 'crowd-requests', title: 'requests to the table by that crowd' },
]

const bars = [
  { name: 'ours', title: 'this package' },
  { name: 'lean', title: 'node:http by hand' },
  { name: 'sdk-bundled', title: 'AWS SDK, bundled' },
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
  const kind = name === 'ours' ? ' ours' : ''
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

function panel(row, title, top) {
  const shown = bars.filter(({ name }) => row.values[name] !== undefined)
  const scale = (width - left - right) / Math.max(...shown.map(({ name }) => row.values[name].median), Number.EPSILON)
  const drawn = shown.map((peer, index) => bar(row, peer, top + 24 + index * (barHeight + gap), scale))
  return {
    svg: [text(left, top + 14, `${title}${noteOf(row)}`, ' class="title"'), ...drawn].join('\n'),
    height: 24 + shown.length * (barHeight + gap) + 14,
  }
}

/** An SVG that is readable on light and dark. */
export function chart({ rows }) {
  let height = 8
  const drawn = []
  for (const { id, title } of panels) {
    const row = rows.find((one) => one.id === id)
    if (row === undefined) continue
    const { svg, height: taken } = panel(row, title, height)
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
