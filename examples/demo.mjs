// Four server processes share one table: see them regenerate pages, be killed, and never render a page twice at once.
import { prepare } from '../scripts/prepare.mjs'

const help = `Usage: npm run demo [-- --serve]

Builds the package, starts DynamoDB Local and four server processes that share one table and one folder of HTML, and
plays what may happen to a cached page: a cold miss, hits, expiry, invalidation, a crash in mid-render, a render that
fails. Each outcome is checked; the exit code is 1 if one is not as it should be.

  --serve  instead of playing, serve the pages and a view of the table at a local address, until Ctrl-C
  --help   this text

DynamoDB Local needs Java 17 or newer. With DYNAMODB_ENDPOINT set, the demo uses the one there and starts none.`

const options = process.argv.slice(2)
const unknown = options.filter((option) => !['--serve', '--help', '-h'].includes(option))
if (unknown.length > 0) {
  console.error(`Unknown argument: ${unknown.join(' ')}\n\n${help}`)
  process.exitCode = 2
} else if (options.includes('--help') || options.includes('-h')) {
  console.log(help)
} else {
  await prepare()
  // Only now, because in a fresh clone the package that it imports has just been built.
  const { run } = await import('./demo/run.mjs')
  await run({ serving: options.includes('--serve') })
}
